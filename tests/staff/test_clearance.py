"""What binds who sees personal values: undertakings, training, sanctions, contracts (PRV-07)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core import Actor
from crm_core.errors import Refused
from crm_core.exports import EXPORT, TakeList
from crm_core.kernel.decider import Refusal
from crm_core.staff.sanctions import SANCTIONS, STEPS, DecideSanction, ProposeSanction
from crm_core.staff.suppliers import SUPPLIER, EndSupplier, EngageSupplier
from crm_core.staff.undertakings import (
    UNDERTAKINGS,
    EndClearance,
    RecordTraining,
    RecordUndertaking,
)

DAY, YEAR = date(2024, 1, 1), date(2024, 12, 31)
BY = Actor("D1", "director")


def given_that(aggregate: Any, *commands: Any) -> Any:
    """The state after commands that are taken."""
    decider, state = aggregate.decider, aggregate.decider.initial
    for command in commands:
        events = decider.decide(command, state)
        assert not isinstance(events, Refusal), events
        for event in events:
            state = decider.evolve(state, event)
    return state


def why(aggregate: Any, state: Any, command: Any) -> str:
    decided = aggregate.decider.decide(command, state)
    assert isinstance(decided, Refusal)
    assert decided.told("en")
    assert decided.told("zh")
    return decided.code


def signed(until: date = YEAR, since: date = DAY, **said: Any) -> RecordUndertaking:
    return RecordUndertaking("S1", said.pop("undertaking", "N-1"), since, until, by=BY, **said)


def trained(until: date = YEAR) -> RecordTraining:
    return RecordTraining("S1", "PIPL", DAY, until, by=BY)


@pytest.mark.rule("PRV-07")
def test_both_are_needed_and_each_from_its_first_to_its_last_day() -> None:
    state = given_that(UNDERTAKINGS, signed(), trained(date(2024, 6, 30)))
    assert state.lacking("S1", date(2024, 6, 30)) == ""
    assert state.lacking("S1", date(2024, 7, 1)) == "training"
    assert state.lacking("S1", date(2023, 12, 31)) == "undertaking"
    assert state.lacking("S2", DAY) == "undertaking"


@pytest.mark.rule("PRV-07")
def test_what_was_ended_counts_no_more_until_it_is_given_anew() -> None:
    ended = EndClearance("S1", "undertaking", date(2024, 3, 1), "told a neighbour", by=BY)
    state = given_that(UNDERTAKINGS, signed(), trained(), ended)
    assert state.lacking("S1", date(2024, 2, 29)) == ""
    assert state.lacking("S1", date(2024, 3, 1)) == "undertaking"
    again = given_that(UNDERTAKINGS, signed(), trained(), ended, signed(since=date(2024, 4, 1)))
    assert again.lacking("S1", date(2024, 4, 1)) == ""
    assert again.lacking("S1", date(2024, 3, 31)) == "undertaking"


@pytest.mark.rule("PRV-07")
def test_who_signs_anew_on_the_day_it_was_ended_is_bound_from_that_day() -> None:
    day = date(2024, 3, 1)
    ended = EndClearance("S1", "undertaking", day, "an outdated text", by=BY)
    anew = given_that(UNDERTAKINGS, signed(), trained(), ended, signed(since=day))
    assert anew.lacking("S1", day) == ""
    both = given_that(UNDERTAKINGS, trained(), signed(since=day), ended)
    assert both.lacking("S1", day) == "undertaking"


@pytest.mark.rule("PRV-07")
def test_one_that_begins_later_or_is_entered_late_takes_nothing_from_the_one_in_force() -> None:
    next_year = signed(since=date(2025, 1, 1), until=date(2025, 12, 31))
    last_year = signed(since=date(2023, 1, 1), until=date(2023, 12, 31))
    state = given_that(UNDERTAKINGS, signed(), trained(date(2025, 12, 31)), next_year, last_year)
    for day in (DAY, YEAR, date(2025, 1, 1), date(2025, 12, 31)):
        assert state.lacking("S1", day) == ""
    assert state.lacking("S1", date(2026, 1, 1)) == "undertaking"
    over = EndClearance("S1", "undertaking", date(2024, 6, 1), "left the team", by=BY)
    state = given_that(UNDERTAKINGS, signed(), trained(date(2025, 12, 31)), next_year, over)
    assert state.lacking("S1", date(2025, 1, 1)) == "undertaking"


@pytest.mark.rule("PRV-07")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (signed(until=date(2023, 1, 1)), "clearance_ends_before_it_begins"),
        (signed(undertaking=""), "document_missing"),
        (signed(stranger=True), "unknown_staff"),
        (RecordTraining("S1", "", DAY, YEAR, by=BY), "topic_missing"),
        (EndClearance("S1", "undertaking", DAY, "x", by=BY), "clearance_not_in_force"),
        (EndClearance("S1", "oath", DAY, "x", by=BY), "unknown_clearance"),
    ],
)
def test_an_entry_that_says_nothing_is_refused(command: Any, code: str) -> None:
    assert why(UNDERTAKINGS, UNDERTAKINGS.decider.initial, command) == code


def proposed(step: str, case: str = "K1", **said: Any) -> ProposeSanction:
    said = {"reason": "sold a list", "evidence": "file 7", **said}
    return ProposeSanction("S1", case, step, by=Actor("S9", "supervisor"), **said)


def decided(take: bool = True, case: str = "K1", reason: str = "proved") -> DecideSanction:
    return DecideSanction("S1", case, take, reason, by=BY)


@pytest.mark.rule("PRV-07")
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.booleans()), max_size=8))
def test_a_case_goes_up_the_ladder_and_never_down(told: list[tuple[str, bool]]) -> None:
    decider, state, stands = SANCTIONS.decider, SANCTIONS.decider.initial, -1
    for step, take in told:
        events = decider.decide(proposed(step), state)
        if STEPS.index(step) <= stands:
            assert isinstance(events, Refusal)
            assert events.code == "sanction_not_above"
            continue
        state = decider.evolve(state, events[0])
        assert why(SANCTIONS, state, proposed("legal_action")) == "sanction_waits"
        state = decider.evolve(state, decider.decide(decided(take), state)[0])
        stands = STEPS.index(step) if take else stands
        assert state.taken.get("K1") == (STEPS[stands] if stands >= 0 else None)


@pytest.mark.rule("PRV-07")
def test_a_sanction_without_proof_reason_or_proposal_is_none() -> None:
    first = SANCTIONS.decider.initial
    assert why(SANCTIONS, first, proposed("exile")) == "unknown_step"
    assert why(SANCTIONS, first, proposed("dismissal", reason="")) == "reason_missing"
    assert why(SANCTIONS, first, proposed("dismissal", evidence="")) == "evidence_missing"
    assert why(SANCTIONS, first, proposed("dismissal", stranger=True)) == "unknown_staff"
    assert why(SANCTIONS, first, decided()) == "no_sanction_proposed"
    state = given_that(SANCTIONS, proposed("dismissal"))
    assert why(SANCTIONS, state, decided(reason="")) == "reason_missing"
    assert SANCTIONS.own(decided(), state).others == {"S1"}
    assert SANCTIONS.own(decided(), state).proposed_by == "S9"


def engaged(**said: Any) -> EngageSupplier:
    fields: dict[str, Any] = {
        "supplier": "P1", "name": "Print Ltd", "contract": "C-7", "data": ("name", "place"),
        "handling": "prints bills", "measures": "locked room", "since": DAY, "until": YEAR,
    }  # fmt: skip
    return EngageSupplier(**{**fields, **said}, by=BY)


@pytest.mark.rule("PRV-07")
def test_a_supplier_has_one_contract_at_a_time_and_leaves_nothing_behind() -> None:
    state = given_that(SUPPLIER, engaged())
    assert state.covers(YEAR)
    assert not state.covers(date(2025, 1, 1))
    assert why(SUPPLIER, state, engaged()) == "supplier_engaged"
    end = EndSupplier("P1", date(2024, 6, 1), "deleted", "protocol 3", by=BY)
    assert not given_that(SUPPLIER, engaged(), end).covers(date(2024, 6, 2))
    assert given_that(SUPPLIER, engaged(), end, engaged()).covers(YEAR)
    assert why(SUPPLIER, SUPPLIER.decider.initial, end) == "supplier_not_engaged"
    kept = EndSupplier("P1", date(2024, 6, 1), "kept", "x", by=BY)
    assert why(SUPPLIER, state, kept) == "unknown_ending"
    bare = EndSupplier("P1", date(2024, 6, 1), "deleted", "", by=BY)
    assert why(SUPPLIER, state, bare) == "evidence_missing"


@pytest.mark.rule("PRV-07")
@pytest.mark.parametrize("missing", ["name", "contract", "data", "handling", "measures"])
def test_a_contract_says_what_the_law_asks_for(missing: str) -> None:
    empty: Any = () if missing == "data" else ""
    assert why(SUPPLIER, SUPPLIER.decider.initial, engaged(**{missing: empty})) == (
        "contract_incomplete"
    )
    wrong = engaged(data=("faces",))
    assert why(SUPPLIER, SUPPLIER.decider.initial, wrong) == "unknown_data_class"
    early = engaged(until=date(2023, 1, 1))
    assert why(SUPPLIER, SUPPLIER.decider.initial, early) == "contract_ends_before_it_begins"


@pytest.mark.rule("PRV-10")
def test_a_list_has_no_more_rows_than_its_role_may_take() -> None:
    def take(rows: int) -> TakeList:
        return TakeList("X1", "arrears", rows, ("room",), 200, by=Actor("S1", "specialist"))

    state = given_that(EXPORT, take(200))
    assert state.taken.rows == 200
    assert why(EXPORT, EXPORT.decider.initial, take(201)) == "export_too_large"
    assert EXPORT.decider.decide(take(200), state) == ()


@pytest.mark.rule("PRV-10")
def test_a_list_leaves_for_a_role_and_a_purpose_and_by_an_event() -> None:
    from access.town import CLERK, somebody, town

    with town() as crm:
        mark = crm.privacy.leaving("arrears", 2, ["room"], by=CLERK, purpose="collection: March")
        [taken] = crm.host.texts.each(crm.log.feed(names=["exports.list_taken/1"]))
        assert (taken.event.export, taken.event.rows_max) == (mark.export, 200)
        assert (taken.envelope.actor, taken.envelope.purpose) == (
            "specialist:S1", "collection: March",
        )  # fmt: skip
        assert mark.export in mark.told()
        assert "specialist:S1" in mark.told()
        for by, code in (
            (somebody("host"), "role_insufficient"),
            (somebody("cleaning"), "role_insufficient"),
            (CLERK, "export_too_large"),
        ):
            rows = 201 if by is CLERK else 1
            with pytest.raises(Refused) as refused:
                crm.privacy.leaving("arrears", rows, ["room"], by=by, purpose="collection")
            assert refused.value.reason == code
