"""Statuses, ids, processes and patience: what a web server needs beside the facade."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.hosting import BackOff, PerProcess, command_id, problem, retry_after, status_of
from crm_core import CRM, Actor, errors
from crm_core.errors import (
    CommandReused,
    CommitUnknown,
    Conflict,
    CrmError,
    Failed,
    Fault,
    Invalid,
    KeysLocked,
    NotDelivered,
    PersonErased,
    PolicyInactive,
    Refused,
    StoreFull,
    StoreUnreachable,
    UnknownPolicy,
    UnreadableEvent,
    ViewNotReady,
)
from crm_core.hosting import AtOnce, outcome_of
from crm_core.kernel.decider import Refusal
from crm_core.owners.commands import RegisterHousehold
from faults.forking import in_a_fork

CLERK = Actor("S1", "specialist")

# --- statuses ------------------------------------------------------------------------------------

NOT_THEIRS = Refused(Refusal("role_insufficient", "LOG-08", {"act": "grade", "role": "owner"}))

STATUSES: list[tuple[CrmError, int, int | None]] = [
    (Refused(Refusal("household_exists", "OWN-01", {"household": "V1"})), 409, None),
    (NOT_THEIRS, 403, None),
    (Invalid.one("amount_malformed"), 422, None),
    (Invalid.one("household_unknown", household="V1"), 404, None),
    (Invalid([Fault("household_unknown"), Fault("amount_malformed")]), 422, None),
    (Invalid([]), 422, None),
    (Invalid.one("actor_role_unknown"), 403, None),
    (UnknownPolicy.one("policy_unknown"), 422, None),
    (PolicyInactive.one("approver_missing"), 409, None),
    (CommandReused("c1"), 422, None),
    (PersonErased("V1#owner"), 410, None),
    (Conflict("account/V1", 1, 2), 503, 1),
    (CommitUnknown("c1"), 503, 1),
    (StoreUnreachable("process_forked", store="crm.db"), 503, 5),
    (StoreFull("store_full", store="crm.db"), 503, 60),
    (ViewNotReady("payments.due", 1), 503, 1),
    (NotDelivered("unreachable", transient=True), 503, 1),
    (NotDelivered("address_missing", transient=False), 502, None),
    (KeysLocked("keys_locked", vault="crm.keys"), 500, None),
    (UnreadableEvent(7, "account/V1", "digest"), 500, None),
]


@pytest.mark.parametrize(
    ("error", "status", "seconds"), STATUSES, ids=lambda one: type(one).__name__
)
def test_an_error_has_its_status_and_says_when_to_come_again(
    error: CrmError, status: int, seconds: int | None
) -> None:
    assert status_of(error) == status
    assert retry_after(error) == seconds


def test_what_is_safe_to_repeat_is_unavailable_and_nothing_else_is() -> None:
    """Of every class of the tree: 503 and `Retry-After` go together."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in kinds if issubclass(kind, Failed)]
    assert len(kinds) > 15
    for kind in kinds:
        error = kind.__new__(kind)
        assert (status_of(error) == 503) is kind.retry_safe is (retry_after(error) is not None)


def test_a_client_is_told_what_it_can_mend_and_nothing_of_the_server() -> None:
    told = problem(NOT_THEIRS, "en")
    assert (told["status"], told["code"], told["reason"]) == (
        403, "CRM-R001", "role_insufficient",
    )  # fmt: skip
    fault = Invalid.one("household_unknown", "household", household="V9")
    assert problem(fault, "zh")["detail"] == "household: 住户 `V9` 没有档案"
    assert problem(fault, "zh")["faults"] == [
        {
            "code": "household_unknown",
            "message": "household: 住户 `V9` 没有档案",
            "where": "household",
        }
    ]
    inside = problem(StoreUnreachable("process_forked", store="/srv/secret/crm.db"))
    assert inside == {"status": 503, "title": "StoreUnreachable", "code": "CRM-F004"}


# --- ids of commands -----------------------------------------------------------------------------

keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(st.tuples(keys, keys), st.tuples(keys, keys))
def test_two_commands_have_one_id_only_if_caller_and_key_are_the_same(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    unquoted = [(caller, key.strip('"')) for caller, key in (one, other)]
    if unquoted[0] != unquoted[1]:
        assert command_id(*one) != command_id(*other)
    assert command_id(*one) == command_id(*one)


def test_a_caller_cannot_run_into_another_by_how_their_names_are_put_together() -> None:
    assert command_id("ab", "c") != command_id("a", "bc")


def test_a_key_stands_in_quotes_or_without() -> None:
    assert command_id("S1", '"8e03978e"') == command_id("S1", " 8e03978e ")


def test_no_client_can_choose_an_id() -> None:
    """Its own ids and those that the library derives are never the same."""
    assert command_id("S1", "tick:parcels:1") not in ("tick:parcels:1", command_id("S2", "x"))


@pytest.mark.parametrize("key", [None, "", " ", '""', "x" * 256, "键", "a\nb"])
def test_without_a_key_nothing_is_done(key: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        command_id("S1", key)
    assert status_of(refused.value) == 422
    assert refused.value.faults[0].where == "Idempotency-Key"


# --- processes -----------------------------------------------------------------------------------


def register(crm: CRM, household: str) -> None:
    crm.do(RegisterHousehold(household, "Anhe", "1", "1", household), by=CLERK)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crm.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.mark.rule("LOG-01")
def test_a_process_that_was_forked_gets_a_crm_of_its_own(url: str, tmp_path: Path) -> None:
    keys = tmp_path / "crm.keys"
    open_crm(url, create=True, keys=keys).close()
    opened: list[int] = []

    def opener() -> CRM:
        opened.append(os.getpid())
        return open_crm(url, keys=keys)

    crm = PerProcess(opener)
    register(crm(), "V1")
    assert crm() is crm()

    def work() -> None:
        register(crm(), f"F{os.getpid()}")
        assert opened[-1] == os.getpid()
        assert crm().verify().intact
        crm.close()

    for _ in range(3):
        in_a_fork(work)
    register(crm(), "V2")
    assert opened == [os.getpid()]
    assert len({e.household for e in crm().log.feed()}) == 5
    crm.close()


def test_a_lock_that_was_held_when_the_fork_was_made_blocks_nobody(tmp_path: Path) -> None:
    """The worst moment: another thread was just opening."""
    crm = PerProcess(lambda: open_crm("memory:"))
    with crm._lock:
        in_a_fork(lambda: register(crm(), "V1"))


def test_threads_that_ask_at_once_open_it_once() -> None:
    opened: list[CRM] = []

    def opener() -> CRM:
        opened.append(open_crm("memory:"))
        return opened[-1]

    crm = PerProcess(opener)
    threads = [Thread(target=crm) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
    crm.close()
    crm.close()
    assert crm() is opened[1]
    crm.close()


# --- patience ------------------------------------------------------------------------------------


def test_each_wait_is_bounded_by_twice_the_bound_before() -> None:
    waits: list[float] = []
    patience = BackOff(tries=10, first_ms=5, most_ms=100, sleep=waits.append)
    for _ in range(200):
        for tried in range(1, 10):
            patience.wait(tried)
    for tried, bound in enumerate([5, 10, 20, 40, 80, 100, 100, 100, 100]):
        drawn = waits[tried::9]
        assert 0 <= min(drawn) < bound / 4000
        assert bound * 0.75 / 1000 < max(drawn) <= bound / 1000


class Contended:
    """A log on which others are always first, `times` times."""

    def __init__(self, log: Any, times: int) -> None:
        self._log, self.left = log, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, commits: Any) -> Any:
        if self.left:
            self.left -= 1
            raise Conflict("household/V1", 0, 1)
        return self._log.append(commits)


@pytest.mark.parametrize(
    ("times", "tries", "written"), [(3, 4, True), (4, 4, False), (1, 1, False)]
)
def test_a_command_is_decided_again_as_often_as_patience_says(
    times: int, tries: int, written: bool
) -> None:
    waits: list[float] = []
    patience = BackOff(tries=tries, sleep=waits.append)
    with open_crm("memory:", patience=patience) as crm:
        crm.host.log = Contended(crm.log, times)
        if written:
            register(crm, "V1")
        else:
            with pytest.raises(Conflict):
                register(crm, "V1")
        assert len(waits) == min(times, tries - 1)
        assert (crm.log.head() > 0) is written


def test_a_core_without_a_host_goes_on_at_once() -> None:
    AtOnce().wait(7)
    assert AtOnce().tries == 8


# --- outcomes ------------------------------------------------------------------------------------


def test_an_outcome_is_a_code_and_never_somebody_s_words() -> None:
    assert outcome_of(NOT_THEIRS) == "CRM-R001 role_insufficient"
    assert outcome_of(Invalid.one("household_unknown", household="V1")) == (
        "CRM-I001 household_unknown"
    )
    assert outcome_of(NotDelivered("unreachable", transient=True)) == "CRM-F013 unreachable"
    assert outcome_of(StoreFull("store_full")) == "CRM-F005"
    assert outcome_of(Invalid([])) == "CRM-I001"
    assert outcome_of(KeyError("Ouyang")) == "KeyError"
