"""Late charges: by whose contract, of which days, how much, and up to which rate (PAY-08)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from agreeing import (
    AGREED,
    AGREED_REFUSED,
    DIRECTOR,
    KEPT,
    NAMES,
    OFF,
    agreed,
    approve_rate,
    approved,
    claim,
    claimed,
    clause_ended,
    dear,
)
from attrs import evolve
from claiming import WORD, decided, disputed
from hypothesis import given
from hypothesis import strategies as st
from paying import (
    ACCOUNTS,
    CLERK,
    DAILY,
    DEFAULT,
    FEBRUARY,
    FINANCE,
    JANUARY,
    MANAGER,
    TABLES,
    cancelled,
    day,
    decide_waiver,
    grade,
    paid,
    placed,
    raised,
    waive,
    waived,
    waiver_proposed,
)

import crm_core
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.kernel.authority import Own
from crm_core.kernel.dates import Period, parse_instant
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import RegisterHousehold, TransferOwnership, owner_id
from crm_core.payments import (
    ACCOUNT,
    LateChargePolicy,
    Ledger,
    allocate,
    credit_standing,
)
from crm_core.payments.books import trial_balance
from crm_core.payments.clauses import clause_on, clauses
from crm_core.payments.commands import (
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    EndClause,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.payments.credit import course
from crm_core.payments.events import LateChargeClaimed
from crm_core.payments.late import Ceiling, late_charges
from crm_core.testing.scenario import given as scenario
from policy_faults import said


@pytest.mark.rule("PAY-08")
@pytest.mark.parametrize(("past", "command", "event"), AGREED)
def test_what_the_contract_says_is_booked_and_claimed(
    past: list[Any], command: Any, event: Any
) -> None:
    scenario(ACCOUNT, *past).when(command).then(event)


@pytest.mark.rule("PAY-08", "PAY-12")
@pytest.mark.parametrize(("past", "command", "code", "rule"), AGREED_REFUSED)
def test_what_the_contract_does_not_say_is_refused(
    past: list[Any], command: Any, code: str, rule: str
) -> None:
    scenario(ACCOUNT, *past).when(command).refused(code, rule)


# --- clauses ---------------------------------------------------------------------------------


@pytest.mark.rule("PAY-08", "LOG-08")
def test_whoever_recorded_a_clause_does_not_approve_its_rate() -> None:
    state = ACCOUNT.decider.fold([KEPT])
    own = ACCOUNT.own
    assert own is not None
    assert own(approve_rate(), state) == Own("S1")
    assert own(approve_rate("K9"), state) is None


@pytest.mark.rule("PAY-08", "PAY-02")
def test_clauses_are_told_by_subject_and_by_day() -> None:
    other = agreed("K2", "2011-03-01", subject="allocation")
    third = agreed("K3", "2011-03-01", until=day("2011-12-31"))
    facts = [KEPT, other, clause_ended(), third, approved("K3", "2011-06-01")]
    assert [(c.number, c.first, c.last, c.approved) for c in clauses(facts)] == [
        ("K1", day("2010-01-01"), day("2011-02-28"), None),
        ("K2", day("2011-03-01"), date.max, None),
        ("K3", day("2011-03-01"), day("2011-12-31"), day("2011-06-01")),
    ]
    assert [c.number for c in clauses(facts, "allocation")] == ["K2"]
    held = {
        on: clause_on(facts, "late_charge", day(on))
        for on in (
            "2009-12-31",
            "2010-01-01",
            "2011-02-28",
            "2011-03-01",
            "2011-12-31",
            "2012-01-01",
        )
    }
    assert [None if c is None else c.number for c in held.values()] == [
        None, "K1", "K1", "K3", "K3", None,
    ]  # fmt: skip


# --- how much it is (T16) --------------------------------------------------------------


def late(events: Sequence[Any], on: str, policy: LateChargePolicy = DAILY) -> list[tuple[int, int]]:
    found = late_charges(Ledger.of(placed(events)), day(on), policy)
    return [(one.days, one.amount_fen) for one in found]


def policy_text(**changes: str) -> str:
    folder = Path(crm_core.__file__ or "").parent / "payments" / "policies"
    text = (folder / "late-charge-daily.toml").read_text(encoding="utf-8")
    for name, value in changes.items():
        lines = [
            f"{name} = {value}" if line.startswith(f"{name} = ") else line
            for line in text.splitlines()
        ]
        assert f"{name} = {value}" in lines
        text = "\n".join(lines)
    return text


def policy_with(**changes: str) -> LateChargePolicy:
    return LateChargePolicy.parse(policy_text(**changes))


@pytest.mark.rule("PAY-08")
def test_five_hundredths_of_a_percent_a_day_of_89_yuan_43_for_23_days() -> None:
    """T16: 89.43 x 0.0005 x 23 = 1.028445 yuan, half up 1.03."""
    booked = [raised(fen=89_43)]
    assert late(booked, "2011-02-23") == [(23, 103)]
    assert late([*booked, paid(on="2011-02-23")], "2012-01-01") == [(23, 103)]
    assert late(booked, "2011-02-23", policy_with(rounding='"down"')) == [(23, 102)]


@pytest.mark.rule("PAY-08")
@pytest.mark.parametrize(
    ("fen", "days", "rounding", "expected"),
    [
        (10_00, 1, "half_up", 1),  # exactly half a fen
        (10_00, 1, "half_even", 0),
        (10_00, 1, "down", 0),
        (10_00, 3, "half_up", 2),  # one fen and a half
        (10_00, 3, "half_even", 2),
        (10_00, 3, "down", 1),
        (9_99, 1, "half_up", 0),
        (10_01, 1, "half_even", 1),
    ],
)
def test_a_fraction_of_a_fen_is_rounded_as_the_policy_says(
    fen: int, days: int, rounding: str, expected: int
) -> None:
    policy = policy_with(rounding=f'"{rounding}"')
    assert policy.amount(fen * days, fen) == expected


@pytest.mark.rule("PAY-08")
def test_a_late_charge_is_off_by_default() -> None:
    assert late([raised()], "2019-01-01", OFF) == []
    assert LateChargePolicy.parse(policy_text(percent_per_day='"0"')).rate == 0


@pytest.mark.rule("PAY-08")
def test_it_counts_days_of_what_is_unpaid_and_undisputed_after_the_grace_days() -> None:
    booked = [JANUARY]
    assert late(booked, "2011-01-31") == []
    assert late(booked, "2011-02-01") == [(1, 5)]
    assert late([*booked, paid(on="2011-01-31")], "2011-03-01") == []
    assert late([*booked, paid(on="2011-02-01")], "2011-03-01") == [(1, 5)]
    # Half is paid after ten days: ten days of the whole, ten of the half.
    assert late([*booked, paid(on="2011-02-10", fen=50_00)], "2011-02-20") == [(20, 75)]
    graced = policy_with(grace_days="10")
    assert late(booked, "2011-02-10", graced) == []
    assert late(booked, "2011-02-11", graced) == [(1, 5)]
    # Days in dispute bear nothing, however it ends: 1 March to 9 April.
    assert late([*booked, disputed(), decided()], "2011-04-20") == [(29 + 10, 195)]
    # It is agreed for the management fee alone.
    assert late([evolve(JANUARY, kind="parking")], "2011-03-01") == []


@pytest.mark.rule("PAY-08")
def test_it_is_simple_and_stays_within_its_cap() -> None:
    """30 % of 100 yuan are reached on day 600; what is claimed bears no late charge itself."""
    booked = [JANUARY, claimed(fen=2_00)]
    due = day("2011-01-31")
    for days, fen, capped in ((599, 2995, False), (600, 3000, False), (601, 3000, True)):
        [found] = late_charges(Ledger.of(placed(booked)), due + timedelta(days=days), DAILY)
        assert (found.charge, found.days, found.amount_fen, found.capped) == (
            "C1",
            days,
            fen,
            capped,
        )


@pytest.fixture
def crm() -> Iterator[CRM]:
    """V1 owes 89.43 since January, and paid on 10 February, known on 1 March."""
    with open_crm("memory:") as opened:
        opened.do(
            RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=Personal(owner_id("V1"), "x")),
            by=CLERK,
            at=at("2010-01-01"),
        )
        opened.do(
            RaiseCharge("V1", "C1", "management_fee", "2011-01", 89_43, day("2011-01-31")),
            by=FINANCE,
            at=at("2011-01-01"),
        )
        opened.do(
            ReceivePayment("V1", "P1", 89_43, day("2011-02-10"), "cash"),
            by=FINANCE,
            at=at("2011-03-01"),
        )
        yield opened


def at(text: str) -> Any:
    return parse_instant(f"{text}T09:00:00+08:00")


def clause(number: str = "K1", on: str = "2010-01-01", **other: Any) -> AgreeClause:
    fields = {"policy_name": "late-charge-daily", "on": day(on), "document": "contract 12"}
    return AgreeClause("V1", number, "late_charge", **{**fields, "word": WORD, **other})


def told(crm: CRM, on: str, known: str | None = None, name: str = NAMES[0]) -> list[int]:
    found = crm.accounts.statement(
        "V1", day(on), known=None if known is None else at(known), late_charge=name
    )
    return [one["amount_fen"] for one in found["late_charges"]]


@pytest.mark.rule("PAY-08", "PAY-03")
def test_it_is_recomputed_for_any_past_day_and_knowledge(crm: CRM) -> None:
    crm.do(clause(), by=CLERK, at=at("2011-01-02"))
    assert told(crm, "2011-02-23", "2011-02-28") == [103]
    assert told(crm, "2011-02-23", "2011-03-01") == [45]
    shown = crm.accounts.statement("V1", day("2011-02-23"))["late_charges"]
    assert shown == [
        {"charge": "C1", "policy": NAMES[0], "days": 10, "amount_fen": 45, "capped": False}
    ]


@pytest.mark.rule("PAY-08", "PAY-03")
def test_a_statement_shows_late_charges_only_as_far_as_a_clause_was_known_to_hold(
    crm: CRM,
) -> None:
    """The clause of February is recorded in April, its end in May."""
    assert told(crm, "2011-02-23") == []
    crm.do(clause(on="2011-02-06"), by=CLERK, at=at("2011-04-01"))
    assert told(crm, "2011-02-23", "2011-03-31") == []
    assert told(crm, "2011-02-05") == []
    # 6 to 10 February, of 89.43 yuan.
    assert told(crm, "2011-02-23") == [22]
    assert told(crm, "2011-02-23", name="late-charge-off") == []
    crm.do(EndClause("V1", "K1", day("2011-02-07"), "sold"), by=CLERK, at=at("2011-05-01"))
    assert told(crm, "2011-02-23") == [9]
    assert told(crm, "2011-02-23", "2011-04-30") == [22]


@pytest.mark.rule("PAY-08")
def test_a_claim_takes_its_policy_from_the_clause(crm: CRM) -> None:
    asked = ClaimLateCharge("V1", "L1", "C1", day("2011-03-02"), day("2011-03-31"))
    with pytest.raises(Refused, match="no clause"):
        crm.do(asked, by=MANAGER, at=at("2011-03-02"))
    for name in ("late-charge-weekly", "credit-cn-default"):
        with pytest.raises(Refused) as refused:
            crm.do(clause(policy_name=name), by=CLERK, at=at("2011-03-02"))
        assert refused.value.reason == "unknown_clause_policy"
        assert refused.value.details["accepted"] == list(NAMES)
    crm.do(clause(), by=CLERK, at=at("2011-03-02"))
    other = evolve(asked, policy_name="late-charge-off")
    with pytest.raises(Refused) as refused:
        crm.do(other, by=MANAGER, at=at("2011-03-02"))
    assert refused.value.reason == "clause_of_another_policy"
    [event] = crm.do(asked, by=MANAGER, at=at("2011-03-02")).events
    assert (event.amount_fen, event.policy) == (45, DAILY.ref)


@pytest.mark.rule("PAY-02", "PAY-08")
def test_a_clause_names_a_policy_of_its_subject(crm: CRM) -> None:
    for name in ("late-charge-daily", "allocation-cn-default/9"):
        with pytest.raises(Refused) as refused:
            crm.do(evolve(clause(policy_name=name), subject="allocation"), by=CLERK)
        assert refused.value.reason == "unknown_clause_policy"
    for number, name in (("K1", "allocation-cn-civil-code"), ("K2", "allocation-cn-default/1")):
        asked = clause(number, policy_name=name, until=day("2010-12-31"))
        on = evolve(asked, on=day("2010-06-01") if number == "K1" else day("2010-01-01"))
        on = evolve(on, until=None if number == "K1" else day("2010-05-31"))
        [event] = crm.do(evolve(on, subject="allocation"), by=CLERK).events
        assert event.policy_name == name


# --- the ceiling -------------------------------------------------------------------------------


@pytest.mark.rule("PAY-08", "LOG-08")
def test_a_rate_above_the_ceiling_of_its_day_needs_a_director_who_says_why(crm: CRM) -> None:
    """0.05 % a day are 18.25 % a year: within 24 % until 19 August 2020, above 15.4 % after it."""
    crm.do(
        RaiseCharge("V1", "C2", "management_fee", "2020-07", 100_00, day("2020-07-31")),
        by=FINANCE,
        at=at("2020-07-01"),
    )
    crm.do(clause(), by=CLERK, at=at("2020-07-02"))
    within = ClaimLateCharge("V1", "L1", "C2", day("2020-08-19"), day("2020-09-30"))
    above = ClaimLateCharge("V1", "L2", "C2", day("2020-08-20"), day("2020-09-30"))
    assert [e.amount_fen for e in crm.do(within, by=MANAGER, at=at("2020-08-20")).events] == [95]
    with pytest.raises(
        Refused, match=r"18\.25 % a year.*15\.4 % on 2020-08-20 \(Fa Shi"
    ) as refused:
        crm.do(above, by=MANAGER, at=at("2020-08-21"))
    assert refused.value.reason == "rate_above_ceiling"
    # C1 was paid in 2011.
    assert told(crm, "2020-08-19") == [45, 95]
    assert told(crm, "2020-08-20") == [45]
    approval = ApproveRate("V1", "K1", day("2020-08-20"), "contract of 2010")
    for nobody in (CLERK, FINANCE, MANAGER, Actor("H", "host")):
        with pytest.raises(Refused):
            crm.do(approval, by=nobody, at=at("2020-08-21"))
    # Whoever recorded the clause decides nothing about it, in another role neither.
    with pytest.raises(Refused):
        crm.do(approval, by=Actor(CLERK.id, "director"), at=at("2020-08-21"))
    crm.do(approval, by=DIRECTOR, at=at("2020-08-21"))
    assert [e.amount_fen for e in crm.do(above, by=MANAGER, at=at("2020-08-21")).events] == [5]
    assert told(crm, "2020-08-20") == [45, 100]


@pytest.mark.rule("PAY-08")
def test_a_day_behind_the_table_has_no_ceiling_that_is_known(crm: CRM) -> None:
    last = DAILY.ceilings[-1].last_day
    due = last - timedelta(days=1)
    crm.do(
        RaiseCharge("V1", "C2", "management_fee", "x", 100_00, due), by=FINANCE, at=at("2025-01-01")
    )
    crm.do(clause(), by=CLERK, at=at("2025-01-02"))
    crm.do(
        ApproveRate("V1", "K1", last + timedelta(days=9), "contract of 2010"),
        by=DIRECTOR,
        at=at("2025-01-02"),
    )
    codes = []
    for number, days in enumerate((1, 2, 9, 10, 11)):
        on = due + timedelta(days=days)
        try:
            crm.do(ClaimLateCharge("V1", f"L{number}", "C2", on, on), by=MANAGER)
        except Refused as refused:
            codes.append(refused.reason)
        else:
            codes.append("")
    assert codes == ["rate_above_ceiling"] * 3 + ["", ""]
    cheap = evolve(DAILY, rate=1)
    assert cheap.above([(last, last)]) is None
    found = cheap.above([(due, last), (last, last + timedelta(days=1))])
    assert found is not None
    assert (found.day, found.ceiling) == (last + timedelta(days=1), None)


@pytest.mark.rule("PAY-08")
def test_the_ceilings_shipped_are_the_courts_of_their_day_with_their_source() -> None:
    """From 20 August 2020 four times the one-year prime rate, 24 % before."""

    def most(on: str) -> int:
        [row] = [c for c in DAILY.ceilings if c.first_day <= day(on) <= c.last_day]
        return row.rate

    assert most("2020-08-19") == 24_000_000
    assert most("2020-08-20") == 4 * 3_850_000
    assert most("2021-12-19") == 4 * 3_850_000
    assert most("2021-12-20") == 4 * 3_800_000
    assert most("2025-05-20") == 4 * 3_000_000
    assert all(ceiling.source for ceiling in DAILY.ceilings)
    pairs = zip(DAILY.ceilings, DAILY.ceilings[1:], strict=False)
    assert all(a.last_day + timedelta(days=1) == b.first_day for a, b in pairs)


@pytest.mark.rule("PAY-08")
def test_only_days_that_bear_something_are_held_against_the_ceiling() -> None:
    low = Ceiling(day("2011-03-01"), day("2011-04-09"), 1, "a bad time")
    other = evolve(DAILY.ceilings[0], last_day=day("2011-02-28"))
    after = evolve(DAILY.ceilings[0], first_day=day("2011-04-10"))
    policy = evolve(DAILY, ceilings=(other, low, after))
    on = {"on": day("2011-04-20"), "due": day("2011-04-20")}
    past = [JANUARY, KEPT]
    scenario(ACCOUNT, *past).when(claim(policy=policy, **on)).refused("rate_above_ceiling")
    # All of these days lie in a dispute.
    fen = {"fen": 1_95, "on": "2011-04-20"}
    scenario(ACCOUNT, *past, disputed(on="2011-02-28"), decided(on="2011-04-09")).when(
        claim(policy=policy, **on)
    ).then(evolve(claimed(**{**fen, "fen": 1_95}), due=day("2011-04-20")))


@pytest.mark.rule("PAY-08")
def test_whose_rate_is_above_a_ceiling_is_no_fault_of_the_policy() -> None:
    """3 per mille a day are 109.5 % a year: a contract may say so, and nobody may claim it."""
    assert policy_with(percent_per_day='"0.3"').yearly_rate == 109_500_000
    # The ceiling itself is allowed: 24 / 365 is above 0.065753.
    [row] = [c for c in DAILY.ceilings if c.rate == 24_000_000]
    days = [(row.first_day, row.last_day)]
    assert dear(65_753).above(days) is None
    assert dear(65_754).above(days) is not None
    even = evolve(row, rate=365 * 65_754)
    assert dear(65_754, ceilings=(even,)).above(days) is None
    assert dear(65_755, ceilings=(even,)).above(days) is not None


@pytest.mark.rule("PAY-08")
@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("kind", '"late"', "kind"),
        ("rounding", '"up"', "rounding"),
        ("grace_days", "-1", "grace_days"),
        ("percent_per_day", '"5e-2"', "percent_per_day"),
        ("percent_per_day", "0.05", "percent_per_day"),
        ("cap_percent", '"-1"', "cap_percent"),
        ("kinds", '"management_fee"', "kinds"),
        ("kinds", '["enforcement_costs"]', "kinds"),
        ("kinds", '["late_charge"]', "kinds"),
        ("first_day", "2031-01-01", "ceilings[0].last_day"),
        ("first_day", "1999-01-01", "ceilings[1].first_day"),
        ("percent_per_year", '"much"', "ceilings[0].percent_per_year"),
        ("source", '""', "ceilings[0].source"),
    ],
)
def test_a_late_charge_policy_is_read_strictly(name: str, value: str, path: str) -> None:
    with pytest.raises(PolicyFault) as found:
        policy_with(**{name: value})
    assert path in said(found.value)


@pytest.mark.rule("PAY-08", "PAY-04")
@given(ACCOUNTS, st.integers(1, 10_000), st.dates(date(2010, 1, 1), date(2011, 12, 31)))
def test_a_late_charge_never_worsens_a_grade(booked: tuple[Any, ...], fen: int, due: date) -> None:
    ledger = Ledger.of(placed(booked))
    for charge in ledger.charges[:1]:
        claim_of_it = LateChargeClaimed("LX", charge.number, fen, due, due, DAILY.ref, "M1")
        with_it = Ledger.of(placed([*booked, claim_of_it]))
        for credit in TABLES:
            for look in (due, due + timedelta(days=1), date(2012, 6, 30)):
                assert credit_standing(with_it, look, credit) == credit_standing(
                    ledger, look, credit
                )
            window = Period.of_year(2011)
            assert course(with_it, window, credit) == course(ledger, window, credit)


@pytest.mark.rule("PAY-07", "PAY-08")
def test_money_for_a_late_charge_is_no_money_for_principal_in_any_look_at_the_year() -> None:
    booked = [JANUARY, claimed(fen=100_00), paid(on="2011-03-20", charge="L1")]
    over = course(Ledger.of(placed(booked)), Period.of_year(2011), DEFAULT)
    assert (over.worst, over.last) == ("B4", "B4")
    assert grade(booked, "2011-12-31")[0] == "B4"


@pytest.mark.rule("PAY-08", "PAY-15")
def test_a_late_charge_is_settled_after_all_principal_and_can_be_given_up() -> None:
    booked = [JANUARY, FEBRUARY, claimed(fen=2_00)]
    found = allocate(Ledger.of(placed([*booked, paid(fen=201_00)])), day("2011-06-01"))
    assert found.unpaid == ()
    assert [(c.number, fen) for c, fen in found.late] == [("L1", 1_00)]
    # A payment can name it.
    named = [*booked, paid(fen=2_00, charge="L1")]
    found = allocate(Ledger.of(placed(named)), day("2011-06-01"))
    assert (found.late, len(found.unpaid)) == ((), 2)
    scenario(ACCOUNT, *booked).when(
        waive("W1", "L1", 2_00, on=day("2011-04-01")), decide_waiver(on=day("2011-04-01"))
    ).then(
        waiver_proposed("W1", "L1", 2_00, on=day("2011-04-01")),
        waived("W1", "L1", 2_00, on=day("2011-04-01")),
    )
    scenario(ACCOUNT, *booked).when(CancelCharge("V1", "L1", day("2011-04-01"), "error")).then(
        type(cancelled())("L1", day("2011-04-01"), "error")
    )
    # With its charge it is void.
    books = trial_balance(placed([*booked, cancelled("C1")]), day("2012-01-01"))
    assert (books.accounts["late_charges"], books.unexplained_fen) == (0, 0)


@pytest.mark.rule("PAY-08", "PAY-16")
def test_a_sellers_credit_keeps_no_late_charge_from_the_buyer(crm: CRM) -> None:
    """V1 was sold on 1 June 2011 with 100.00 of credit; its buyer pays nothing in 2012."""
    crm.do(
        ReceivePayment("V1", "P2", 100_00, day("2011-05-01"), "cash"),
        by=FINANCE,
        at=at("2011-05-01"),
    )
    crm.do(
        TransferOwnership(
            "V1",
            "V1#buyer",
            day("2011-06-01"),
            Personal("V1#buyer", "x"),
            reason="transfer of ownership",
        ),
        by=CLERK,
        at=at("2011-06-01"),
    )
    crm.do(
        RaiseCharge("V1", "C2", "management_fee", "2012-01", 100_00, day("2012-01-31")),
        by=FINANCE,
        at=at("2012-01-01"),
    )
    crm.do(clause(), by=CLERK, at=at("2012-01-02"))
    asked = ClaimLateCharge("V1", "L1", "C2", day("2012-02-20"), day("2012-03-31"))
    [event] = crm.do(asked, by=MANAGER, at=at("2012-02-20")).events
    assert event.amount_fen == 1_00
    assert told(crm, "2012-02-20") == [100]
