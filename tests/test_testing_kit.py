"""The kit that tests are written with: it must fail where it should, and say why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date
from itertools import count
from typing import Any

import pytest
from attrs import define, frozen
from hypothesis import Phase, find, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from crm_adapters.wiring import open_crm
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, by_event
from crm_core.kernel.sealed import Personal, Sealed
from crm_core.owners import HOUSEHOLD
from crm_core.owners.events import MemberAdded
from crm_core.payments.commands import (
    ClaimLateCharge,
    DecideDispute,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    WithdrawDispute,
)
from crm_core.policies import PolicyBook
from crm_core.requests import REQUEST
from crm_core.slices import catalog, registry
from crm_core.testing import check_codec, check_decider, given, histories, strategies
from crm_core.testing.strategies import (
    LAST_DAY,
    Estate,
    estates,
    guided,
    owner_commands,
    owner_openings,
    play,
    policies,
    request_histories,
)
from crm_core.testing.strategies.pasts import aggregates, looked_up

# --- a small aggregate, right and wrong ----------------------------------------------------------


@frozen
class Count:
    """Count some more."""

    by: int
    name: Personal | None = None


@frozen
class Counted:
    """Some more was counted."""

    by: int


@frozen
class Total:
    """What was counted so far."""

    total: int = 0


def decide(command: Count, state: Total) -> tuple[Counted, ...] | Refusal:
    if command.by < 0:
        return Refusal("negative", "TST-01", {"by": command.by})
    if state.total + command.by > 9:
        return Refusal("too_many", "TST-02")
    return (Counted(command.by),) if command.by else ()


SHIPPED = registry().shipped

COUNTER: Decider[Any, Any, Any] = Decider(
    "counter", Total(), decide, by_event({Counted: lambda s, e: Total(s.total + e.by)})
)
COMMANDS = st.builds(Count, st.integers(-1, 4))
NAMED = st.builds(Count, st.integers(-1, 4), st.just(Personal("P1", "Ouyang Xiu")))


@pytest.fixture
def at_the_first_failure() -> Iterator[None]:
    """Laws that are broken on purpose need no smallest example."""
    before = settings.get_current_profile_name()
    settings.register_profile("broken", settings(), phases=(Phase.generate,))
    settings.load_profile("broken")
    yield
    settings.load_profile(before)


BREAKS = pytest.mark.usefixtures("at_the_first_failure")


def says(claim: Callable[[], Any]) -> str:
    with pytest.raises(AssertionError) as failure:
        claim()
    return str(failure.value)


# --- scenarios -----------------------------------------------------------------------------------


def test_a_scenario_takes_a_decider_or_an_aggregate() -> None:
    aggregate = Aggregate(COUNTER, (Count,), lambda _: "1", lambda _: "")
    for subject in (COUNTER, aggregate):
        given(subject).when(Count(2)).then(Counted(2))


def test_commands_follow_one_another() -> None:
    outcome = given(COUNTER, Counted(3)).when(Count(2), Count(0), Count(1))
    outcome.then(Counted(2), Counted(1)).state(lambda state: state.total == 6)
    assert outcome.events == (Counted(2), Counted(1))
    assert outcome.after == Total(6)
    given(COUNTER, Counted(3)).state(lambda state: state.total == 3)
    given(COUNTER).when(Count(9), Count(1)).refused("too_many").refused("too_many", "TST-02")


def test_nothing_is_neither_an_event_nor_a_refusal() -> None:
    given(COUNTER).when(Count(0)).nothing().then()
    assert "something followed" in says(lambda: given(COUNTER).when(Count(1)).nothing())
    assert "refused" in says(lambda: given(COUNTER).when(Count(-1)).nothing())


def test_other_events_are_shown_field_by_field() -> None:
    shown = says(lambda: given(COUNTER).when(Count(2), Count(3)).then(Counted(2), Counted(4)))
    assert shown.splitlines() == [
        "other events followed",
        "  (- expected, + found)",
        "  Counted(",
        "      by=2,",
        "  )",
        "  Counted(",
        "-     by=4,",
        "+     by=3,",
        "  )",
    ]
    assert says(lambda: given(COUNTER).when(Count(2)).then())
    assert says(lambda: given(COUNTER).when(Count(0)).then(Counted(0)))
    assert says(lambda: given(COUNTER).when(Count(2), Count(3)).then(Counted(3), Counted(2)))


def test_a_refusal_where_events_were_expected_is_shown() -> None:
    shown = says(lambda: given(COUNTER).when(Count(-1)).then(Counted(-1)))
    assert "code='negative'" in shown
    assert "TST-01" in shown
    shown = says(lambda: given(COUNTER).when(Count(-1), Count(1)))
    assert shown.startswith("command 1 of 2 was refused")
    assert says(lambda: given(COUNTER).when(Count(-1)).state(lambda _: True))


def test_a_refusal_of_another_code_or_rule_is_not_the_one_expected() -> None:
    outcome = given(COUNTER).when(Count(-1))
    assert "not as `too_many` by TST-01" in says(lambda: outcome.refused("too_many"))
    assert "not as `negative` by TST-02" in says(lambda: outcome.refused("negative", "TST-02"))
    accepted = given(COUNTER).when(Count(1))
    assert "was accepted" in says(lambda: accepted.refused("negative"))


def test_a_claim_that_is_not_true_shows_the_state() -> None:
    def is_seven(state: Total) -> bool:
        return state.total == 7

    shown = says(lambda: given(COUNTER).when(Count(1)).state(is_seven))
    assert "`is_seven` is not true" in shown
    assert "total=1" in shown
    assert "total=0" in says(lambda: given(COUNTER).state(is_seven))


def test_events_that_differ_in_a_personal_value_are_told_apart_and_not_shown() -> None:
    def added(name: str) -> MemberAdded:
        value = Personal("P1", name)
        return MemberAdded("V1", "P1", "owner", date(2011, 1, 1), value, None, "phone", "person")

    echo: Decider[Any, Any, Any] = Decider("echo", 0, lambda c, _: (c,), lambda s, _: s)
    shown = says(lambda: given(echo).when(added("Ouyang")).then(added("Zhang")))
    assert "does not show itself" in shown
    assert "Ouyang" not in shown
    assert "Zhang" not in shown


# --- laws: every one of them is broken here ------------------------------------------------------


def test_a_lawful_decider_passes() -> None:
    check_decider(COUNTER, COMMANDS)
    check_decider(COUNTER, NAMED, max_examples=20)


def broken(
    decide: Callable[[Any, Any], Any] = COUNTER.decide,
    evolve: Callable[[Any, Any], Any] = COUNTER.evolve,
    initial: Any = COUNTER.initial,
) -> str:
    return says(lambda: check_decider(Decider("broken", initial, decide, evolve), NAMED))


@BREAKS
def test_a_decider_that_counts_its_calls_is_found() -> None:
    calls = count()
    assert "deciding again" in broken(lambda c, s: (Counted(next(calls)),))


@BREAKS
def test_a_decider_that_answers_with_something_else_is_found() -> None:
    assert "come as a tuple" in broken(lambda c, s: [Counted(c.by)])
    for refusal in (Refusal("", "TST-01"), Refusal("x", "")):
        assert "a code, a rule" in broken(lambda c, s, r=refusal: r)


@BREAKS
def test_a_decider_that_raises_is_found() -> None:
    with pytest.raises(ZeroDivisionError):
        check_decider(
            Decider("broken", Total(), lambda c, s: (Counted(1 // c.by),), COUNTER.evolve), COMMANDS
        )


@BREAKS
def test_a_refusal_that_tells_a_personal_value_is_found() -> None:
    for telling in (
        lambda c, s: Refusal("x", "TST-01", {"name": c.name.reveal()}),
        lambda c, s: Refusal("x", "TST-01", {}, f"not {c.name.reveal()}"),
    ):
        assert "shows a personal value" in broken(telling)


@BREAKS
def test_an_evolve_that_cannot_take_every_event_is_found() -> None:
    with pytest.raises(KeyError):
        check_decider(
            Decider("broken", Total(), decide, lambda s, e: {Counted: s}[type(e)]), COMMANDS
        )


@BREAKS
def test_an_evolve_that_minds_the_business_of_others_is_found() -> None:
    assert "of another slice changes it" in broken(
        evolve=lambda s, e: Total(s.total + getattr(e, "by", 1))
    )


@BREAKS
def test_an_evolve_that_remembers_is_found() -> None:
    """State outside of the state: replay does not come to the same."""
    seen = count()
    found = broken(evolve=lambda s, e: Total(next(seen)) if isinstance(e, Counted) else s)
    assert "replay" in found or "evolve" in found or "Total" in found


@BREAKS
def test_a_state_that_is_changed_in_place_is_found() -> None:
    @define
    class Sum:
        """A state that is no value."""

        numbers: list[int]

    def evolve(state: Sum, event: Any) -> Sum:
        if isinstance(event, Counted):
            state.numbers.append(event.by)
        return state

    def decide(command: Count, state: Sum) -> Any:
        return (Counted(command.by),) if command.by > 0 else ()

    assert broken(decide, evolve, Sum([]))


# --- codecs --------------------------------------------------------------------------------------


@BREAKS
def test_a_codec_that_loses_adds_or_wavers_is_found() -> None:
    events = st.builds(Counted, st.integers(0, 300))

    def decode(data: bytes, cls: type) -> Any:
        return cls(int(data))

    def encode(event: Counted) -> bytes:
        return b"%d" % event.by

    check_codec(encode, decode, events)
    turns = count()
    found = [
        says(lambda e=wrong_encode, d=wrong_decode: check_codec(e, d, events)).splitlines()[0]
        for wrong_encode, wrong_decode in (
            (lambda e: b"%d" % (e.by % 256), decode),
            (lambda _: b"%d" % next(turns), decode),
            (encode, lambda data, _: int(data)),
            (encode, lambda data, cls: cls(int(data) + 1)),
        )
    ]
    assert found == [
        "another event comes back",
        "the same event gives other bytes",
        "an event of another class comes back",
        "another event comes back",
    ]


# --- strategies ----------------------------------------------------------------------------------


PLACES = ("owners.place_claimed", "owners.place_released")
"""Recorded beside what was decided, in streams of their own."""


@pytest.mark.parametrize(
    ("subject", "made"),
    [
        (HOUSEHOLD, histories(HOUSEHOLD, owner_commands(), opening=owner_openings())),
        (REQUEST, request_histories()),
    ],
    ids=["household", "request"],
)
def test_histories_reach_every_command_and_every_event_of_their_slice(
    subject: Aggregate, made: Any
) -> None:
    """Else the laws would be checked on little more than empty files."""
    asked: set[type] = set()
    accepted: set[type] = set()
    refused: set[str] = set()
    lengths: list[int] = []

    @settings(max_examples=600)
    @hypothesis_given(made)
    def collect(history: Any) -> None:
        lengths.append(len(history.events))
        accepted.update(type(event) for event in history.events)
        for step in history.steps:
            asked.add(type(step.command))
            if isinstance(step.decided, Refusal):
                refused.add(step.decided.code)

    collect()
    assert asked == set(subject.commands)
    package = type(subject.decider.initial).__module__.rpartition(".")[0]
    kinds = {
        kind.cls
        for kind in catalog().types
        if kind.cls.__module__ == f"{package}.events" and kind.name not in PLACES
    }
    assert accepted == kinds
    assert len(refused) >= 8
    assert max(lengths) >= 6


def test_a_guided_history_takes_a_refusal_at_its_word() -> None:
    """Blindly drawn, no severity of a leak is one of the three that there are."""
    [leaks] = [one for one in aggregates() if one.decider.name == "leak"]
    commands = st.one_of([looked_up(one) for one in leaks.commands])
    opened = {
        how.__name__: sum(type(event).__name__ == "LeakOpened" for event in _all(made))
        for how, made in (
            (histories, histories(leaks, commands)),
            (guided, guided(leaks, commands)),
        )
    }
    assert opened["histories"] == 0
    assert opened["guided"] > 10


def test_a_guided_history_keeps_what_is_refused_whatever_is_tried() -> None:
    never = Decider("never", 0, lambda _c, _s: Refusal("closed", "REQ-01"), lambda s, _e: s)
    steps = [step for made in _drawn(guided(never, st.just("open"))) for step in made.steps]
    assert steps
    assert {step.decided.code for step in steps} == {"closed"}


def _drawn(made: Any) -> list[Any]:
    found: list[Any] = []

    @settings(max_examples=60)
    @hypothesis_given(made)
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found


def _all(made: Any) -> list[Any]:
    return [event for history in _drawn(made) for event in history.events]


@pytest.mark.parametrize("kind", sorted({type(one) for one in SHIPPED}, key=lambda c: c.__name__))
def test_policies_are_drawn_beside_those_that_are_shipped(kind: type) -> None:
    """Each is read from a file, and fits into one book with all that is shipped."""
    drawn = _drawn(policies(kind))
    ours = {one.ref for one in SHIPPED}
    others = {one.ref: one for one in drawn if one.ref not in ours}
    assert len(others) >= 2
    for one in others.values():
        assert PolicyBook([*SHIPPED, one]).pinned(kind, one.ref) == one


def test_no_policies_are_drawn_of_a_kind_that_is_not_shipped() -> None:
    with pytest.raises(TypeError, match="int"):
        policies(int)


@hypothesis_given(histories(COUNTER, COMMANDS))
def test_a_history_is_what_was_decided(history: Any) -> None:
    assert history.events == tuple(
        event
        for step in history.steps
        if not isinstance(step.decided, Refusal)
        for event in step.decided
    )
    assert COUNTER.fold(history.events).total <= 9


@hypothesis_given(
    strategies.instants(), strategies.days(), strategies.sealed("P1"), strategies.actors()
)
def test_values_are_of_the_kind_they_say(
    instant: Any, day: date, value: Sealed, actor: Any
) -> None:
    assert instant.tzinfo is UTC
    assert strategies.FIRST_DAY <= instant.date() <= LAST_DAY
    assert strategies.FIRST_DAY <= day <= LAST_DAY
    assert value.subject == "P1"
    assert str(actor).startswith(f"{actor.role}:")


@pytest.mark.parametrize(
    "kind",
    [DisputeCharge, DecideDispute, WithdrawDispute, ClaimLateCharge, DecideWaiver, MovePayment],
)
def test_estates_have_everything_that_happens_to_an_account(kind: type) -> None:
    """Each kind of command is told, and there are stories in which it is accepted."""
    quick = settings(max_examples=500, phases=[Phase.generate])

    def accepted(estate: Estate) -> bool:
        if not any(isinstance(entry.command, kind) for entry in estate.entries):
            return False
        with open_crm("memory:") as crm:
            return any(isinstance(entry.command, kind) for entry in play(crm, estate))

    find(estates(2011), accepted, settings=quick)


@pytest.mark.parametrize("kind", [DisputeCharge, ClaimLateCharge])
def test_estates_without_claims_have_none(kind: type) -> None:
    with pytest.raises(NoSuchExample):
        find(
            estates(2011, claims=False),
            lambda estate: any(isinstance(entry.command, kind) for entry in estate.entries),
            settings=settings(max_examples=50, phases=[Phase.generate]),
        )


def test_a_hint_nobody_taught_the_strategies_is_named() -> None:
    with pytest.raises(TypeError, match="no strategy is known"):
        strategies.from_hint(complex)
