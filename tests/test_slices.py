"""A slice declares itself once: what follows from the list, and a slice that only a test adds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_adapters.slices import registry_of
from crm_core import CRM, SLICES, Actor, Household, Invalid, PolicyBook, Refused
from crm_core.errors import UnknownEvent
from crm_core.kernel.catalog import EventType
from crm_core.kernel.registry import Registry
from crm_core.kernel.sentences import Malformed, also_in, say
from crm_core.kernel.slice import Act, Slice
from crm_core.owners import RegisterHousehold
from crm_core.payments import RaiseCharge
from crm_core.slices import registry
from docs import authority_page, events_page
from parcels import (
    DEFAULT_PARCELS,
    PARCEL,
    WAITING,
    HandOutParcel,
    Parcel,
    ParcelPolicy,
    ReturnParcel,
    TakeParcel,
)
from parcels import SLICE as PARCELS

HERE = Path(__file__).parent
CLERK, GUARD, FINANCE = Actor("S1", "specialist"), Actor("G1", "security"), Actor("F1", "finance")
MORNING = datetime(2024, 5, 6, 1, tzinfo=UTC)
TAKE = TakeParcel("V1", "SF1", "顺丰", MORNING)


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CRM]:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True, slices=[*SLICES, PARCELS]) as opened:
        opened.do(RegisterHousehold("V1", "星河", "1", "1", "101"), by=CLERK)
        yield opened


# --- the experiment ------------------------------------------------------------------------------


def test_its_commands_are_decided_by_its_policy_and_recorded_as_its_events(crm: CRM) -> None:
    receipt = crm.do(TAKE, by=GUARD)
    assert receipt.stream == "parcel/SF1"
    [taken] = receipt.events
    assert (taken.taken_by, taken.keep_until) == ("G1", MORNING + timedelta(days=7))
    assert str(taken.policy) == "parcels-cn-default/1"
    assert crm.get(Parcel, "SF1") == Parcel("V1", MORNING + timedelta(days=7))
    assert [one.name for one in crm.history("V1")][-1] == "parcels.taken/1"
    assert crm.verify().intact


def test_its_roles_are_asked_in_the_one_place(crm: CRM) -> None:
    for command, by in ((TAKE, FINANCE), (HandOutParcel("SF1", MORNING), GUARD)):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=by)
        assert refused.value.reason == "role_insufficient"
    assert refused.value.details["accepted"] == [*PARCELS.acts[1].roles]
    with pytest.raises(Refused) as refused:
        crm.do(ReturnParcel("SF1", MORNING), by=Actor("M1", "director"))
    assert refused.value.reason == "given_inside_only"


def test_what_it_looks_up_cannot_be_supplied_and_its_household_needs_a_file(crm: CRM) -> None:
    policy = crm.policies.find(ParcelPolicy, DEFAULT_PARCELS, MORNING.date())
    with pytest.raises(Invalid) as invalid:
        crm.do(attrs.evolve(TAKE, policy=policy), by=CLERK)
    assert [fault.code for fault in invalid.value.faults] == ["looked_up"]
    with pytest.raises(Refused) as refused:
        crm.do(attrs.evolve(TAKE, household="V9"), by=CLERK)
    assert refused.value.reason == "unknown_household"


def test_its_refusals_are_told_in_both_languages(crm: CRM) -> None:
    crm.do(TAKE, by=CLERK)
    with pytest.raises(Refused) as refused:
        crm.do(TAKE, by=CLERK)
    assert refused.value.told("zh") == "包裹 `SF1` 已经代收"
    assert refused.value.told("en") == "parcel `SF1` was taken in already"


def test_its_view_follows_and_the_clock_brings_about_what_falls_due(crm: CRM) -> None:
    crm.do(TAKE, by=CLERK)
    crm.do(attrs.evolve(TAKE, parcel="SF2"), by=CLERK)
    crm.do(HandOutParcel("SF2", MORNING), by=CLERK)
    crm.views.catch_up(WAITING)
    assert [key for _, key, _ in crm.views.scan(WAITING, upto="9", after=("", ""), limit=9)] == [
        "SF1"
    ]
    due = MORNING + timedelta(days=7)
    assert crm.tick(due).events["parcels"] == 0
    assert crm.tick(due + timedelta(seconds=1)).events["parcels"] == 1
    assert crm.tick(due + timedelta(days=1)).events["parcels"] == 0
    with pytest.raises(Refused) as refused:
        crm.do(HandOutParcel("SF1", due), by=CLERK)
    assert refused.value.reason == "parcel_not_here"


def test_an_import_may_bring_what_it_declares_so_and_nothing_else(crm: CRM) -> None:
    table = crm.authority().policy
    assert "take-parcel" in table.imports
    assert "hand-out-parcel" not in table.imports


def test_a_log_with_its_events_is_not_read_without_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True, slices=[*SLICES, PARCELS]) as crm:
        crm.do(RegisterHousehold("V1", "星河", "1", "1", "101"), by=CLERK)
        crm.do(TAKE, by=CLERK)
    with open_crm(url) as without, pytest.raises(UnknownEvent):
        list(without.history("V1"))
    with open_crm(url, slices=[*SLICES, PARCELS]) as again:
        assert [one.name for one in again.history("V1")][-1] == "parcels.taken/1"


def test_the_pages_have_its_rows() -> None:
    both = Registry([*SLICES, PARCELS])
    events, acts = events_page.render(both), authority_page.render(both)
    for name in ("parcels.taken/1", "parcels.handed_out/1", "parcels.returned/1"):
        assert f"### `{name}`" in events
    assert "| `courier` | typed text, sealed | who brought it |" in events
    assert "\n| `take-parcel` | ● |" in acts
    assert "\n- `return-parcel`\n" in acts
    # And the pages of the library itself do not know it.
    assert "parcel" not in events_page.render(registry()) + authority_page.render(registry())


# --- the command line, by the entry point ---------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which a package that brings the slice is installed."""
    package = tmp_path / "site" / "parcels-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: parcels\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[crm_core.slices]\nparcels = parcels:SLICE\n")
    path = os.pathsep.join([str(package.parent), str(HERE), *filter(None, sys.path)])
    return {
        **os.environ,  # noqa: TID251 - a process of its own
        "PYTHONPATH": path,
        "CRM_DB": str(tmp_path / "crm.db"),
        "CRM_LANG": "en",
    }


