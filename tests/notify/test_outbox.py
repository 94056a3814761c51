"""The outbox: from an event to a message at a household, whatever happens on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.notify import Dispatched, Outbox, notices
from crm_adapters.projections import LogViews, MemoryViewStore
from crm_core import CRM, Actor, Personal
from crm_core.application.notices import notice, noticed_names
from crm_core.errors import NotDelivered, Refused
from crm_core.kernel.decider import Refusal
from crm_core.messages import (
    MESSAGES,
    ChangePreference,
    Messages,
    Parameter,
    QueueMessage,
    ReleaseMessage,
)
from crm_core.messages.events import MessageQueued, MessageReleased
from crm_core.messages.views import DUE, due_order
from crm_core.owners import (
    AddMember,
    ChangeContact,
    EndRole,
    RegisterHousehold,
    TransferOwnership,
)
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.ports import Outgoing
from crm_core.requests import MakeCommitment, ReceiveRequest, ReportDone
from crm_core.slices import registry

pytestmark = pytest.mark.rule("OUT-01")

CLERK = Actor("S17", "specialist")
HOST = Actor("root", "host")
NINE = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
OWNER = "V1#owner"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NINE

    def now(self) -> datetime:
        return self.at


class Sink:
    """The other side: keeps what it took by id, fails when it is told to."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.errors: list[Exception] = []

    def send(self, outgoing: Outgoing) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(outgoing)
        return "ok"

    def close(self) -> None:
        """Nothing is held open."""


class Estate:
    """A household that asks and pays, and an outbox that follows."""

    def __init__(self) -> None:
        self.crm: CRM = open_crm("memory:")
        self.clock = self.crm.host.clock = Clock()
        self.sink = Sink()
        self.views = self.crm.views
        self.outbox = Outbox(self.crm, {"": self.sink})
        self.do(
            RegisterHousehold(
                "V1",
                "星河",
                "1",
                "1",
                "101",
                owner=Personal(OWNER, "欧阳修"),
                phone=Personal(OWNER, "13800000000"),
                moved_in=date(2010, 1, 1),
            )
        )

    def do(self, command: Any, by: Actor = CLERK) -> Any:
        return self.crm.do(command, by=by)

    def follow(self) -> None:
        """From the beginning each time: nothing is queued twice."""
        following = notices(self.crm)
        for recorded in list(self.crm.log.feed(names=following.names)):
            following.handle(recorded)

    def receive(self, request: str = "R1") -> None:
        self.do(
            ReceiveRequest(
                request, "V1", "phone", "repair", "engineering", "general", "x", self.clock.at, "S1"
            )
        )

    @property
    def messages(self) -> Messages:
        decider = MESSAGES.decider
        state, _ = self.crm.log.fold("messages/V1", decider.evolve, decider.initial)
        assert isinstance(state, Messages)
        return state

    def statuses(self) -> list[tuple[str, str]]:
        found = [self.messages.status(message) for message in self.messages.queued]
        return [(status.name, status.reason) for status in found]


@pytest.fixture
def estate() -> Iterator[Estate]:
    made = Estate()
    yield made
    made.crm.close()


# --- from events to messages ---------------------------------------------------------------------


def test_a_household_is_told_of_receipt_promise_end_and_payment(estate: Estate) -> None:
    estate.receive()
    estate.do(MakeCommitment("R1", "fixed", NINE + 2 * HOUR, NINE))
    estate.clock.at = NINE + HOUR
    estate.do(ReportDone("R1", NINE + HOUR), by=Actor("E4", "operator"))
    estate.do(RaiseCharge("V1", "C1", "parking", "2011", 12700, date(2011, 3, 1)))
    estate.do(ReceivePayment("V1", "P1", 12700, date(2011, 3, 1), "cash"))
    estate.follow()
    queued = list(estate.messages.queued.values())
    assert [one.template.name for one in queued] == [
        "request-received",
        "commitment-made",
        "request-done",
        "payment-received",
    ]
    assert [tuple((p.name, p.value) for p in one.parameters) for one in queued] == [
        (("answer_by", "2011-03-01T01:05:00Z"), ("request", "R1")),
        (("due_at", "2011-03-01T03:00:00Z"), ("request", "R1")),
        (("done_at", "2011-03-01T02:00:00Z"), ("request", "R1")),
        (("amount", "12700"), ("paid_on", "2011-03-01"), ("payment", "P1")),
    ]
    assert all(one.recipient == OWNER for one in queued)


