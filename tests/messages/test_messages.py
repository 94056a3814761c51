"""What a household is told: when, how often, whether at all, and with which proof."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from crm_adapters import open_crm
from crm_core import Actor, Invalid, Personal, Refused
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.sentences import sentences
from crm_core.kernel.word import Word
from crm_core.messages import MESSAGES, MessagePolicy, Parameter, Template, message_id
from crm_core.messages.commands import (
    FAILURES,
    ChangePreference,
    Known,
    QueueMessage,
    RecordFailure,
    RecordSent,
    ReleaseMessage,
)
from crm_core.messages.events import (
    DeliveryFailed,
    MessageDeferred,
    MessageQueued,
    MessageReleased,
    MessageSent,
    MessageWithheld,
    PreferenceChanged,
)
from crm_core.messages.state import Messages
from crm_core.messages.template import KINDS
from crm_core.messages.views import due_order, message_rows
from crm_core.owners import RegisterHousehold
from crm_core.slices import shipped
from crm_core.testing import check_decider, given
from crm_core.testing.strategies import instants, message_commands, message_openings

DAY = date(2011, 3, 1)
NINE = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
MINUTE, HOUR, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVENING = NINE + 12 * HOUR  # 21:00: the first quiet instant
EIGHT = NINE + 23 * HOUR  # 08:00 of the next day: the first that is not
OWNER, TENANT, STRANGER = "V1#owner", "V1#m1", "V9#owner"
ZONE = "Asia/Shanghai"
CLERK = Actor("S17", "specialist")
WORD = Word(OWNER, "phone", "call 1")

POLICY = shipped().find(MessagePolicy, "messages-cn-default", DAY)
TEMPLATE = shipped().find(Template, "request-received", DAY)
TWIN = shipped().find(Template, "request-received-neutral", DAY)

WORDING = """
kind = "template"
purpose = "{purpose}"
personalised = false
[template]
name = "note-{purpose}"
version = 1
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA"
[zh]
subject = "通知"
body = "通知"
[en]
subject = "note"
body = "note"
"""

KNOWN = Known(NINE, ZONE, POLICY, (OWNER, TENANT), TEMPLATE, TWIN)
FILLED = (Parameter("answer_by", "2011-03-01T01:05:00Z"), Parameter("request", "R1"))
QUEUE = QueueMessage("V1", "c1:0", "request-received", FILLED, known=KNOWN)
ID = message_id("c1:0", "request-received", OWNER)
QUEUED = MessageQueued(
    ID,
    "c1:0",
    TEMPLATE.ref,
    TWIN.ref,
    POLICY.ref,
    "service",
    "sms",
    "zh",
    OWNER,
    FILLED,
    NINE,
    NINE + 2 * DAYS,
)


def known(at: datetime = NINE, **changes: Any) -> Known:
    return attrs.evolve(KNOWN, at=at, **changes)


def release(at: datetime = NINE, message: str = ID, **changes: Any) -> ReleaseMessage:
    return ReleaseMessage("V1", message, known=known(at, **changes))


def sent(at: datetime = NINE, attempt: int = 1, message: str = ID) -> RecordSent:
    return RecordSent("V1", message, attempt, "250", known=known(at))


def failed(
    at: datetime = NINE, attempt: int = 1, reason: str = "unreachable", transient: bool = True
) -> RecordFailure:
    return RecordFailure("V1", ID, attempt, reason, transient, known=known(at))


def prefer(about: str, allowed: bool, **changes: Any) -> ChangePreference:
    member = changes.pop("member", OWNER)
    word = attrs.evolve(WORD, member=member)
    fields = {"word": word, "known": KNOWN, "by": CLERK, **changes}
    return ChangePreference("V1", member, about, allowed, **fields)


def note(purpose: str, cause: str = "n1:0", at: datetime = NINE, **changes: Any) -> QueueMessage:
    template = Template.parse(WORDING.replace("{purpose}", purpose))
    facts = known(at, template=template, neutral=None)
    return QueueMessage("V1", cause, template.ref.name, known=facts, **changes)


def note_id(purpose: str, cause: str = "n1:0", recipient: str = OWNER) -> str:
    return message_id(cause, f"note-{purpose}", recipient)


def released(attempt: int = 1, at: datetime = NINE, template: Any = TEMPLATE) -> MessageReleased:
    day = at.astimezone(ZoneInfo(ZONE)).date()
    return MessageReleased(ID, attempt, template.ref, day, at + 5 * MINUTE)


# --- queueing ------------------------------------------------------------------------------------


@pytest.mark.rule("OUT-01")
def test_what_is_to_be_told_is_recorded_with_everything_that_decided_it() -> None:
    given(MESSAGES).when(QUEUE).then(QUEUED)


@pytest.mark.rule("OUT-01")
def test_the_same_cause_template_and_recipient_are_one_message() -> None:
    given(MESSAGES, QUEUED).when(QUEUE).nothing()
    given(MESSAGES, QUEUED).when(attrs.evolve(QUEUE, recipient=OWNER)).nothing()
    other = attrs.evolve(QUEUE, recipient=TENANT)
    given(MESSAGES, QUEUED).when(other).state(lambda state: len(state.queued) == 2)
    ids = {message_id(c, t, r) for c in ("c", "d") for t in ("x", "y") for r in ("m", "n")}
    assert len(ids) == 8


@pytest.mark.rule("OUT-01")
def test_a_cause_told_to_one_owner_is_not_told_again_to_the_next() -> None:
    """A repeated reaction after a transfer of ownership changes nothing."""
    later = attrs.evolve(QUEUE, known=known(NINE + HOUR, members=("V1#m9",)))
    given(MESSAGES, QUEUED).when(later).nothing()


@pytest.mark.rule("OUT-01")
def test_only_a_present_member_of_the_household_can_be_told() -> None:
    given(MESSAGES).when(attrs.evolve(QUEUE, recipient=STRANGER)).refused(
        "recipient_not_of_household", "OUT-01"
    )
    gone = release(members=(TENANT,))
    given(MESSAGES, QUEUED).when(gone).then(MessageWithheld(ID, "recipient_not_of_household"))


@pytest.mark.rule("OUT-01")
def test_a_household_without_anybody_is_on_record_as_not_told() -> None:
    command = attrs.evolve(QUEUE, known=known(members=()))
    outcome = given(MESSAGES).when(command)
    queued, withheld = outcome.events
    assert (queued.recipient, withheld) == ("", MessageWithheld(queued.message, "no_recipient"))


@pytest.mark.rule("OUT-01")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cause": ""}, "cause_missing"),
        ({"channel": "smoke"}, "unknown_channel"),
        ({"language": "fr"}, "unknown_language"),
        ({"parameters": (*FILLED, Parameter("name", "Zhang"))}, "unknown_parameter"),
        ({"parameters": (*FILLED, Parameter(7, "x"))}, "unknown_parameter"),
        ({"parameters": FILLED[:1]}, "parameter_missing"),
        ({"parameters": (*FILLED, FILLED[0])}, "parameter_twice"),
        ({"parameters": (FILLED[0], Parameter("request", "R 1"))}, "parameter_malformed"),
        ({"parameters": (FILLED[0], Parameter("request", 1))}, "parameter_malformed"),
        ({"parameters": (Parameter("answer_by", "soon"), FILLED[1])}, "parameter_malformed"),
        ({"known": known(neutral=None)}, "twin_unfit"),
        ({"known": known(neutral=attrs.evolve(TWIN, purpose="care"))}, "twin_unfit"),
        ({"known": known(neutral=attrs.evolve(TWIN, personalised=True))}, "twin_unfit"),
        (
            {"known": known(template=attrs.evolve(TEMPLATE, purpose="gossip"))},
            "unknown_purpose",
        ),
    ],
)
def test_a_message_that_cannot_be_made_is_refused(changes: dict[str, Any], code: str) -> None:
    given(MESSAGES).when(attrs.evolve(QUEUE, **changes)).refused(code, "OUT-01")


@pytest.mark.rule("OUT-01")
def test_a_refused_parameter_is_not_repeated_in_the_refusal() -> None:
    command = attrs.evolve(QUEUE, parameters=(FILLED[0], Parameter("request", "13800 000000")))
    kinds = Template.parse(GOOD).parameters
    commands = [
        command,
        *(
            attrs.evolve(
                QUEUE,
                parameters=(Parameter("x", "13800 000000"),),
                known=known(
                    template=attrs.evolve(
                        Template.parse(GOOD),
                        parameters={"x": attrs.evolve(kinds["trade"], kind=kind)},
                    ),
                    neutral=None,
                ),
            )
            for kind in KINDS
        ),
    ]
    for one in commands:
        refusal = MESSAGES.decider.decide(one, MESSAGES.decider.initial)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "parameter_malformed"
        assert "13800" not in f"{refusal.message}{refusal.told('zh')}{refusal.details}"


# --- quiet hours ---------------------------------------------------------------------------------


@pytest.mark.rule("OUT-01")
@pytest.mark.parametrize(
    ("at", "told"),
    [
        (EVENING - timedelta(microseconds=1), EVENING - timedelta(microseconds=1)),
        (EVENING, EIGHT),
        (EIGHT - timedelta(microseconds=1), EIGHT),
        (EIGHT, EIGHT),
    ],
)
def test_nothing_is_told_in_quiet_hours(at: datetime, told: datetime) -> None:
    """From 21:00 on and before 08:00, the edges included as written."""
    outcome = given(MESSAGES).when(attrs.evolve(QUEUE, known=known(at)))
    assert outcome.events[0].not_before == told


@pytest.mark.rule("OUT-01")
def test_a_message_that_is_only_come_to_in_quiet_hours_waits_until_they_end() -> None:
    """The dispatcher was down in the afternoon."""
    given(MESSAGES, QUEUED).when(release(EVENING)).then(MessageDeferred(ID, "quiet_hours", EIGHT))
    deferred = MessageDeferred(ID, "quiet_hours", EIGHT)
    given(MESSAGES, QUEUED, deferred).when(release(EIGHT - MINUTE)).nothing()
    given(MESSAGES, QUEUED, deferred).when(release(EIGHT)).then(released(1, EIGHT))


@pytest.mark.rule("OUT-01")
def test_danger_is_told_at_any_hour_and_however_much_was_said() -> None:
    many = attrs.evolve(POLICY, per_day=1)
    commands = []
    for n in range(3):
        commands += [
            note("emergency", f"n{n}:0", EVENING),
            release(EVENING, note_id("emergency", f"n{n}:0"), policy=many),
        ]
    outcome = given(MESSAGES).when(*commands)
    assert sum(type(e) is MessageReleased for e in outcome.events) == 3


ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@pytest.mark.rule("OUT-01")
@settings(max_examples=300)
@hypothesis_given(instants(), st.sampled_from(ZONES), TIMES, TIMES)
def test_the_end_of_quiet_hours_is_never_quiet_and_the_first_such_instant(
    at: datetime, zone: str, start: Any, end: Any
) -> None:
    """In any zone, with clocks that are changed in the middle of the night."""
    if start == end:
        end = end.replace(minute=(end.minute + 1) % 60)
    policy = attrs.evolve(POLICY, quiet_from=start, quiet_to=end)
    told = policy.open_from(at, "service", zone)
    assert at <= told <= at + timedelta(hours=49)
    assert not policy.is_quiet(told, zone)
    assert (told == at) is not policy.is_quiet(at, zone)
    tomorrow = policy.open_next_day(at, "service", zone)
    assert tomorrow.astimezone(ZoneInfo(zone)).date() > at.astimezone(ZoneInfo(zone)).date()
    if at < told:
        between = at + (told - at) / 2
        assert policy.is_quiet(between, zone) or zone != "Asia/Shanghai"


@pytest.mark.parametrize("minute", range(0, 240, 7))
def test_quiet_hours_that_end_in_the_hour_that_comes_twice(minute: int) -> None:
    policy = attrs.evolve(
        POLICY,
        quiet_from=time(0, 30),
        quiet_to=time(2, 30),
    )
    at = datetime(2011, 10, 29, 22, 0, tzinfo=UTC) + minute * MINUTE
    told = policy.open_from(at, "service", "Europe/Berlin")
    assert not policy.is_quiet(told, "Europe/Berlin")
    assert at <= told <= at + 3 * HOUR


# --- the cap -------------------------------------------------------------------------------------


def household_told(times: int, at: datetime = NINE) -> list[Any]:
    """Events of a household that was told something so many times."""
    events: list[Any] = []
    for n in range(times):
        message = f"m{n}"
        day = at.astimezone(ZoneInfo(ZONE)).date()
        events += [
            attrs.evolve(QUEUED, message=message, cause=f"x{n}:0"),
            MessageReleased(message, 1, TEMPLATE.ref, day, at + 5 * MINUTE),
            MessageSent(message, 1, day, "250"),
        ]
    return events


@pytest.mark.rule("OUT-01")
def test_a_household_is_told_three_things_a_day_and_the_fourth_the_next_day() -> None:
    given(MESSAGES, *household_told(2), QUEUED).when(release()).then(released())
    given(MESSAGES, *household_told(3), QUEUED).when(release()).then(
        MessageDeferred(ID, "over_cap", EIGHT)
    )
    deferred = MessageDeferred(ID, "over_cap", EIGHT)
    given(MESSAGES, *household_told(3), QUEUED, deferred).when(release(EIGHT)).then(
        released(1, EIGHT)
    )


@pytest.mark.rule("OUT-01")
def test_another_attempt_of_the_same_message_is_not_another_message() -> None:
    events = [*household_told(2), QUEUED, released()]
    again = DeliveryFailed(ID, 1, "unreachable", NINE + MINUTE)
    given(MESSAGES, *events, again).when(release(NINE + MINUTE)).then(released(2, NINE + MINUTE))


@pytest.mark.rule("OUT-01")
def test_what_would_wait_longer_than_it_makes_sense_is_withheld() -> None:
    short = attrs.evolve(QUEUED, expires_at=EIGHT)
    given(MESSAGES, *household_told(3), short).when(release()).then(MessageWithheld(ID, "over_cap"))
    given(MESSAGES, short).when(release(EVENING)).then(MessageWithheld(ID, "expired"))
    late = QUEUED.expires_at
    given(MESSAGES, QUEUED).when(release(late)).then(MessageWithheld(ID, "expired"))
    given(MESSAGES, QUEUED, MessageDeferred(ID, "over_cap", late)).when(release(late)).then(
        MessageWithheld(ID, "over_cap")
    )


@pytest.mark.rule("OUT-01")
def test_a_cause_of_long_ago_is_on_record_as_not_told() -> None:
    command = attrs.evolve(QUEUE, happened_at=NINE - 2 * DAYS)
    outcome = given(MESSAGES).when(command)
    assert outcome.events[1:] == (MessageWithheld(ID, "expired"),)
    soon = attrs.evolve(QUEUE, happened_at=NINE - 2 * DAYS + MINUTE)
    given(MESSAGES).when(soon).state(lambda state: state.status(ID).name == "waiting")


# --- opting out and in ---------------------------------------------------------------------------


@pytest.mark.rule("OUT-01")
def test_what_the_service_contract_asks_for_cannot_be_refused() -> None:
    for purpose in ("service", "payment", "emergency"):
        given(MESSAGES).when(prefer(purpose, allowed=False)).refused("purpose_required", "OUT-01")
    refused_all = PreferenceChanged(OWNER, "any", None, False, None)
    given(MESSAGES, refused_all).when(QUEUE).then(QUEUED)


@pytest.mark.rule("OUT-01")
def test_care_is_told_until_it_is_refused_and_advertising_only_after_agreement() -> None:
    def ended(*past: Any, purpose: str) -> str | None:
        outcome = given(MESSAGES, *past).when(note(purpose))
        return outcome.events[1].reason if len(outcome.events) == 2 else None

    def said(about: str, allowed: bool, channel: str | None = None, member: str = OWNER) -> Any:
        return PreferenceChanged(member, about, channel, allowed, WORD)

    assert ended(purpose="care") is None
    assert ended(said("care", False), purpose="care") == "opted_out"
    assert ended(said("any", False), purpose="care") == "opted_out"
    assert ended(said("care", False, "email"), purpose="care") is None
    assert ended(said("care", False, "sms"), purpose="care") == "opted_out"
    assert ended(said("care", False, member=TENANT), purpose="care") is None
    assert ended(said("survey", False), purpose="care") is None
    assert ended(said("personalisation", False), purpose="care") is None
    assert ended(said("any", False), said("care", True), purpose="care") is None
    assert ended(purpose="marketing") == "no_consent"
    assert ended(said("marketing", True), purpose="marketing") is None
    assert ended(said("marketing", True, "email"), purpose="marketing") == "no_consent"
    assert ended(said("marketing", True), said("any", False), purpose="marketing") == "opted_out"


@pytest.mark.rule("OUT-01")
def test_a_refusal_works_at_once_also_for_what_is_queued() -> None:
    care = note_id("care")
    given(MESSAGES).when(note("care"), prefer("care", allowed=False)).state(
        lambda state: state.status(care).reason == "opted_out"
    )
    # Of one member only, and not of what must be told.
    given(MESSAGES, QUEUED).when(prefer("any", allowed=False)).then(
        PreferenceChanged(OWNER, "any", None, False, WORD)
    )
    given(MESSAGES).when(note("care"), prefer("care", allowed=False, member=TENANT)).state(
        lambda state: state.status(care).name == "waiting"
    )


@pytest.mark.rule("OUT-01")
@pytest.mark.rule("OWN-09")
def test_what_was_said_in_another_file_of_the_household_counts() -> None:
    """Files that were merged are one household to who refuses, and to the cap of a day."""
    there = MESSAGES.decider.fold([PreferenceChanged(OWNER, "care", None, False, WORD)])
    queue = note("care")
    queue = attrs.evolve(queue, known=attrs.evolve(queue.known, elsewhere=(there,)))
    assert given(MESSAGES).when(queue).events[-1] == MessageWithheld(note_id("care"), "opted_out")
    told = MESSAGES.decider.fold(household_told(3))
    given(MESSAGES, QUEUED).when(release(elsewhere=(told,))).then(
        MessageDeferred(ID, "over_cap", EIGHT)
    )


@pytest.mark.rule("OUT-01")
def test_a_refusal_while_a_message_is_being_sent_stops_its_next_attempt() -> None:
    care = note_id("care")
    given(MESSAGES).when(note("care"), release(NINE, care), prefer("care", allowed=False)).state(
        lambda state: state.status(care).name == "sending"
    )
    failure = RecordFailure("V1", care, 1, "unreachable", True, known=KNOWN)
    outcome = given(MESSAGES).when(
        note("care"),
        release(NINE, care),
        prefer("care", allowed=False),
        failure,
        release(NINE + MINUTE, care),
    )
    assert outcome.events[-1] == MessageWithheld(care, "opted_out")


@pytest.mark.rule("OUT-01")
def test_who_refuses_personalisation_gets_the_neutral_twin_even_of_what_is_queued() -> None:
    """Personal Information Protection Law, art. 24."""
    given(MESSAGES, QUEUED).when(release()).then(released(template=TEMPLATE))
    no = PreferenceChanged(OWNER, "personalisation", None, False, None)
    given(MESSAGES, QUEUED, no).when(release()).then(released(template=TWIN))
    other = PreferenceChanged(TENANT, "personalisation", None, False, None)
    given(MESSAGES, QUEUED, other).when(release()).then(released(template=TEMPLATE))
    everything = PreferenceChanged(OWNER, "any", None, False, None)
    given(MESSAGES, QUEUED, everything).when(release()).then(released(template=TEMPLATE))
    email = PreferenceChanged(OWNER, "personalisation", "email", False, None)
    given(MESSAGES, QUEUED, email).when(release()).then(released(template=TEMPLATE))


@pytest.mark.rule("OUT-01", "LOG-08")
def test_preferences_are_kept_with_the_word_of_the_member() -> None:
    given(MESSAGES).when(prefer("marketing", allowed=True)).then(
        PreferenceChanged(OWNER, "marketing", None, True, WORD)
    )
    given(MESSAGES).when(prefer("marketing", allowed=True, word=None)).refused(
        "evidence_missing", "OUT-01"
    )
    # A refusal needs no evidence: it must be as easy as can be.
    given(MESSAGES).when(prefer("care", allowed=False, word=None)).then(
        PreferenceChanged(OWNER, "care", None, False, None)
    )
    given(MESSAGES).when(prefer("care", allowed=False), prefer("care", allowed=False)).state(
        lambda state: len(state.preferences) == 1
    )
    other = attrs.evolve(WORD, reference="call 2")
    given(MESSAGES).when(
        prefer("care", allowed=False), prefer("care", allowed=False, word=other)
    ).state(lambda state: len(state.preferences) == 1)
    given(MESSAGES).when(prefer("gossip", allowed=False)).refused("unknown_purpose", "OUT-01")
    given(MESSAGES).when(prefer("care", allowed=False, member=STRANGER)).refused(
        "unknown_member", "OUT-01"
    )
    given(MESSAGES).when(prefer("care", allowed=False, channel="smoke")).refused(
        "unknown_channel", "OUT-01"
    )


@pytest.mark.rule("OUT-01", "LOG-08")
@pytest.mark.parametrize("role", ["owner", "user"])
def test_a_member_agrees_and_refuses_in_person_and_for_nobody_else(role: str) -> None:
    themselves = Actor(OWNER, role)
    for allowed in (True, False):
        given(MESSAGES).when(prefer("marketing", allowed, word=None, by=themselves)).then(
            PreferenceChanged(OWNER, "marketing", None, allowed, None)
        )
        for word in (None, attrs.evolve(WORD, member=TENANT)):
            other = prefer("marketing", allowed, member=TENANT, word=word, by=themselves)
            given(MESSAGES).when(other).refused("preference_of_another", "OUT-01")


@pytest.mark.rule("OUT-01", "LOG-08")
@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("by", [CLERK, Actor(OWNER, "owner")], ids=["staff", "owner"])
def test_nobody_agrees_by_the_word_of_another_member(by: Actor, allowed: bool) -> None:
    """A husband does not consent for his wife, whoever enters it."""
    husband = attrs.evolve(WORD, member=TENANT)
    given(MESSAGES).when(prefer("marketing", allowed, word=husband, by=by)).refused(
        "word_of_another", "OUT-01"
    )


@pytest.fixture
def crm() -> Any:
    """Two households and a clock that stands still."""
    with open_crm("memory:") as opened:
        for home in ("V1", "V9"):
            owner = Personal(f"{home}#owner", "张伟")
            opened.do(RegisterHousehold(home, "x", "1", "1", home, owner=owner), by=CLERK)
        yield opened


@pytest.mark.rule("OUT-01", "LOG-08")
def test_at_the_facade_a_preference_is_that_of_who_acts_or_of_whose_word_is_entered(
    crm: Any,
) -> None:
    agree = ChangePreference("V1", OWNER, "marketing", True)
    owner = Actor(OWNER, "owner")
    [changed] = crm.do(agree, by=owner).events
    assert changed == PreferenceChanged(OWNER, "marketing", None, True, None)
    [changed] = crm.do(attrs.evolve(agree, about="care", word=WORD), by=CLERK).events
    assert changed.word == WORD
    stored = next(crm.log.feed(names=["messages.preference_changed/1"]))
    assert (stored.envelope.actor, stored.event.word) == (f"owner:{OWNER}", None)
    for by, command, code, refuser in (
        (CLERK, attrs.evolve(agree, about="survey"), "evidence_missing", "OUT-01"),
        (
            CLERK,
            attrs.evolve(agree, word=attrs.evolve(WORD, reference="")),
            "evidence_missing",
            "LOG-08",
        ),
        (
            CLERK,
            attrs.evolve(agree, word=attrs.evolve(WORD, member=CLERK.id)),
            "word_of_staff",
            "LOG-08",
        ),
        (
            CLERK,
            attrs.evolve(agree, word=attrs.evolve(WORD, member=STRANGER)),
            "not_a_member",
            "LOG-08",
        ),
        (Actor(STRANGER, "owner"), agree, "not_of_household", "LOG-08"),
        (Actor("S9", "finance"), attrs.evolve(agree, word=WORD), "role_insufficient", "LOG-08"),
        (Actor("root", "host"), attrs.evolve(agree, word=WORD), "role_insufficient", "LOG-08"),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=by)
        assert (refused.value.reason, refused.value.rule) == (code, refuser)


@pytest.mark.case("K28")
@pytest.mark.rule("OUT-01", "LOG-08")
def test_nobody_supplies_who_the_members_are_or_which_policy_holds(crm: Any) -> None:
    """A forged list of members sent what concerns one household to another."""
    generous = attrs.evolve(POLICY, per_day=10**6)
    forged = known(members=(STRANGER,), policy=generous)
    system = Actor("outbox", "system")
    for command, by in (
        (QueueMessage("V1", "c1:0", "request-received", FILLED, STRANGER, known=forged), CLERK),
        (ChangePreference("V1", STRANGER, "care", False, known=forged), CLERK),
        (ReleaseMessage("V1", ID, known=forged), system),
        (RecordSent("V1", ID, 1, "250", known=forged), system),
        (RecordFailure("V1", ID, 1, "unreachable", True, known=forged), system),
    ):
        head = crm.log.head()
        with pytest.raises(Invalid) as refused:
            crm.do(command, by=by)
        assert [(f.code, f.where) for f in refused.value.faults] == [
            ("looked_up", f"{type(command).__name__}.known")
        ]
        assert crm.log.head() == head
    with pytest.raises(Invalid) as refused:
        crm.do(
            ChangePreference("V1", OWNER, "care", True, by=Actor(OWNER, "owner")),
            by=CLERK,
        )
    assert [f.where for f in refused.value.faults] == ["ChangePreference.by"]


@pytest.mark.rule("OUT-01", "LOG-08")
def test_whoever_writes_does_not_send_and_people_record_no_receipts(crm: Any) -> None:
    for command in (
        ReleaseMessage("V1", ID),
        RecordSent("V1", ID, 1, "250"),
        RecordFailure("V1", ID, 1, "unreachable", True),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=Actor("S1", "director"))
        assert refused.value.reason == "role_insufficient"
        with pytest.raises(Refused) as refused:
            crm.do(command, by=Actor("root", "host"))
        assert refused.value.reason == "unknown_message"


# --- sentences -----------------------------------------------------------------------------------


def refusals() -> list[Refusal]:
    """Every way in which a command about messages is refused here, and some values of each."""
    state = MESSAGES.decider.fold([QUEUED, released()])
    words = Template.parse(GOOD)
    of_word = known(template=attrs.evolve(words, neutral=""), neutral=None)
    commands = [
        attrs.evolve(QUEUE, cause=""),
        attrs.evolve(QUEUE, channel="smoke"),
        attrs.evolve(QUEUE, language="fr"),
        attrs.evolve(QUEUE, recipient=STRANGER),
        attrs.evolve(QUEUE, parameters=(*FILLED, Parameter("name", "Zhang"))),
        attrs.evolve(QUEUE, parameters=FILLED[:1]),
        attrs.evolve(QUEUE, parameters=(*FILLED, FILLED[0])),
        attrs.evolve(QUEUE, parameters=(FILLED[0], Parameter("request", "R 1"))),
        attrs.evolve(QUEUE, parameters=(Parameter("answer_by", "soon"), FILLED[1])),
        attrs.evolve(QUEUE, known=known(neutral=None)),
        attrs.evolve(QUEUE, known=of_word, parameters=(Parameter("trade", "gossip"),)),
        *(
            attrs.evolve(
                QUEUE,
                parameters=(Parameter(name, "?"),),
                known=known(
                    template=attrs.evolve(
                        words, parameters={name: attrs.evolve(words.parameters["trade"], kind=name)}
                    ),
                    neutral=None,
                ),
            )
            for name in ("amount", "date")
        ),
        prefer("gossip", allowed=False),
        prefer("service", allowed=False),
        prefer("care", allowed=True, word=None),
        prefer("care", allowed=False, member=STRANGER),
        prefer("care", allowed=False, member=TENANT, by=Actor(OWNER, "owner")),
        prefer("care", allowed=False, word=attrs.evolve(WORD, member=TENANT)),
        release(message="nothing"),
        sent(attempt=2),
        failed(reason="gremlins"),
        attrs.evolve(sent(), receipt="two\nlines"),
    ]
    found = [MESSAGES.decider.decide(command, state) for command in commands]
    assert all(isinstance(refusal, Refusal) for refusal in found), found
    return found


@pytest.mark.rule("OUT-01")
def test_a_refusal_is_said_in_both_languages_with_every_value_it_shows() -> None:
    for refusal in refusals():
        chinese, english = refusal.told("zh"), refusal.told("en")
        assert not set("{}") & set(chinese + english), refusal
        assert not chinese.isascii()
        assert english.isascii()
        assert english != refusal.code.replace("_", " ")


@pytest.mark.rule("OUT-01")
def test_every_sentence_about_messages_is_said_by_a_refusal() -> None:
    said = {refusal.sentence or refusal.code for refusal in refusals()}
    # That of the register is said by the slice of the staff; `tests/notify` tells staff of work.
    others = {"contact_of_another", "template_of_others", "unknown_staff"}
    assert set(sentences("refused-out")) == said | others


# --- delivery ------------------------------------------------------------------------------------


@pytest.mark.rule("OUT-01")
def test_sending_is_begun_by_one_and_recorded_with_the_receipt() -> None:
    given(MESSAGES, QUEUED).when(release()).then(released())
    given(MESSAGES, QUEUED, released()).when(release(NINE + 5 * MINUTE - MINUTE)).nothing()
    given(MESSAGES, QUEUED, released()).when(sent()).then(MessageSent(ID, 1, DAY, "250"))
    done = [QUEUED, released(), MessageSent(ID, 1, DAY, "250")]
    given(MESSAGES, *done).when(sent()).nothing()
    given(MESSAGES, *done).when(release(NINE + HOUR)).nothing()
    given(MESSAGES, *done).when(failed()).nothing()


@pytest.mark.rule("OUT-01")
def test_an_attempt_that_nobody_finished_is_begun_again_when_its_time_is_over() -> None:
    given(MESSAGES, QUEUED, released()).when(release(NINE + 5 * MINUTE)).then(
        released(2, NINE + 5 * MINUTE)
    )


@pytest.mark.rule("OUT-01")
def test_an_unfinished_attempt_of_an_expired_message_ends_as_unknown_not_as_withheld() -> None:
    late = QUEUED.expires_at
    given(MESSAGES, QUEUED, released()).when(release(late)).then(
        DeliveryFailed(ID, 1, "unknown_outcome", None)
    )


@pytest.mark.rule("OUT-01")
def test_failures_are_tried_again_after_rising_delays_and_then_given_up() -> None:
    events: list[Any] = [QUEUED]
    at = NINE
    for attempt, delay in enumerate((60, 300, 1800, 7200, None), 1):
        outcome = given(MESSAGES, *events).when(release(at), failed(at, attempt))
        retry = None if delay is None else at + timedelta(seconds=delay)
        assert outcome.events[-1] == DeliveryFailed(ID, attempt, "unreachable", retry)
        events += outcome.events
        if retry is not None:
            given(MESSAGES, *events).when(release(retry - MINUTE / 60)).nothing()
            at = retry
    given(MESSAGES, *events).when(release(at + DAYS)).nothing()
    given(MESSAGES, *events).state(lambda state: state.status(ID).name == "given_up")


@pytest.mark.rule("OUT-01")
def test_a_failure_that_will_not_pass_is_given_up_at_once() -> None:
    given(MESSAGES, QUEUED, released()).when(failed(reason="rejected", transient=False)).then(
        DeliveryFailed(ID, 1, "rejected", None)
    )
    short = attrs.evolve(QUEUED, expires_at=NINE + MINUTE)
    given(MESSAGES, short, released()).when(failed()).then(
        DeliveryFailed(ID, 1, "unreachable", None)
    )


@pytest.mark.rule("OUT-01")
def test_what_left_the_house_is_recorded_whatever_was_decided_meanwhile() -> None:
    """A slow channel answers after its time was over and the message was withheld."""
    past = [QUEUED, released(), MessageWithheld(ID, "recipient_not_of_household")]
    given(MESSAGES, *past).when(sent(NINE + HOUR)).then(MessageSent(ID, 1, DAY, "250")).state(
        lambda state: state.status(ID).name == "sent"
    )
    given(MESSAGES, QUEUED, released(), MessageSent(ID, 1, DAY, "250"), past[-1]).state(
        lambda state: state.status(ID).name == "sent"
    )
    # Late news of an attempt that was followed by another one changes nothing.
    given(MESSAGES, QUEUED, released(), released(2, NINE + HOUR)).when(failed(attempt=1)).nothing()


@pytest.mark.rule("OUT-01")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (release(message="nothing"), "unknown_message"),
        (sent(message="nothing"), "unknown_message"),
        (sent(attempt=2), "unknown_attempt"),
        (sent(attempt=0), "unknown_attempt"),
        (failed(attempt=2), "unknown_attempt"),
        (failed(reason="gremlins"), "unknown_failure"),
        (attrs.evolve(sent(), receipt="two\nlines"), "receipt_malformed"),
        (attrs.evolve(sent(), receipt="x" * 201), "receipt_malformed"),
    ],
)
def test_news_of_what_was_never_begun_is_refused(command: Any, code: str) -> None:
    given(MESSAGES, QUEUED, released()).when(command).refused(code, "OUT-01")


@pytest.mark.rule("OUT-01")
def test_a_purpose_or_channel_that_was_ended_is_not_used_for_what_is_queued() -> None:
    purposes = {name: p for name, p in POLICY.purposes.items() if name != "service"}
    for policy in (
        attrs.evolve(POLICY, purposes=purposes),
        attrs.evolve(POLICY, channels=("email",)),
    ):
        given(MESSAGES, QUEUED).when(release(policy=policy)).then(
            MessageWithheld(ID, "purpose_ended")
        )


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.rule("OUT-01")
def test_messages_keep_the_laws_of_a_decider() -> None:
    check_decider(MESSAGES, message_commands(), opening=message_openings())


class Day(RuleBasedStateMachine):
    """A household over days: told, sending, failing, crashing, opting out, moving out."""

    PURPOSES = ("emergency", "service", "care", "marketing")

    def __init__(self) -> None:
        super().__init__()
        self.state: Messages = MESSAGES.decider.initial
        self.at = NINE
        self.members: tuple[str, ...] = (OWNER, TENANT)
        self.causes = 0
        self.events: list[tuple[datetime, Any]] = []
        self.outgoing: list[tuple[str, int]] = []

    def do(self, command: Any) -> tuple[Any, ...]:
        decided = MESSAGES.decider.decide(command, self.state)
        assert not isinstance(decided, Refusal), decided
        self.state = MESSAGES.decider.fold(decided, self.state)
        self.events += [(self.at, event) for event in decided]
        return decided

    @rule(purpose=st.sampled_from(PURPOSES), recipient=st.sampled_from(("", OWNER, TENANT)))
    def queue(self, purpose: str, recipient: str) -> None:
        if recipient and recipient not in self.members:
            return
        self.causes += 1
        command = note(purpose, f"n{self.causes}:0", self.at, recipient=recipient)
        facts = attrs.evolve(command.known, members=self.members)
        self.do(attrs.evolve(command, known=facts))

    @rule(minutes=st.sampled_from((0, 1, 5, 30, 240, 660, 1440)))
    def wait(self, minutes: int) -> None:
        self.at += minutes * MINUTE

    @rule(many=st.integers(1, 4))
    def dispatch(self, many: int) -> None:
        for message in list(self.state.queued)[-many:]:
            forbidden = self.state.status(message)
            for event in self.do(release(self.at, message, members=self.members)):
                if type(event) is MessageReleased:
                    assert not forbidden.ended
                    self.outgoing.append((message, event.attempt))

    @rule(ok=st.booleans(), transient=st.booleans())
    def answer(self, ok: bool, transient: bool) -> None:
        if self.outgoing:
            message, attempt = self.outgoing.pop(0)
            if ok:
                self.do(sent(self.at, attempt, message))
            else:
                facts = known(self.at)
                self.do(
                    RecordFailure("V1", message, attempt, "unreachable", transient, known=facts)
                )

    @rule()
    def crash(self) -> None:
        self.outgoing.clear()

    @rule(about=st.sampled_from(("care", "marketing", "any")), allowed=st.booleans())
    def prefer(self, about: str, allowed: bool) -> None:
        if OWNER in self.members:
            self.do(prefer(about, allowed, known=known(self.at, members=self.members)))

    @rule(members=st.sampled_from(((OWNER, TENANT), (TENANT,), (OWNER,), ())))
    def move(self, members: tuple[str, ...]) -> None:
        self.members = members
        self.events.append((self.at, members))

    @invariant()
    def never_more_than_the_cap_and_never_in_quiet_hours(self) -> None:
        told: dict[date, set[str]] = {}
        for at, event in self.events:
            if type(event) is MessageReleased:
                purpose = self.state.queued[event.message].purpose
                if purpose != "emergency":
                    assert not POLICY.is_quiet(at, ZONE)
                    told.setdefault(at.astimezone(ZoneInfo(ZONE)).date(), set()).add(event.message)
        assert all(len(messages) <= POLICY.per_day for messages in told.values())

    @invariant()
    def never_to_who_is_no_member_or_refused(self) -> None:
        members: tuple[str, ...] = (OWNER, TENANT)
        said: dict[str, bool] = {}
        for _, event in self.events:
            if isinstance(event, tuple):
                members = event
            elif type(event) is PreferenceChanged:
                for about in ("care", "marketing") if event.about == "any" else (event.about,):
                    said[about] = event.allowed
            elif type(event) is MessageReleased:
                queued = self.state.queued[event.message]
                assert queued.recipient in members
                if queued.recipient == OWNER:
                    assert said.get(queued.purpose, queued.purpose != "marketing")

    @invariant()
    def exactly_one_outcome(self) -> None:
        kinds = [(type(e), e.message) for _, e in self.events if type(e) is MessageSent]
        assert len(set(kinds)) == len(kinds)
        for message in self.state.queued:
            status = self.state.status(message)
            ends = [
                event
                for _, event in self.events
                if getattr(event, "message", None) == message
                and (
                    type(event) in (MessageSent, MessageWithheld)
                    or (type(event) is DeliveryFailed and event.retry_at is None)
                )
            ]
            assert bool(ends) is status.ended
            # Only the news that it was sent after all may follow another end.
            assert len(ends) <= 1 or [type(end) for end in ends[1:]] == [MessageSent]


@pytest.mark.rule("OUT-01")
def test_whatever_happens_the_household_is_told_within_the_limits() -> None:
    run_state_machine_as_test(Day, settings=settings(max_examples=60, stateful_step_count=40))


# --- templates -----------------------------------------------------------------------------------


def templates() -> list[Template]:
    """Every template that comes with the package."""
    folder = files("crm_core") / "messages" / "templates"
    found = [Template.parse(file.read_text(encoding="utf-8")) for file in folder.iterdir()]
    return sorted(found, key=lambda template: str(template.ref))


VALUES = {
    "amount": ("12700", "127.00", "127.00"),
    "date": ("2011-03-01", "2011年3月1日", "2011-03-01"),
    "instant": ("2011-03-01T16:05:00Z", "2011年3月2日00:05", "2011-03-02 00:05"),
    "reference": ("R1010", "R1010", "R1010"),
    "word": ("closing", "办结", "closing"),
}


@pytest.mark.rule("OUT-01")
def test_every_personalised_template_has_a_neutral_twin() -> None:
    """Personal Information Protection Law, art. 24: the catalogue offers the option throughout."""
    by_name = {template.ref.name: template for template in templates()}
    personalised = [template for template in by_name.values() if template.personalised]
    assert len(personalised) >= 4
    for template in personalised:
        twin = by_name[template.neutral]
        assert twin.is_twin_of(template), template.ref
        for language in ("zh", "en"):
            text = twin.texts[language]
            assert "recipient_name" not in text.subject + text.body


@pytest.mark.rule("OUT-01")
@pytest.mark.parametrize("template", templates(), ids=lambda t: str(t.ref))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_says_every_parameter_in_both_languages(
    template: Template, language: str
) -> None:
    values = {
        name: next(iter(kind.words), VALUES[kind.kind][0])
        for name, kind in template.parameters.items()
    }
    quoted = {name: f"the {name}\nitself" for name in template.quotes}
    text = template.render(language, values, ZONE, "欧阳修", quoted)
    said = text.subject + text.body
    assert all(f"the {name} itself" in said for name in template.quotes)
    for name, kind in template.parameters.items():
        phrase = kind.words.get(values[name])
        zh, en = VALUES[kind.kind][1:] if phrase is None else (phrase.zh, phrase.en)
        assert (zh if language == "zh" else en) in said
    assert ("欧阳修" in said) is template.personalised
    assert not set("{}") & set(said)
    assert template.purpose in POLICY.purposes
    for name in values:
        with pytest.raises(ValueError, match=f"`{name}` is missing"):
            template.render(language, {n: v for n, v in values.items() if n != name}, ZONE)
    for name in quoted:
        others = {n: text for n, text in quoted.items() if n != name}
        with pytest.raises(ValueError, match=f"`{name}` is missing"):
            template.render(language, values, ZONE, "欧阳修", others)


@pytest.mark.rule("OUT-01")
@hypothesis_given(st.text())
def test_what_is_put_in_is_not_looked_at_again(name: str) -> None:
    text = TEMPLATE.render("en", {p.name: p.value for p in FILLED}, ZONE, f"{{request}}{name}")
    assert "{request}" in text.body
    assert "\n" not in text.body
    assert "\r" not in text.subject + text.body
    assert name == "" or name not in repr(text) or name in "Text(…)"


def test_a_language_that_no_template_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="not one of zh, en"):
        TEMPLATE.render("fr", {p.name: p.value for p in FILLED}, ZONE)


GOOD = """
kind = "template"
purpose = "care"
personalised = false
[template]
name = "x"
version = 1
[parameters.trade]
kind = "word"
words = { lift = { zh = "电梯", en = "lift" }, pool = { zh = "泳池", en = "pool" } }
[zh]
subject = "通知"
body = "{trade}"
[en]
subject = "note"
body = "{trade}"
"""


@pytest.mark.rule("OUT-01")
def test_words_are_said_in_both_languages_and_no_other_word_is_taken() -> None:
    template = Template.parse(GOOD)
    assert template.render("zh", {"trade": "lift"}, ZONE).body == "电梯"
    assert template.render("en", {"trade": "pool"}, ZONE).body == "pool"
    fault = template.fault("trade", "gossip")
    assert fault is not None
    assert str(fault) == "one of lift, pool is expected"
    assert template.fault("trade", "lift") is None


@pytest.mark.rule("OUT-01")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('kind = "template"', 'kind = "letter"', "kind"),
        ("personalised = false", "personalised = true", "neutral"),
        ("personalised = false", 'personalised = false\nneutral = "y"', "neutral"),
        ("personalised = false", "personalised = 1", "personalised"),
        ('kind = "word"', 'kind = "text"', "parameters.trade.kind"),
        ('kind = "word"', 'kind = "date"', "parameters.trade.words"),
        ("[parameters.trade]", "[parameters.Trade-1]", "parameters.Trade-1"),
        ('subject = "note"', 'subject = "a\\nb"', "en.subject"),
        ('subject = "note"', 'subject = " "', "en.subject"),
        ('subject = "note"', 'subject = "{trade.__class__}"', "en.subject"),
        ('subject = "note"', 'subject = "{trade!r}"', "en.subject"),
        ('subject = "note"', 'subject = "{trade:>9}"', "en.subject"),
        ('subject = "note"', 'subject = "{0}"', "en.subject"),
        ('subject = "note"', 'subject = "{{trade}}"', "en.subject"),
        ('subject = "note"', 'subject = "{recipient_name}"', "en"),
        ('subject = "note"', 'subject = "{other}"', "en"),
        ('subject = "note"\nbody = "{trade}"', 'subject = "note"\nbody = "x"', "en"),
        ('purpose = "care"\n', "", "purpose"),
        ('purpose = "care"\n', 'purpose = "care"\nextra = 1\n', ""),
    ],
)
def test_a_template_is_read_strictly(before: str, after: str, path: str) -> None:
    assert before in GOOD
    with pytest.raises(PolicyFault) as refused:
        Template.parse(GOOD.replace(before, after, 1))
    assert path in dict(refused.value.faults)


def policy_text() -> str:
    path = files("crm_core") / "messages" / "policies" / "messages-cn-default.toml"
    return path.read_text(encoding="utf-8")


@pytest.mark.rule("OUT-01")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('kind = "messages"', 'kind = "sla"', "kind"),
        ('channel = "sms"', 'channel = "smoke"', "channel"),
        ('language = "zh"', 'language = "fr"', "language"),
        ("per_day = 3", "per_day = 0", "per_day"),
        ('start = "21:00"', 'start = "24:00"', "quiet_hours.start"),
        ('end = "08:00"', 'end = "8:00"', "quiet_hours.end"),
        ('end = "08:00"', 'end = "21:00"', "quiet_hours"),
        ("lease_seconds = 300", "lease_seconds = 0", "delivery.lease_seconds"),
        ("[60, 300", "[0, 300", "delivery.delays_seconds[0]"),
        ('basis = "opt_in"', 'basis = "maybe"', "purposes.marketing.basis"),
        ("valid_hours = 12", "valid_hours = 0", "purposes.emergency.valid_hours"),
        ("capped = false", "capped = 0", "purposes.emergency.capped"),
    ],
)
def test_a_message_policy_is_read_strictly(before: str, after: str, path: str) -> None:
    assert before in policy_text()
    with pytest.raises(PolicyFault) as refused:
        MessagePolicy.parse(policy_text().replace(before, after, 1))
    assert path in dict(refused.value.faults)


def test_a_message_policy_has_purposes() -> None:
    text = policy_text().partition("# Danger")[0] + "[purposes]\n"
    with pytest.raises(PolicyFault, match="at least one"):
        MessagePolicy.parse(text)


# --- views ---------------------------------------------------------------------------------------


@hypothesis_given(instants(), instants())
def test_the_order_of_what_is_due_is_that_of_instants(one: datetime, other: datetime) -> None:
    assert (due_order(one) < due_order(other)) is (one < other)


@pytest.mark.rule("OUT-01")
def test_a_household_s_messages_read_as_what_became_of_them() -> None:
    state = MESSAGES.decider.fold([QUEUED, released(), MessageSent(ID, 1, DAY, "250")])
    [row] = message_rows("V1", state)
    assert row == {
        "message": ID,
        "household": "V1",
        "recipient": OWNER,
        "template": "request-received/1",
        "purpose": "service",
        "channel": "sms",
        "language": "zh",
        "cause": "c1:0",
        "status": "sent",
        "reason": None,
        "attempts": 1,
        "next_at": None,
        "receipt": "250",
    }
    [row] = message_rows("V1", MESSAGES.decider.fold([QUEUED]))
    assert (row["status"], row["next_at"], row["receipt"]) == (
        "waiting",
        "2011-03-01T01:00:00Z",
        None,
    )


def test_the_words_for_failures_are_sorted_and_once() -> None:
    assert list(FAILURES) == sorted(set(FAILURES))