def said(
    environment: dict[str, str], *words: str, lines: str = "", status: int = 0
) -> tuple[str, str]:
    """What `crm` prints, and what it says beside."""
    done = subprocess.run(
        [sys.executable, "-m", "crm_adapters.cli", *words],
        check=False, input=lines, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout, done.stderr


def test_the_command_line_knows_it(installed: dict[str, str]) -> None:
    [take, hand_out] = sorted(
        json.loads(said(installed, "do", "--list", "parcels", "--format", "json")[0]),
        key=lambda row: str(row["act"]),
        reverse=True,
    )
    assert (take["act"], hand_out["act"]) == ("take-parcel", "hand-out-parcel")
    assert [(f["name"], f["type"], f["required"]) for f in take["fields"]] == [
        ("household", "text", True),
        ("parcel", "text", True),
        ("courier", "text", True),
        ("taken_at", "instant", True),
    ]
    told, _ = said(installed, "do", "take-parcel", "--help")
    assert "Take a parcel in for a household." in told
    assert "security" in told

    open_crm(f"sqlite:///{installed['CRM_DB']}", create=True).close()
    lines: list[dict[str, Any]] = [
        {"act": "register-household", "fields": {
            "household": "V1", "estate": "星河", "building": "1", "unit": "1", "room": "101"}},
        {"act": "take-parcel", "fields": {
            "household": "V1", "parcel": "SF1", "courier": "顺丰",
            "taken_at": "2024-05-06T09:00:00+08:00"}},
    ]  # fmt: skip
    answers, _ = said(
        installed, "do", "-", "--as", "specialist:S1",
        lines="\n".join(json.dumps(line) for line in lines),
    )  # fmt: skip
    assert json.loads(answers.splitlines()[-1])["events"] == ["parcels.taken/1"]
    hand_out_words = (
        "do", "hand-out-parcel", "--parcel", "SF2", "--handed-at", "2024-05-06T10:00:00+08:00",
    )  # fmt: skip
    _, refused = said(installed, *hand_out_words, "--as", "specialist:S1", status=2)
    assert "parcel `SF2` is not at the desk [CRM-R001 parcel_not_here]" in refused
    rows = json.loads(said(installed, "projections", "--catch-up", "--format", "json")[0])
    assert "parcels.waiting" in json.dumps(rows)
    ticked, _ = said(installed, "tick", "--format", "json")
    assert json.loads(ticked)["events"]["parcels"] == 1
    policies, _ = said(installed, "policy", "list", "--format", "json")
    assert "parcels-cn-default" in policies


def test_a_package_that_brings_no_slice_is_named(installed: dict[str, str], tmp_path: Path) -> None:
    points = tmp_path / "site" / "parcels-1.0.dist-info" / "entry_points.txt"
    for brought in ("parcels:WAITING", "parcels:nothing", "no_such_package:SLICE"):
        points.write_text(f"[crm_core.slices]\nparcels = {brought}\n")
        _, told = said(installed, "do", "--list", status=2)
        assert "the entry point `parcels`" in told
        assert "slice_unloadable" in told


# --- the list ------------------------------------------------------------------------------------


def test_every_slice_of_the_library_is_listed_once_and_takes_all_its_commands() -> None:
    own = registry()
    assert len(own.slices) == len(SLICES)
    assert {kind for one in own.aggregates for kind in one.commands} == set(own.by_command)
    for name, one in own.slices.items():
        for kind in one.events:
            assert kind.name.startswith(f"{name}.")
        for view in one.projections:
            assert view.name.startswith(f"{name}.")


def test_a_policy_is_read_by_its_kind_and_the_book_knows_no_slice() -> None:
    text = (HERE / "parcels" / "parcels-cn-default.toml").read_text(encoding="utf-8")
    both = Registry([*SLICES, PARCELS])
    book = PolicyBook([both.parse(text)])
    assert book.find(ParcelPolicy, DEFAULT_PARCELS, MORNING.date()).keep_days == 7
    with pytest.raises(ValueError, match="kind"):
        registry().parse(text)


OTHERS = Slice("others", "parcels")
LED_ON = next(iter(registry().reactions))

UNFIT = {
    "a slice twice": (PARCELS, "declared_twice"),
    "an act twice": (attrs.evolve(OTHERS, acts=(Act("grade", ("manager",)),)), "declared_twice"),
    "a command twice": (attrs.evolve(PARCELS, name="others", acts=()), "declared_twice"),
    "a stream of another slice": (
        attrs.evolve(
            OTHERS,
            aggregates=(
                attrs.evolve(PARCEL, decider=attrs.evolve(PARCEL.decider, name="account")),
            ),
        ),
        "declared_twice",
    ),
    "a view twice": (attrs.evolve(OTHERS, projections=(WAITING, WAITING)), "declared_twice"),
    "a source twice": (attrs.evolve(OTHERS, clock=registry().clock), "declared_twice"),
    "a reaction of another slice": (
        attrs.evolve(OTHERS, reactions={LED_ON: lambda _: ()}),
        "declared_twice",
    ),
    "a notice of another slice": (
        attrs.evolve(OTHERS, notices=dict(registry().notices)),
        "declared_twice",
    ),
    "a state of another slice": (
        attrs.evolve(OTHERS, readable={Household: PARCEL}),
        "declared_twice",
    ),
    "a kind of policy twice": (attrs.evolve(OTHERS, policies=PARCELS.policies), "declared_twice"),
    "an event twice": (attrs.evolve(PARCELS, events=PARCELS.events * 2), "event_twice"),
    "a command nobody takes": (
        attrs.evolve(OTHERS, acts=(Act(int, ("manager",)),)),
        "command_untaken",
    ),
    "a command that is no act": (
        attrs.evolve(PARCELS, acts=PARCELS.acts[:1]),
        "act_undeclared",
    ),
    "an act given inside too": (
        attrs.evolve(PARCELS, acts=(*PARCELS.acts, Act(ReturnParcel, ("manager",)))),
        "act_undeclared",
    ),
    "an event under another name": (
        attrs.evolve(PARCELS, events=(EventType("gradings.taken", 1, TakeParcel),)),
        "declared_elsewhere",
    ),
    "a view under another name": (
        attrs.evolve(PARCELS, projections=(attrs.evolve(WAITING, name="requests.waiting"),)),
        "declared_elsewhere",
    ),
    "a look-up for another's command": (
        attrs.evolve(PARCELS, look_ups={RaiseCharge: lambda command, _state, _sight: command}),
        "declared_elsewhere",
    ),
}
"""What cannot stand beside the library's own slices, and the sentence that says so."""


@pytest.mark.parametrize("unfit", UNFIT)
def test_slices_that_do_not_go_together_are_refused_when_they_are_listed(unfit: str) -> None:
    one, sentence = UNFIT[unfit]
    slices = [*SLICES, *([PARCELS] if one.name == "others" or one is PARCELS else []), one]
    with pytest.raises(Malformed) as refused:
        Registry(slices)
    assert refused.value.sentence == sentence
    with pytest.raises(Invalid, match="do not go together"):
        registry_of(slices)


def test_sentences_of_a_host_are_added_and_replace_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "telling"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sentences.toml").write_text(
        '[refused-pay]\ncharge_exists = { zh = "不", en = "no" }\n'
        '[refused-tel]\nnew = { zh = "新", en = "new" }\n',
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = say("refused-pay", "charge_exists", "en", charge="C1")
    also_in("telling", "sentences.toml")
    assert say("refused-tel", "new", "zh") == "新"
    assert say("refused-pay", "charge_exists", "en", charge="C1") == before != "no"


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    ("act", "told"),
    [
        (Act("weigh-parcel", ("boss",)), "boss"),
        (Act("approve-parcel", ("host",)), "host"),
    ],
)
def test_a_slice_gives_no_role_that_nobody_has_and_no_decision_to_a_machine(
    act: Act, told: str
) -> None:
    with pytest.raises(Invalid, match=told) as invalid:
        open_crm("memory:", slices=[*SLICES, attrs.evolve(OTHERS, acts=(act,))])
    assert [fault.code for fault in invalid.value.faults] == ["slice_unusable"]