def test_following_the_log_again_changes_nothing(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    head = estate.crm.log.head()
    estate.follow()
    assert estate.crm.log.head() == head
    [queued] = [e for e in estate.crm.log.feed() if isinstance(e.event, MessageQueued)]
    [received] = list(estate.crm.log.feed(names=["requests.received/1"]))
    assert queued.envelope.causation == received.envelope.event_id
    assert queued.event.cause == received.envelope.event_id


def test_nobody_is_told_of_imported_facts(estate: Estate) -> None:
    estate.receive()
    [recorded] = list(estate.crm.log.feed(names=["requests.received/1"]))
    assert notice(registry(), recorded) is not None
    recorded.envelope.imported = NINE
    assert notice(registry(), recorded) is None


def test_every_noticed_event_is_one_of_the_catalog_and_every_other_is_silent(
    estate: Estate,
) -> None:
    noticed = {*registry().notices, *registry().staff_notices}
    assert len(noticed_names(registry())) == len(noticed)
    for recorded in estate.crm.log.feed():
        assert notice(registry(), recorded) is None


# --- sending -------------------------------------------------------------------------------------


def test_name_and_address_are_filled_in_only_when_a_message_leaves(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    assert estate.outbox.dispatch().sent == 1
    [sent] = estate.sink.sent
    assert sent.address.reveal() == "13800000000"
    assert sent.body == "欧阳修，您好：您的报事 R1 已收到，我们将在2011年3月1日09:05前给您答复。"
    assert (sent.channel, sent.purpose, sent.language) == ("sms", "service", "zh")
    stored = b"".join(estate.crm.log.canonical(e.event) for e in estate.crm.log.feed())
    for personal in ("欧阳修", "13800000000"):
        assert personal.encode() not in stored
        assert personal not in repr(sent)
    assert estate.statuses() == [("sent", "")]
    assert estate.outbox.dispatch().total == 0
    assert len(estate.sink.sent) == 1


def test_the_purpose_of_opening_an_address_is_on_record(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    estate.outbox.dispatch()
    told = estate.crm.host.texts.each(estate.crm.log.feed())
    [released] = [e for e in told if isinstance(e.event, MessageReleased)]
    assert released.envelope.purpose == "notification"
    assert released.envelope.actor == "system:outbox"


def test_the_address_is_the_one_of_the_moment(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    estate.do(ChangeContact("V1", OWNER, "new number", phone=Personal(OWNER, "13900000000")))
    estate.outbox.dispatch()
    assert [one.address.reveal() for one in estate.sink.sent] == ["13900000000"]


def test_who_moved_out_is_told_nothing_more(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    estate.clock.at += HOUR
    new = Personal("V1#new", "苏轼")
    estate.do(
        TransferOwnership("V1", "V1#new", date(2011, 3, 1), new, reason="transfer of ownership")
    )
    assert estate.outbox.dispatch().withheld == 1
    assert estate.statuses() == [("withheld", "recipient_not_of_household")]
    assert estate.sink.sent == []
    estate.follow()
    assert len(estate.messages.queued) == 1, "nor is the cause told to the next one"


def test_the_owner_of_the_day_is_told_first_and_else_who_lives_there(estate: Estate) -> None:
    """Roles that have ended, or begin later, do not count."""
    name = Personal("V1#m1", "苏轼")
    estate.do(AddMember("V1", "V1#m1", "tenant", date(2010, 1, 1), name))
    later = Personal("V1#m2", "苏辙")
    estate.do(AddMember("V1", "V1#m2", "co_owner", date(2011, 4, 1), later))
    estate.receive("R1")
    estate.follow()
    estate.do(EndRole("V1", OWNER, "owner", date(2011, 3, 1), "sold"))
    estate.receive("R2")
    estate.follow()
    estate.clock.at += DAYS
    estate.receive("R3")
    estate.follow()
    told = [queued.recipient for queued in estate.messages.queued.values()]
    assert told == [OWNER, OWNER, "V1#m1"]


def test_a_stranger_is_refused_at_the_facade(estate: Estate) -> None:
    command = QueueMessage(
        "V1",
        "c:0",
        "request-received-neutral",
        (Parameter("answer_by", "2011-03-01T01:05:00Z"), Parameter("request", "R1")),
        recipient="V2#owner",
    )
    with pytest.raises(Refused) as refused:
        estate.do(command)
    assert refused.value.reason == "recipient_not_of_household"


def test_who_refused_personalisation_reads_no_name(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    estate.do(ChangePreference("V1", OWNER, "personalisation", allowed=False))
    estate.outbox.dispatch()
    [sent] = estate.sink.sent
    assert "欧阳修" not in sent.subject + sent.body
    assert "R1" in sent.body


def test_an_erased_person_is_told_nothing_and_nothing_is_made_up(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    estate.crm.host.vault.erase(OWNER)
    assert estate.outbox.dispatch().failed == 1
    assert estate.statuses() == [("given_up", "address_unreadable")]
    assert estate.sink.sent == []


@pytest.mark.rule("PRV-03")
def test_a_key_that_is_not_there_today_may_be_there_tomorrow(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    own = estate.crm.host.vault
    with open_crm("memory:") as stranger:
        estate.crm.host.vault = stranger.host.vault
        assert estate.outbox.dispatch().failed == 1
        estate.crm.host.vault = own
    assert estate.statuses() == [("waiting", "address_unreadable")]
    estate.clock.at += HOUR
    assert estate.outbox.dispatch().sent == 1


@pytest.mark.rule("PRV-03", "LOG-08")
def test_who_sends_opens_what_is_needed_for_the_purpose_of_the_message_and_nothing_else(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[tuple[Any, ...]] = []
    opened = estate.crm.owners.opened

    def watched(household: str, member: str, field: str, *, by: Actor, purpose: str) -> Any:
        looks.append((household, member, field, by.role, purpose))
        return opened(household, member, field, by=by, purpose=purpose)

    monkeypatch.setattr(estate.crm.owners, "opened", watched)
    estate.receive()
    estate.follow()
    assert looks == [], "nothing is opened before a message leaves"
    estate.outbox.dispatch()
    look = ("V1", OWNER)
    assert looks == [(*look, "name", "system", "service"), (*look, "phone", "system", "service")]
    looks.clear()
    estate.do(ChangePreference("V1", OWNER, "personalisation", allowed=False))
    estate.receive("R2")
    estate.follow()
    estate.outbox.dispatch()
    assert looks == [(*look, "phone", "system", "service")], "a neutral text needs no name"


@pytest.mark.rule("PRV-03", "LOG-08")
def test_a_table_that_keeps_addresses_from_who_sends_stops_the_message_and_not_the_outbox(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.receive("R1")
    estate.receive("R2")
    estate.follow()
    forbidden = Refused(Refusal("role_insufficient", "LOG-08", {"act": "reveal"}))

    def refuse(*_: Any, **__: Any) -> Any:
        raise forbidden

    with monkeypatch.context() as patched:
        patched.setattr(estate.crm.owners, "opened", refuse)
        assert estate.outbox.dispatch().failed == 2
    assert set(estate.statuses()) == {("waiting", "address_unreadable")}
    assert estate.sink.sent == []
    estate.clock.at += HOUR
    assert estate.outbox.dispatch().sent == 2


def test_who_has_no_number_cannot_be_told(estate: Estate) -> None:
    estate.do(RegisterHousehold("V2", "星河", "1", "1", "102", owner=Personal("V2#owner", "苏轼")))
    estate.do(ReceivePayment("V2", "P9", 100, date(2011, 3, 1), "cash"))
    estate.follow()
    assert estate.outbox.dispatch().failed == 1
    [given_up] = [e.event for e in estate.crm.log.feed(names=["messages.failed/1"])]
    assert (given_up.reason, given_up.retry_at) == ("address_missing", None)


def test_a_channel_without_a_notifier_waits_for_one(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    assert Outbox(estate.crm, {"email": estate.sink}).dispatch().failed == 1
    assert estate.statuses() == [("waiting", "channel_unknown")]
    estate.clock.at += HOUR
    assert Outbox(estate.crm, {"sms": estate.sink}).dispatch().sent == 1


def test_wording_that_this_host_does_not_have_waits_for_one_that_has(estate: Estate) -> None:
    from crm_core import PolicyBook

    estate.receive()
    estate.follow()
    book = estate.crm.policies
    estate.crm.host.policies = PolicyBook(
        policy
        for policy in registry().shipped
        if policy.ref.name not in ("request-received", "request-received-neutral")
    )
    assert estate.outbox.dispatch().failed == 1
    assert estate.statuses() == [("waiting", "template_unavailable")]
    estate.crm.host.policies = book
    estate.clock.at += HOUR
    assert estate.outbox.dispatch().sent == 1


def test_a_failure_is_tried_again_with_the_same_id(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    estate.sink.errors = [NotDelivered("unreachable", transient=True)]
    assert estate.outbox.dispatch().failed == 1
    assert estate.outbox.dispatch().total == 0, "not before its time"
    estate.clock.at += timedelta(seconds=60)
    assert estate.outbox.dispatch().sent == 1
    [message] = estate.messages.queued
    assert [one.id for one in estate.sink.sent] == [message]


def test_one_notifier_s_fault_does_not_keep_the_others_from_leaving(estate: Estate) -> None:
    estate.receive("R1")
    estate.receive("R2")
    estate.follow()
    estate.sink.errors = [RuntimeError("13800000000 is not what I expected")]
    done = estate.outbox.dispatch()
    assert (done.failed, done.sent) == (1, 1)
    assert ("waiting", "notifier_fault") in estate.statuses()


def test_two_dispatchers_begin_an_attempt_once(estate: Estate) -> None:
    estate.receive()
    estate.follow()
    other = Outbox(estate.crm, {"": estate.sink})
    estate.views.catch_up(DUE)
    assert other.dispatch().sent == 1
    # This one still sees the message as due.
    estate.views.catch_up = lambda _view, **_: 0  # type: ignore[method-assign]
    assert estate.outbox.dispatch().total == 0
    assert len(estate.sink.sent) == 1


def test_quiet_hours_and_the_cap_hold_from_end_to_end(estate: Estate) -> None:
    for n in range(5):
        estate.receive(f"R{n}")
    estate.follow()
    done = estate.outbox.dispatch()
    assert (done.sent, done.deferred) == (3, 2)
    estate.clock.at = NINE + 14 * HOUR
    assert estate.outbox.dispatch().total == 0
    estate.clock.at = NINE + 23 * HOUR
    assert estate.outbox.dispatch().sent == 2
    assert len({one.id for one in estate.sink.sent}) == 5


def test_who_is_told_to_end_ends_after_the_message_in_hand(estate: Estate) -> None:
    """And what was done is counted as it happens, not lost with the round."""
    for n in range(3):
        estate.receive(f"R{n}")
    estate.follow()
    done = Dispatched(sent=5)
    assert estate.outbox.dispatch(done, stop=lambda: done.sent == 7) is done
    assert (done.sent, len(estate.sink.sent)) == (7, 2)
    assert estate.outbox.dispatch().sent == 1


# --- the view of what is due ---------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from((0, 1, 60, 700, 1440))), max_size=12))
def test_what_is_due_is_what_the_states_say(steps: list[tuple[int, int]]) -> None:
    """Folded event by event, or from the beginning: the same rows, and those of the decider."""
    estate = Estate()
    causes = 0
    for step, minutes in steps:
        if step < 3:
            causes += 1
            estate.receive(f"R{causes}")
            estate.follow()
        elif step == 3:
            estate.sink.errors = [NotDelivered("unreachable", transient=True)]
            estate.outbox.dispatch()
        elif step == 4:
            for message in estate.messages.queued:
                estate.do(ReleaseMessage("V1", message), by=HOST)
        else:
            estate.outbox.dispatch()
        estate.clock.at += timedelta(minutes=minutes)
    estate.views.catch_up(DUE)
    fresh = LogViews(estate.crm.log, MemoryViewStore(), estate.clock)
    fresh.catch_up(DUE)
    rows = estate.views.scan(DUE)
    assert rows == fresh.scan(DUE)
    state = estate.messages
    waiting = {
        message: due_order(state.status(message).next_at)
        for message in state.queued
        if not state.status(message).ended
    }
    assert {key: order for order, key, _ in rows} == waiting
    assert [order for order, _, _ in rows] == sorted(waiting.values())
    for size in (1, 2):
        after, paged = ("", ""), []
        while page := fresh.scan(DUE, after=after, limit=size):
            paged += page
            after = page[-1][:2]
        assert paged == rows
    for _, key, row in rows:
        assert fresh.get(DUE, key) == row
    estate.crm.close()


# --- killed --------------------------------------------------------------------------------------


def test_a_process_killed_at_any_moment_loses_no_message_and_doubles_none(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """100 kills with SIGKILL, at a sink that knows ids; `nox -s kills` does 1,000."""
    kills = request.config.getoption("--kills")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "kills.py"), str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + kills,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == kills
    assert found["lost"] == []
    assert found["unknown"] == []
    assert found["doubled_after_dedup"] == 0
    assert found["queued"] == found["causes"] == found["sent"]
    assert found["in_flight"] > 0, "no kill came between sending and recording: it proves nothing"
    assert found["intact"]
