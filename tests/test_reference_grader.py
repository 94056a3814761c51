"""The reference grader itself, against cases worked out by hand."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_facts import NOTHING, as_they_can_be
from reference_grader import (
    DEFAULT_1,
    DEFAULT_2,
    EVERYTHING_KNOWN,
    MONOTONE_1,
    ZONE,
    Agreement,
    Cancellation,
    Charge,
    Correction,
    Dispute,
    DisputeEnd,
    Household,
    LateCharge,
    Opinion,
    OpinionWithdrawal,
    Payment,
    Purchase,
    Refund,
    Release,
    Request,
    Reversal,
    Role,
    RoleEnd,
    TakenBack,
    Waiver,
    account_of,
    arrears,
    credit,
    facts_of,
    fen,
    given_up_fen,
    grade,
    grade_estate,
    grade_for_days,
    grading_from,
    instant,
    late_charge_fen,
    layer_by_amounts,
    layer_from,
    main,
    settle,
    standing,
    statements,
    tenures,
    type_from,
)

EARLY = datetime(2000, 1, 1, tzinfo=UTC)
YEAR_END = datetime(2011, 12, 31, 23, 59, 59, tzinfo=ZONE)


def charge(number, due, amount_fen=100_00, recorded=EARLY):
    return Charge(number, date.fromisoformat(due), amount_fen, recorded)


def payment(number, amount_fen, paid_on, names=None, recorded=EARLY):
    return Payment(number, amount_fen, date.fromisoformat(paid_on), recorded, names)


def bought(amount_fen, on="2011-06-01"):
    return Purchase(amount_fen, date.fromisoformat(on), EARLY)


def raised(count, kind="complaint"):
    return tuple(
        Request(f"R{number}", kind, datetime(2011, 5, 1 + number, 9, tzinfo=ZONE))
        for number in range(count)
    )


def credit_on(household, day, known=EVERYTHING_KNOWN):
    return credit(household, date.fromisoformat(day), known)


def graded(known=EVERYTHING_KNOWN, year=2011, policy=DEFAULT_2, **facts):
    facts.setdefault("charges", (charge("C0", "2011-12-31"),))
    return grade(Household("V1", **facts), year, known, policy)


# ------------------------------------------------------------------------------------------ PAY-04


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, "A"),
        (1, "B1"),
        (30, "B1"),
        (31, "B2"),
        (90, "B2"),
        (91, "B3"),
        (180, "B3"),
        (181, "B4"),
        (365, "B4"),
        (366, "B5"),
        (5000, "B5"),
    ],
)
def test_bucket_edges(days, expected):
    assert grade_for_days(days) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2011-02-28", ("A", 0, 0)),
        ("2011-03-01", ("A", 0, 0)),  # the due date is day 0
        ("2011-03-02", ("B1", 1, 100_00)),
        ("2011-03-31", ("B1", 30, 100_00)),
        ("2011-04-01", ("B2", 31, 100_00)),
        ("2011-05-30", ("B2", 90, 100_00)),
        ("2011-05-31", ("B3", 91, 100_00)),
        ("2011-08-28", ("B3", 180, 100_00)),
        ("2011-08-29", ("B4", 181, 100_00)),
        ("2012-02-29", ("B4", 365, 100_00)),  # 29 February is a day like any other
        ("2012-03-01", ("B5", 366, 100_00)),
    ],
)
def test_an_unpaid_charge_ages_by_calendar_days(day, expected):
    household = Household("V1", charges=(charge("C1", "2011-03-01"),))
    assert credit_on(household, day) == expected


def test_a_year_overdue_is_b4_in_a_common_year_and_b5_in_a_leap_year():
    common = graded(charges=(charge("C1", "2010-12-31"), charge("C2", "2011-12-31")))
    leap = graded(year=2012, charges=(charge("C1", "2011-12-31"), charge("C2", "2012-12-31")))
    assert (common["credit"], common["overdue_days"]) == ("B4", 365)
    assert (leap["credit"], leap["overdue_days"]) == ("B5", 366)


# ------------------------------------------------------------------------------------------ PAY-02


def test_a_payment_that_names_no_charge_settles_the_oldest():
    household = Household(
        "V1",
        charges=(charge("C2", "2011-02-01"), charge("C1", "2011-01-01")),
        payments=(payment("P1", 100_00, "2011-02-15"),),
    )
    assert credit_on(household, "2011-02-14") == ("B2", 44, 200_00)
    assert credit_on(household, "2011-02-15") == ("B1", 14, 100_00)


def test_the_oldest_charge_is_the_one_due_first_whatever_its_number():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-02-01", 60_00), charge("C2", "2011-01-01")),
        payments=(payment("P1", 100_00, "2011-02-15"),),
    )
    assert credit_on(household, "2011-02-15") == ("B1", 14, 60_00)


def test_a_charge_due_today_is_not_yet_part_of_the_arrears():
    household = Household(
        "V1", charges=(charge("C1", "2011-01-01"), charge("C2", "2011-02-01", 60_00))
    )
    assert credit_on(household, "2011-02-01") == ("B2", 31, 100_00)
    assert credit_on(household, "2011-02-02") == ("B2", 32, 160_00)


def test_a_payment_that_names_a_charge_leaves_the_older_one_unpaid():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"), charge("C2", "2011-02-01")),
        payments=(payment("P1", 100_00, "2011-02-15", names="C2"),),
    )
    assert credit_on(household, "2011-02-15") == ("B2", 45, 100_00)


def test_a_part_payment_lowers_the_amount_and_not_the_age():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"),),
        payments=(payment("P1", 99_99, "2011-01-10"),),
    )
    assert credit_on(household, "2011-02-01") == ("B2", 31, 1)


def test_what_is_paid_too_much_settles_the_next_charges():
    household = Household(
        "V1",
        charges=(
            charge("C1", "2011-01-01"),
            charge("C2", "2011-02-01"),
            charge("C3", "2011-03-01"),
        ),
        payments=(payment("P1", 250_00, "2011-01-01", names="C1"),),
    )
    assert credit_on(household, "2011-01-31") == ("A", 0, 0)
    assert credit_on(household, "2011-02-28") == ("A", 0, 0)
    assert credit_on(household, "2011-03-02") == ("B1", 1, 50_00)


def test_a_charge_paid_twice_by_name_passes_the_second_payment_on():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"), charge("C2", "2011-02-01")),
        payments=(
            payment("P1", 100_00, "2011-02-10"),
            payment("P2", 100_00, "2011-02-20", names="C1"),
        ),
    )
    assert credit_on(household, "2011-02-19") == ("B1", 18, 100_00)
    assert credit_on(household, "2011-02-20") == ("A", 0, 0)


def test_a_reversed_payment_does_not_count_from_the_reversal_on():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"),),
        payments=(payment("P1", 100_00, "2011-01-01"),),
        reversals=(Reversal("P1", date(2011, 3, 1), EARLY),),
    )
    assert credit_on(household, "2011-02-28") == ("A", 0, 0)
    assert credit_on(household, "2011-03-01") == ("B2", 59, 100_00)


def test_a_waiver_reduces_its_charge_and_frees_what_was_paid_on_it():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"), charge("C2", "2011-02-01")),
        payments=(payment("P1", 100_00, "2011-01-01", names="C1"),),
        waivers=(Waiver("C1", 30_00, date(2011, 3, 1), EARLY),),
    )
    assert credit_on(household, "2011-02-28") == ("B1", 27, 100_00)
    assert credit_on(household, "2011-03-01") == ("B1", 28, 70_00)


def test_a_waiver_is_not_money():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"), charge("C2", "2011-02-01")),
        waivers=(Waiver("C1", 150_00, date(2011, 1, 1), EARLY),),
    )
    assert credit_on(household, "2011-02-02") == ("B1", 1, 100_00)


def test_a_refund_takes_back_credit_in_advance_but_not_a_named_payment():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"), charge("C2", "2011-02-01")),
        payments=(payment("P1", 200_00, "2011-01-01", names="C1"),),
        refunds=(Refund(100_00, date(2011, 1, 15), EARLY),),
    )
    assert credit_on(household, "2011-01-31") == ("A", 0, 0)
    assert credit_on(household, "2011-02-02") == ("B1", 1, 100_00)


def test_a_refund_can_leave_a_charge_unpaid_again_from_its_day_on():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-01-01"),),
        payments=(payment("P1", 100_00, "2011-01-01"),),
        refunds=(Refund(40_00, date(2011, 1, 15), EARLY),),
    )
    assert credit_on(household, "2011-01-14") == ("A", 0, 0)
    assert credit_on(household, "2011-01-15") == ("B1", 14, 40_00)


# ---------------------------------------------------------------------------------- PAY-03, PAY-07


def test_a_payment_recorded_late_counts_only_once_it_is_known():
    household = Household(
        "V1",
        charges=(charge("C1", "2011-12-01"),),
        payments=(
            payment("P1", 100_00, "2011-12-30", recorded=datetime(2012, 1, 5, 10, tzinfo=ZONE)),
        ),
    )
    assert credit_on(household, "2011-12-31", YEAR_END) == ("B1", 30, 100_00)
    assert credit_on(household, "2011-12-31", datetime(2012, 1, 5, 9, 59, 59, tzinfo=ZONE)) == (
        "B1",
        30,
        100_00,
    )
    assert credit_on(household, "2011-12-31", datetime(2012, 1, 5, 2, tzinfo=UTC)) == ("A", 0, 0)
    assert credit_on(household, "2011-12-29", EVERYTHING_KNOWN) == ("B1", 28, 100_00)


def test_a_charge_not_yet_known_is_not_overdue():
    household = Household(
        "V1", charges=(charge("C1", "2011-12-01", recorded=datetime(2012, 1, 5, tzinfo=UTC)),)
    )
    assert credit_on(household, "2011-12-31", YEAR_END) == ("A", 0, 0)
    assert grade(household, 2011, YEAR_END)["layer"] == "insufficient"
    assert credit_on(household, "2011-12-31") == ("B1", 30, 100_00)


def test_every_kind_of_fact_counts_only_once_it_is_known():
    in_january = datetime(2012, 1, 5, tzinfo=UTC)
    charges = (charge("C1", "2011-12-01"),)
    paid = (payment("P1", 100_00, "2011-12-01"),)
    reversal = Reversal("P1", date(2011, 12, 2), in_january)
    refund = Refund(100_00, date(2011, 12, 2), in_january)
    waiver = Waiver("C1", 100_00, date(2011, 12, 2), in_january)
    for household, then, later in (
        (Household("V1", charges, paid, reversals=(reversal,)), "A", "B1"),
        (Household("V1", charges, paid, refunds=(refund,)), "A", "B1"),
        (Household("V1", charges, waivers=(waiver,)), "B1", "A"),
    ):
        assert credit_on(household, "2011-12-31", YEAR_END)[0] == then
        assert credit_on(household, "2011-12-31")[0] == later

    late_purchase = (Purchase(8_000_00, date(2011, 12, 30), in_january),)
    assert graded(YEAR_END, purchases=late_purchase)["purchases_fen"] == 0
    assert graded(purchases=late_purchase)["purchases_fen"] == 8_000_00
    assert (
        graded(datetime(2011, 5, 2, tzinfo=ZONE), requests=raised(4))["attention"] == 1
    )  # one a day from 1 May


def test_the_worst_grade_stays_after_payment():
    result = graded(
        charges=(charge("C1", "2011-01-01"),),
        payments=(payment("P1", 100_00, "2011-04-02"),),  # 1 April is day 90
        purchases=(bought(20_000_00),),
    )
    assert (result["credit"], result["worst_credit"], result["overdue_days"]) == ("A", "B2", 0)
    assert result["layer"] == "main"  # important would need B1 or better all year


# ------------------------------------------------------------------------------------------ GRD-03


@pytest.mark.parametrize(
    ("fen_bought", "matters", "kind", "layer", "status"),
    [
        (7_999_99, 4, "lively", "ordinary", "computed"),
        (8_000_00, 4, "lively", "main", "computed"),
        (9_999_99, 0, "cautious", "ordinary", "computed"),
        (10_000_00, 0, "cautious", "main", "computed"),
        (15_999_99, 4, "lively", "main", "computed"),
        (16_000_00, 4, "lively", "important", "awaiting_confirmation"),
        (19_999_99, 0, "cautious", "main", "computed"),
        (20_000_00, 0, "cautious", "important", "awaiting_confirmation"),
    ],
)
def test_thresholds_are_inclusive(fen_bought, matters, kind, layer, status):
    result = graded(purchases=(bought(fen_bought),), requests=raised(matters))
    assert (result["type"], result["layer"], result["status"]) == (kind, layer, status)
    assert (result["purchases_fen"], result["attention"]) == (fen_bought, matters)


def test_an_ordinary_customer_reaches_main_at_eight_thousand():
    last_year = bought(20_000_00, "2010-06-01")
    assert graded(purchases=(last_year, bought(8_000_00)))["type"] == "ordinary"
    assert graded(purchases=(last_year, bought(8_000_00)))["layer"] == "main"
    assert graded(purchases=(last_year, bought(7_999_99)))["layer"] == "ordinary"


def test_a_refund_counts_in_the_year_it_is_dated():
    this_year = graded(purchases=(bought(10_000_00), bought(-1, "2011-12-31")))
    next_year = graded(purchases=(bought(10_000_00), bought(-1, "2012-01-01")))
    assert (this_year["purchases_fen"], this_year["layer"]) == (9_999_99, "ordinary")
    assert (next_year["purchases_fen"], next_year["layer"]) == (10_000_00, "main")


def test_important_allows_b1_in_the_year_and_main_needs_a_at_its_end():
    once_late = graded(
        charges=(charge("C1", "2011-01-01"),),
        payments=(payment("P1", 100_00, "2011-01-31"),),
        purchases=(bought(20_000_00),),
    )
    assert (once_late["worst_credit"], once_late["layer"]) == ("B1", "important")
    late_now = graded(charges=(charge("C1", "2011-12-01"),), purchases=(bought(20_000_00),))
    assert (late_now["credit"], late_now["overdue_days"], late_now["layer"]) == (
        "B1",
        30,
        "ordinary",
    )
    later_now = graded(charges=(charge("C1", "2011-11-30"),), purchases=(bought(20_000_00),))
    assert (later_now["credit"], later_now["overdue_days"], later_now["layer"]) == (
        "B2",
        31,
        "small",
    )


def test_ordinary_needs_a_purchase_or_a_matter():
    assert graded()["layer"] == "small"
    assert graded(requests=raised(1))["layer"] == "ordinary"
    assert graded(requests=raised(9, kind="repair"))["layer"] == "small"
    assert graded(purchases=(bought(1),))["layer"] == "ordinary"
    assert graded(purchases=(bought(100_00), bought(-100_00)))["layer"] == "small"


# ------------------------------------------------------------------------------------------ GRD-02


@pytest.mark.parametrize(
    ("this_year", "year_before", "expected"),
    [
        (110_00, 100_00, "cautious"),
        (109_99, 100_00, "ordinary"),
        (1, 0, "cautious"),
        (0, 0, "ordinary"),
        (0, -100, "ordinary"),
        (1, -100, "cautious"),
    ],
)
def test_prospect_is_high_from_a_tenth_more_than_the_year_before(this_year, year_before, expected):
    assert (
        graded(purchases=(bought(this_year), bought(year_before, "2010-12-31")))["type"] == expected
    )


def test_an_interest_recorded_with_consent_makes_the_prospect_high():
    assert graded(interests=(date(2011, 6, 1),))["type"] == "cautious"
    assert graded(interests=(date(2011, 6, 1),), requests=raised(4))["type"] == "lively"


def test_complaints_alone_never_make_a_problem_customer():
    result = graded(requests=raised(25))
    assert (result["type"], result["layer"], result["attention"]) == ("ordinary", "ordinary", 25)


def test_a_problem_customer_needs_high_attention_limited_prospect_and_a_hard_fact():
    settled_at_91_days = {
        "charges": (charge("C1", "2011-01-01"),),
        "payments": (payment("P1", 100_00, "2011-04-03"),),  # 2 April is day 91
    }
    settled_at_90_days = settled_at_91_days | {"payments": (payment("P1", 100_00, "2011-04-02"),)}
    problem = graded(requests=raised(4), **settled_at_91_days)
    assert (problem["type"], problem["credit"], problem["worst_credit"]) == ("problem", "A", "B3")
    assert problem["layer"] == "small"
    assert graded(requests=raised(4), **settled_at_90_days)["type"] == "ordinary"
    assert graded(requests=raised(3), **settled_at_91_days)["type"] == "ordinary"
    assert (
        graded(requests=raised(4), purchases=(bought(1),), **settled_at_91_days)["type"] == "lively"
    )
    assert graded(requests=raised(4), confirmed_conduct=(date(2011, 6, 1),))["type"] == "problem"


def test_a_problem_customer_is_small_whatever_was_bought_until_the_second_policy():
    much = (bought(50_000_00), bought(50_000_00, "2010-06-01"))
    assert graded(requests=raised(4), purchases=much)["layer"] == "important"
    facts = {"requests": raised(4), "purchases": much, "confirmed_conduct": (date(2011, 6, 1),)}
    problem = graded(policy=DEFAULT_1, **facts)
    assert (problem["type"], problem["credit"], problem["layer"]) == ("problem", "A", "small")
    # GRD-02: whoever buys for the main amount of an ordinary customer is none.
    ordinary = graded(**facts)
    assert (ordinary["type"], ordinary["layer"]) == ("ordinary", "important")
    little = facts | {"purchases": (bought(7_999_99), bought(8_000_00, "2010-06-01"))}
    assert (graded(**little)["type"], graded(**little)["layer"]) == ("problem", "small")


def test_b2_entered_twice_is_a_hard_fact():
    # Due 1 January, day 31 is 1 February; due 1 June, day 31 is 2 July.
    charges = (charge("C1", "2011-01-01"), charge("C2", "2011-06-01"))
    first = payment("P1", 100_00, "2011-02-02", names="C1")
    twice = graded(
        charges=charges, payments=(first, payment("P2", 100_00, "2011-07-03")), requests=raised(4)
    )
    assert (twice["worst_credit"], twice["type"]) == ("B2", "problem")
    once = graded(
        charges=charges, payments=(first, payment("P2", 100_00, "2011-07-02")), requests=raised(4)
    )
    assert (once["worst_credit"], once["type"]) == ("B2", "ordinary")


def test_b2_carried_over_from_last_year_is_not_entered_again():
    # Due 1 November, day 60 is 31 December 2010; due 1 December, day 31 is 1 January 2011.
    later = charge("C2", "2011-06-01")
    payments = (payment("P1", 100_00, "2011-01-10"), payment("P2", 100_00, "2011-07-03"))
    carried_over = graded(
        charges=(charge("C1", "2010-11-01"), later), payments=payments, requests=raised(4)
    )
    entered = graded(
        charges=(charge("C1", "2010-12-01"), later), payments=payments, requests=raised(4)
    )
    assert (carried_over["worst_credit"], carried_over["type"]) == ("B2", "ordinary")
    assert (entered["worst_credit"], entered["type"]) == ("B2", "problem")


def test_duplicate_requests_count_once():
    marked = datetime(2011, 8, 1, 9, tzinfo=ZONE)
    received = datetime(2011, 7, 31, 9, tzinfo=ZONE)
    requests = (
        *raised(3),
        Request("R8", "complaint", received),
        Request("R9", "complaint", received, marks=(("R8", marked),)),
    )
    assert graded(requests=requests)["attention"] == 4
    assert graded(requests=requests, known=datetime(2011, 8, 1, 8, tzinfo=ZONE))["attention"] == 5


def test_what_was_put_right_counts_as_it_stands_from_then_on():
    known = datetime(2011, 8, 1, 9, tzinfo=ZONE)
    before = datetime(2011, 8, 1, 8, tzinfo=ZONE)
    received = datetime(2011, 7, 31, 9, tzinfo=ZONE)
    requests = (
        Request("R1", "complaint", received, kinds=(("repair", known),)),
        Request("R2", "complaint", received, marks=(("R3", received), (None, known))),
        Request("R3", "complaint", received),
        Request("R4", "complaint", received, follows="R3"),
        Request("R5", "complaint", received, marks=(("N1", received),)),
        Request("R6", "complaint", received, marks=(("N1", received),)),
    )
    # At first R1, R2 to R4, and R5 and R6 for the neighbour's; then without R1, and R2 for itself.
    assert graded(requests=requests, known=before)["attention"] == 3
    assert graded(requests=requests, known=known)["attention"] == 3
    assert graded(requests=requests[1:], known=before)["attention"] == 2
    assert graded(requests=requests[:1], known=before)["attention"] == 1
    assert graded(requests=requests[:1], known=known)["attention"] == 0


def test_a_request_belongs_to_the_year_of_the_estates_own_calendar():
    in_2011 = Request("R1", "enquiry", datetime(2010, 12, 31, 16, 0, tzinfo=UTC))
    in_2012 = Request("R2", "enquiry", datetime(2011, 12, 31, 16, 0, tzinfo=UTC))
    assert graded(requests=(in_2011, in_2012))["attention"] == 1
    assert graded(requests=(in_2011, in_2012), year=2012)["attention"] == 1
    assert graded(requests=(in_2011, in_2012), year=2010)["attention"] == 0


# ------------------------------------------------------------------------------------------ GRD-12


def test_a_household_without_a_charge_due_in_the_year_is_insufficient():
    result = graded(
        charges=(charge("C1", "2010-12-31"), charge("C2", "2012-01-01")),
        purchases=(bought(20_000_00),),
    )
    assert result == {
        "household": "V1",
        "layer": "insufficient",
        "status": "computed",
        "type": "cautious",
        "credit": "B4",
        "worst_credit": "B4",
        "purchases_fen": 20_000_00,
        "attention": 0,
        "overdue_days": 365,
    }


# ------------------------------------------------------------------------------------------- files


def test_amounts_are_read_without_floats():
    assert [fen(text) for text in ("127.00", "0.29", "-4.65", "7", "1.5")] == [
        127_00,
        29,
        -465,
        700,
        150,
    ]
    for text in ("", "1e3", "1.005", "NaN", "１２", "1,000.00", ".5", "+1"):
        with pytest.raises(ValueError, match="not an amount"):
            fen(text)


def test_an_estate_is_read_with_and_without_the_optional_columns(tmp_path, capsys):
    # One file has a byte order mark; `recorded` of the second payment is after the year's end.
    files = {
        "households": "\ufeffhousehold,estate\nV2,安和\nV1,安和\n",
        "charges": "charge,household,amount,due\nC1,V1,100.00,2011-12-01\nC2,V2,100.00,2011-12-01\n",
        "payments": "payment,household,amount,paid_on,charge,recorded\n"
        "P1,V1,100.00,2011-12-30,C1,\n"
        "P2,V2,100.00,2011-12-30,,2012-01-05T10:00:00+08:00\n",
        "purchases": "purchase,household,amount,purchased_on\nB1,V2,10000.00,2011-05-01\n",
        "requests": "request,household,kind,received_at\nR1,V1,praise,2011-05-01T09:00:00+08:00\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")

    everything = grade_estate(tmp_path, 2011)
    assert [(row["household"], row["layer"], row["credit"]) for row in everything] == [
        ("V1", "ordinary", "A"),
        ("V2", "main", "A"),
    ]

    last_second_before = grade_estate(
        tmp_path, 2011, datetime(2011, 4, 30, 23, 59, 59, tzinfo=ZONE)
    )
    start_of_its_day = grade_estate(tmp_path, 2011, datetime(2011, 5, 1, tzinfo=ZONE))
    assert [rows[1]["purchases_fen"] for rows in (last_second_before, start_of_its_day)] == [
        0,
        10_000_00,
    ]

    main([str(tmp_path), "2011", "--known", "2011-12-31T23:59:59+08:00"])
    as_known_then = json.loads(capsys.readouterr().out)
    assert [(row["layer"], row["credit"]) for row in as_known_then] == [
        ("ordinary", "A"),
        ("ordinary", "B1"),
    ]
    assert as_known_then == grade_estate(tmp_path, 2011, YEAR_END)


# ------------------------------------------------------------------------------------------ PAY-06, PAY-08


def disputed(amount_fen, on, end=None, upheld_fen=0, names="C1"):
    """A dispute, known on its own days, and its end if it has one."""
    facts = {"disputes": (Dispute("D1", names, amount_fen, date.fromisoformat(on), EARLY),)}
    if end:
        over = DisputeEnd("D1", upheld_fen, date.fromisoformat(end), EARLY)
        facts["dispute_ends"] = (over,)
    return facts


def owed(day, **facts):
    return credit_on(Household("V1", **facts), day)


def test_a_disputed_amount_does_not_age_on_the_days_of_the_dispute():
    charges = (charge("C1", "2011-01-01"),)
    facts = {"charges": charges, **disputed(100_00, "2011-02-01", "2011-03-01")}
    assert owed("2011-01-31", **facts) == ("B1", 30, 100_00)
    assert owed("2011-02-01", **facts) == ("A", 0, 0)
    assert owed("2011-02-28", **facts) == ("A", 0, 0)
    assert owed("2011-03-01", **facts) == ("B2", 59, 100_00)


def test_what_is_upheld_was_never_owed_and_the_rest_ages_again():
    charges = (charge("C1", "2011-01-01"),)
    facts = {"charges": charges, **disputed(80_00, "2011-02-01", "2011-03-01", 30_00)}
    assert owed("2011-01-31", **facts) == ("B1", 30, 70_00)
    assert owed("2011-02-01", **facts) == ("B2", 31, 20_00)
    assert owed("2011-03-01", **facts) == ("B2", 59, 70_00)
    whole = {"charges": charges, **disputed(100_00, "2011-02-01", "2011-03-01", 100_00)}
    assert graded(**whole)["layer"] == "insufficient"


def test_money_settles_what_is_undisputed_first():
    charges = (charge("C1", "2011-01-01"), charge("C2", "2011-02-01"))
    facts = {"charges": charges, **disputed(60_00, "2011-01-02")}
    named = payment("P1", 40_00, "2011-01-05", names="C1")
    unnamed = payment("P2", 100_00, "2011-01-05")
    assert owed("2011-03-01", **facts)[1:] == (59, 140_00)
    assert owed("2011-03-01", payments=(named,), **facts)[1:] == (28, 100_00)
    assert owed("2011-03-01", payments=(named, unnamed), **facts) == ("A", 0, 0)


def test_a_late_charge_takes_the_money_that_names_it_and_no_other():
    charges = (charge("C1", "2011-01-01"),)
    late = LateCharge("L1", "C1", 5_00, EARLY)
    facts = {"charges": charges, "late_charges": (late,)}
    assert owed("2011-03-01", payments=(payment("P1", 100_00, "2011-01-05"),), **facts)[2] == 0
    named = payment("P1", 100_00, "2011-01-05", names="L1")
    assert owed("2011-03-01", payments=(named,), **facts)[2] == 5_00
    # It falls with its charge.
    upheld = disputed(100_00, "2011-01-02", "2011-01-03", 100_00)
    other = (*charges, charge("C2", "2011-01-01"))
    assert (
        owed("2011-03-01", charges=other, payments=(named,), late_charges=(late,), **upheld)[2] == 0
    )
    cancelled = {"late_charges": (LateCharge("L1", "C9", 5_00, EARLY),)}
    assert owed("2011-03-01", charges=charges, payments=(named,), **cancelled)[2] == 0


def test_a_late_charge_is_so_much_a_day_and_rounded_once():
    # 0.05 % a day of 89.43 yuan for 23 days are 1.028445 yuan, so 1.03.
    home = Household("V1", charges=(charge("C1", "2011-01-01", 89_43),))
    assert late_charge_fen(home, "C1", date(2011, 1, 24), YEAR_END) == 1_03
    assert late_charge_fen(home, "C1", date(2011, 1, 1), YEAR_END) == 0
    assert late_charge_fen(home, "C1", date(2013, 1, 24), YEAR_END) == 89_43 * 30 // 100


def test_requests_called_duplicates_in_a_circle_are_one_matter():
    marked = datetime(2011, 8, 1, 9, tzinfo=ZONE)
    received = datetime(2011, 7, 31, 9, tzinfo=ZONE)

    def of(number, other):
        return Request(number, "complaint", received, marks=((other, marked),))

    circle = (of("R1", "R2"), of("R2", "R3"), of("R3", "R1"))
    assert graded(requests=circle)["attention"] == 1
    assert graded(requests=(*circle, of("R4", "R1")))["attention"] == 1
    assert graded(requests=circle, known=datetime(2011, 8, 1, 8, tzinfo=ZONE))["attention"] == 3


# ------------------------------------------------------------------------- PAY-01, money in any order


def on(text):
    return date.fromisoformat(text)


def statement(day, **facts):
    """The only tenure's statement: what is unpaid, and what is credit in advance."""
    [found] = statements(account_of(Household("V1", **facts), EVERYTHING_KNOWN), on(day)).values()
    debts = found["unpaid_fen"] + found["costs_fen"] + found["late_fen"] + found["debt_fen"]
    assert debts - found["advance_fen"] == found["balance_fen"]
    return {name: fen for name, fen in found.items() if fen and name != "balance_fen"}


@pytest.mark.case("K20")
def test_what_was_refunded_before_it_bounced_is_a_debt_that_ages():
    facts = {
        "payments": (payment("P1", 100_00, "2011-01-05"),),
        "refunds": (Refund(100_00, on("2011-01-10"), EARLY),),
        "reversals": (Reversal("P1", on("2011-02-01"), EARLY),),
    }
    assert statement("2011-01-09", **facts) == {"advance_fen": 100_00}
    assert statement("2011-01-31", **facts) == {}
    assert statement("2011-02-01", **facts) == {"debt_fen": 100_00}
    assert owed("2011-02-01", **facts) == ("A", 0, 0)
    assert owed("2011-03-04", **facts) == ("B2", 31, 100_00)
    # It is settled in its place: after what was due before it, before what was due after it.
    facts["charges"] = (charge("C1", "2011-01-20"), charge("C2", "2011-02-10"))
    facts["payments"] += (payment("P2", 200_00, "2011-03-01"),)
    assert statement("2011-02-28", **facts) == {"unpaid_fen": 200_00, "debt_fen": 100_00}
    assert statement("2011-03-01", **facts) == {"unpaid_fen": 100_00}
    assert owed("2011-03-01", **facts)[1] == 19


@pytest.mark.case("K21")
def test_money_for_what_was_written_off_is_never_credit():
    written_off = Waiver("C1", 100_00, on("2011-02-01"), EARLY, "W1", write_off=True)
    facts = {"charges": (charge("C1", "2011-01-01"),), "waivers": (written_off,)}
    assert statement("2011-01-31", **facts) == {"unpaid_fen": 100_00}
    assert statement("2011-02-01", **facts) == {}
    for names in ("C1", None):
        paid = (payment("P1", 120_00, "2011-03-01", names=names),)
        assert statement("2011-03-01", payments=paid, **facts) == {"advance_fen": 20_00}
        part = (payment("P1", 40_00, "2011-03-01", names=names),)
        back = (TakenBack("W1", on("2011-04-01"), EARLY),)
        assert statement("2011-03-31", payments=part, taken_back=back, **facts) == {}
        assert statement("2011-04-01", payments=part, taken_back=back, **facts) == {
            "unpaid_fen": 60_00
        }
    # What is still owed comes before what was given up.
    facts["charges"] += (charge("C2", "2011-02-15"),)
    paid = (payment("P1", 150_00, "2011-03-01"),)
    assert statement("2011-03-01", payments=paid, **facts) == {}
    # A waiver is another thing: what is paid beyond what is asked for is credit.
    facts["waivers"] = (Waiver("C1", 100_00, on("2011-02-01"), EARLY, "W1"),)
    assert statement("2011-03-01", payments=paid, **facts) == {"advance_fen": 50_00}
    back = (TakenBack("W1", on("2011-03-05"), EARLY),)
    assert statement("2011-03-05", payments=paid, taken_back=back, **facts) == {"unpaid_fen": 50_00}


@pytest.mark.case("K23")
def test_a_number_is_used_again():
    facts = {
        "charges": (
            charge("C1", "2011-01-01"),
            Charge("C1", on("2011-02-01"), 70_00, EARLY, entered=9),
        ),
        "waivers": (Waiver("C1", 30_00, on("2011-01-01"), EARLY, "W1"),),
        "cancellations": (Cancellation("C1", EARLY, 5),),
    }
    assert statement("2011-01-31", **facts) == {}
    assert statement("2011-02-01", **facts) == {"unpaid_fen": 70_00}
    bounced = {
        "payments": (
            payment("P1", 50_00, "2011-02-01", names="C1"),
            Payment("P1", 50_00, on("2011-02-20"), EARLY, "C1", entered=6),
        ),
        "reversals": (Reversal("P1", on("2011-02-10"), EARLY, 4),),
    }
    for day, left in (("2011-02-09", 20_00), ("2011-02-10", 70_00), ("2011-02-20", 20_00)):
        assert statement(day, **facts, **bounced) == {"unpaid_fen": left}


@pytest.mark.case("K24")
def test_bills_as_billing_systems_have_them():
    charges = (
        charge("C1", "2011-01-01"),
        charge("C2", "2011-01-02"),
        charge("C0", "2011-01-03", 0),
    )
    transfer = Payment("P1", 150_00, on("2011-01-05"), EARLY, parts=(("C2", 100_00), ("C1", 30_00)))
    facts = {"charges": charges, "payments": (transfer,)}
    assert statement("2011-01-04", **facts) == {"unpaid_fen": 200_00}
    assert statement("2011-01-05", **facts) == {"unpaid_fen": 50_00}
    less = Correction("N1", "C1", 60_00, EARLY)
    assert statement("2011-01-05", corrections=(less,), **facts) == {"advance_fen": 10_00}
    void = (Cancellation("N1", EARLY, 1),)
    assert statement("2011-01-05", corrections=(less,), cancellations=void, **facts) == {
        "unpaid_fen": 50_00
    }
    none = Correction("N1", "C1", 100_00, EARLY)
    assert graded(charges=charges, corrections=(none,))["layer"] == "small"
    assert graded(charges=charges[2:])["layer"] == "insufficient"
    assert graded(charges=charges[:1], corrections=(none,))["layer"] == "insufficient"


@pytest.mark.case("K25")
def test_only_what_is_due_takes_part():
    charges = (charge("C1", "2011-01-01"), charge("C2", "2011-02-01"))
    named = payment("P1", 120_00, "2011-01-05", names="C2")
    # What waits for a charge is credit in advance; what is too much for it is not waiting.
    facts = {"charges": charges, "payments": (named,)}
    assert statement("2011-01-04", **facts) == {"unpaid_fen": 100_00}
    assert statement("2011-01-10", **facts) == {"unpaid_fen": 80_00, "advance_fen": 100_00}
    assert statement("2011-02-01", **facts) == {"unpaid_fen": 80_00}
    facts = {"charges": charges[1:], "payments": (payment("P1", 100_00, "2011-01-05"),)}
    assert statement("2011-01-10", **facts) == {"advance_fen": 100_00}
    assert statement("2011-02-01", **facts) == {}


@pytest.mark.rule("PAY-04", "PAY-08")
def test_costs_and_late_charges_never_age():
    costs = Charge("E1", on("2011-01-01"), 50_00, EARLY, kind="enforcement_costs")
    facts = {"charges": (costs, charge("C1", "2011-03-01"))}
    assert owed("2011-03-01", **facts) == ("A", 0, 0)
    assert owed("2011-03-02", **facts) == ("B1", 1, 100_00)
    assert statement("2011-03-02", **facts) == {"unpaid_fen": 100_00, "costs_fen": 50_00}
    paid = (payment("P1", 110_00, "2011-03-02"),)
    assert statement("2011-03-02", payments=paid, **facts) == {"costs_fen": 40_00}
    assert graded(charges=(costs,))["layer"] == "insufficient"


# ------------------------------------------------------------------------------------- PAY-16, OWN-02


def role(member, since, until=None, name="owner"):
    begun = {"roles": (Role(member, name, on(since), EARLY),)}
    if until is not None:
        begun["role_ends"] = (RoleEnd(member, name, on(until), EARLY, 1),)
    return begun


def together(*facts):
    joined = {}
    for one in facts:
        for name, values in one.items():
            joined[name] = (*joined.get(name, ()), *values)
    return joined


def tenure_of(day, known=EVERYTHING_KNOWN, **facts):
    return tenures(Household("V1", **facts), known).on(on(day)).key


SOLD = together(role("A", "2009-05-01", "2011-06-15"), role("B", "2011-06-16"))


@pytest.mark.case("K27")
@pytest.mark.rule("PAY-16", "OWN-02")
def test_the_buyer_owes_nothing_of_the_sellers():
    charges = (charge("C1", "2011-01-01"), charge("C2", "2011-06-15"), charge("C3", "2011-06-16"))
    home = Household("V1", charges=charges, **SOLD)
    assert credit_on(home, "2011-06-15") == ("B3", 165, 100_00)
    assert credit_on(home, "2011-06-16") == ("A", 0, 0)
    assert credit_on(home, "2011-07-17") == ("B2", 31, 100_00)
    assert arrears(account_of(home, EVERYTHING_KNOWN), on("2011-07-17")) == {
        "first": (197, 200_00, 0),
        "2011-06-16": (31, 100_00, 0),
    }
    facts = facts_of(home, 2011, EVERYTHING_KNOWN)
    assert (facts["charges_due"], facts["overdue_fen"], facts["worst_credit"]) == (1, 100_00, "B4")
    before = Household("V1", charges=charges[:2], **SOLD)
    assert facts_of(before, 2011, EVERYTHING_KNOWN)["worst_credit"] == "A"
    assert facts_of(before, 2011, EVERYTHING_KNOWN)["charges_due"] == 0


@pytest.mark.rule("PAY-16", "OWN-02")
def test_a_tenure_ends_when_no_owner_of_it_is_left():
    assert tenure_of("1999-01-01") == "first"
    for day, key in (
        ("2001-01-01", "first"),
        ("2011-06-15", "first"),
        ("2011-06-16", "2011-06-16"),
    ):
        assert tenure_of(day, **SOLD) == key
    # The last day belongs to who leaves, and days without an owner to the last one.
    one_day = together(role("A", "2009-05-01", "2011-06-16"), role("B", "2011-06-16"))
    assert [tenure_of(f"2011-06-{day}", **one_day) for day in (16, 17)] == ["first", "2011-06-17"]
    gap = together(role("A", "2009-05-01", "2011-06-10"), role("B", "2011-06-16"))
    assert [tenure_of(f"2011-06-{day}", **gap) for day in (15, 16)] == ["first", "2011-06-16"]
    # Who comes while somebody stays joins.
    joined = together(
        role("A", "2009-05-01", "2011-06-16"), role("B", "2011-06-15", name="co_owner")
    )
    assert tenure_of("2012-01-01", **joined) == "first"
    # A transfer not yet known of has not happened.
    late = {"roles": tuple(replace(r, recorded=YEAR_END) for r in role("B", "2011-06-16")["roles"])}
    late = together(role("A", "2009-05-01", "2011-06-15"), late)
    assert tenure_of("2011-12-01", datetime(2011, 12, 1, tzinfo=UTC), **late) == "first"
    assert tenure_of("2011-12-01", **late) == "2011-06-16"


@pytest.mark.rule("PAY-16", "OWN-02")
def test_a_tenant_who_owes_by_contract_has_a_tenure_and_the_owners_rests():
    tenant = role("T", "2011-01-01", "2011-09-30", name="tenant")
    agreed = Agreement("G1", "T", on("2011-02-01"), on("2011-12-31"), EARLY)
    facts = together(SOLD, tenant, {"agreements": (agreed,)})
    days = ("2011-01-31", "2011-02-01", "2011-06-16", "2011-09-30", "2011-10-01")
    assert [tenure_of(day, **facts) for day in days] == [
        "first",
        "tenant-2011-02-01",
        "tenant-2011-02-01",
        "tenant-2011-02-01",
        "2011-06-16",
    ]
    for other in ("S", "U"):
        both = (agreed, replace(agreed, number="G2", member=other))
        for order in (both, both[::-1]):
            home = Household("V1", **(facts | {"agreements": order}))
            day = tenures(home, EVERYTHING_KNOWN).on(on("2011-03-01"))
            assert day.debtors == {max("T", other)}
    released = together(facts, {"releases": (Release("G1", on("2011-03-31"), EARLY),)})
    assert tenure_of("2011-04-01", **released) == "first"
    charges = (
        charge("C1", "2011-05-01"),
        Charge("C2", on("2011-05-01"), 40_00, EARLY, debtor="A"),
    )
    home = Household("V1", charges=charges, **facts)
    assert {
        k: fen for k, (_, fen, _) in arrears(account_of(home, YEAR_END), on("2011-12-31")).items()
    } == {
        "first": 40_00,
        "tenant-2011-02-01": 100_00,
    }


@pytest.mark.rule("PAY-16", "PAY-02")
def test_money_belongs_to_who_paid_it_and_settles_what_it_names():
    charges = (charge("C1", "2011-06-01"), charge("C2", "2011-07-01"))

    def stand(*payments, day="2011-08-01", **facts):
        home = Household("V1", charges=charges, payments=payments, **SOLD, **facts)
        found = statements(account_of(home, EVERYTHING_KNOWN), on(day))
        return [found[key]["balance_fen"] for key in ("first", "2011-06-16")]

    paid = payment("P1", 150_00, "2011-07-10")
    assert stand() == [100_00, 100_00]
    assert stand(paid) == [100_00, -50_00]
    assert stand(replace(paid, payer="A")) == [-50_00, 100_00]
    assert stand(replace(paid, charge="C1")) == [0, 50_00]  # the buyer pays the seller's bill
    assert stand(replace(paid, charge="C2", payer="A")) == [50_00, 0]
    assert stand(replace(paid, payer="X")) == [100_00, -50_00]
    # What a bill does not need stays with whoever paid later; on one day the number says who that is.
    both = (
        replace(paid, charge="C1", payer="A"),
        replace(paid, number="P2", charge="C1", payer="B"),
    )
    assert stand(*both) == [-50_00, -50_00]
    for later in ({"number": "P3"}, {"paid_on": on("2011-07-11")}):
        assert stand(replace(both[0], **later), both[1]) == [-150_00, 50_00]
    refund = Refund(50_00, on("2011-07-20"), EARLY, "A")
    assert stand(replace(paid, payer="A"), refunds=(refund,)) == [0, 100_00]


@pytest.mark.rule("PAY-16")
def test_money_is_of_the_tenure_in_which_its_payer_owes():
    """That of the day, else the latest before it, else the first after it."""
    home = together(SOLD, {"roles": (Role("A", "owner", on("2012-01-01"), EARLY, 3),)})
    home["role_ends"] += (RoleEnd("B", "owner", on("2011-12-31"), EARLY, 2),)
    whose = tenures(Household("V1", **home), EVERYTHING_KNOWN)
    days = ("2011-06-01", "2011-12-01", "2012-01-01", "2013-01-01")
    assert [whose.of("A", on(day)).key for day in days] == [
        "first",
        "first",
        "2012-01-01",
        "2012-01-01",
    ]
    assert {whose.of("B", on(day)).key for day in days} == {"2011-06-16"}
    assert [whose.of(None, on(day)).key for day in days] == [whose.on(on(day)).key for day in days]


# ---------------------------------------------------------------------------------------- properties

START = date(2011, 1, 1)
NUMBERS = ("C1", "C2", "C3", "L1", "C9")


@st.composite
def irregular(draw):
    """A household in which everything happens, whatever sense it makes."""
    days = st.dates(date(2010, 10, 1), date(2011, 6, 30))
    fen = st.integers(1, 12).map(lambda tens: tens * 10_00)
    named = st.sampled_from(NUMBERS)
    members = st.sampled_from([None, "A", "B", "T", "X"])
    known = st.sampled_from([EARLY, YEAR_END])

    def some(fact, most=2):
        return tuple(draw(st.lists(fact, max_size=most)))

    payments = some(
        st.builds(
            Payment,
            number=st.just("P"),
            amount_fen=fen,
            paid_on=days,
            recorded=known,
            charge=st.none() | named,
            payer=members,
        ),
        4,
    )
    payments = tuple(replace(one, number=f"P{n}") for n, one in enumerate(payments))
    if payments and draw(st.booleans()):
        first = payments[0]
        parts = (("C1", first.amount_fen // 2), ("C2", first.amount_fen // 4))
        payments = (replace(first, charge=None, parts=parts), *payments[1:])
    waivers = some(st.builds(Waiver, named, fen, days, known, st.just("W"), st.booleans()))
    waivers = tuple(replace(one, number=f"W{n}") for n, one in enumerate(waivers))
    disputes = some(st.builds(Dispute, st.just("D1"), named, fen, days, known), 1)
    return Household(
        "V1",
        charges=tuple(
            draw(st.builds(Charge, st.just(number), days, fen, known, members))
            for number in ("C1", "C2", "C3")
        ),
        payments=payments,
        reversals=some(st.builds(Reversal, st.sampled_from(["P0", "P1"]), days, known), 1),
        waivers=waivers,
        taken_back=some(st.builds(TakenBack, st.sampled_from(["W0", "W1"]), days, known), 1),
        refunds=some(st.builds(Refund, fen, days, known, members)),
        disputes=disputes,
        dispute_ends=some(
            st.builds(DisputeEnd, st.just("D1"), st.integers(0, 10).map(lambda n: 10_00 * n), days, known), 1
        ),
        late_charges=some(st.builds(LateCharge, st.just("L1"), st.just("C1"), fen, known, days), 1),
        corrections=some(st.builds(Correction, st.just("N1"), st.just("C2"), fen, known), 1),
        cancellations=some(
            st.builds(Cancellation, st.sampled_from(["C3", "L1", "N1"]), known, st.just(1)), 1
        ),
        **(draw(st.sampled_from([{}, SOLD, SOLD_TWICE]))),
    )  # fmt: skip


SOLD_TWICE = together(
    role("A", "2009-05-01", "2011-02-15"),
    role("B", "2011-02-16", "2011-04-01"),
    role("C", "2011-04-01"),
    role("T", "2010-12-01", "2011-03-01", name="tenant"),
    {"agreements": (Agreement("G1", "T", date(2011, 1, 10), None, EARLY),)},
)

KNOWN_AT = st.sampled_from([datetime(2011, 5, 1, tzinfo=UTC), EVERYTHING_KNOWN])
LOOKED_AT = st.dates(date(2010, 9, 30), date(2011, 7, 31))


@pytest.mark.rule("PAY-15", "PAY-16")
@settings(max_examples=300)
@given(irregular(), KNOWN_AT, LOOKED_AT)
def test_no_fen_is_lost(home, known, day):
    """What is due and not given up, less all money, is what is owed less what is credit."""
    account = account_of(home, known)
    every = [standing(account, key, day) for key in account.tenures.all()]
    asked = sum(
        max(0, one.amount_fen - given_up_fen(account, one.number, day, write_off=False))
        for one in account.charges
        if one.due <= day
    )
    money = sum(one.amount_fen for one in account.money if one.counts(day))
    refunded = sum(fen for of_day, fen, _ in account.refunds if of_day <= day)
    given_up = sum(one.written_off_fen for one in every)
    assert sum(one.balance_fen for one in every) == asked - given_up - money + refunded
    for one in every:
        assert min(one.advance_fen, one.debt_fen, one.written_off_fen) >= 0
        assert all(fen > 0 for _, fen in one.ages + one.disputed)


@pytest.mark.rule("PAY-01", "PAY-03")
@settings(max_examples=150)
@given(irregular(), KNOWN_AT, LOOKED_AT, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_to_be_known_never_matters(home, known, day, chance):
    """But for numbers used again, of which there are none here."""

    def shuffled(facts):
        return tuple(chance.sample(facts, len(facts)))

    other = replace(
        home,
        **{
            name: shuffled(getattr(home, name))
            for name in ("charges", "payments", "waivers", "refunds", "corrections", "roles", "role_ends")
        },
    )  # fmt: skip
    assert statements(account_of(other, known), day) == statements(account_of(home, known), day)
    assert credit(other, day, known) == credit(home, day, known)


@settings(max_examples=100)
@given(irregular(), KNOWN_AT, LOOKED_AT)
def test_a_day_without_facts_is_settled_as_the_day_before_it(home, known, day):
    """The only haste of the reference changes nothing."""
    account = account_of(home, known)
    for key in account.tenures.all():
        quick, slow = standing(account, key, day), settle(account, key, day)
        assert quick == slow


@pytest.mark.rule("PAY-16")
@settings(max_examples=100)
@given(irregular(), LOOKED_AT)
def test_what_the_seller_does_with_own_money_never_touches_the_buyer(home, day):
    """The seller's credit settles none of the buyer's charges (PAY-16)."""
    more = Payment("P9", 500_00, START, EARLY, None, (), "A")
    for facts in (SOLD, SOLD_TWICE):
        before = replace(home, **({"agreements": ()} | facts))
        after = replace(before, payments=(*before.payments, more))
        first, second = (
            statements(account_of(one, EVERYTHING_KNOWN), day) for one in (before, after)
        )
        assert {k: v for k, v in first.items() if k != "first"} == {
            k: v for k, v in second.items() if k != "first"
        }


# ------------------------------------------------------------------- GRD-02, what is raised and said


def said(number, source, day, **more):
    more = {"member": "V1-M1", **more}
    return Opinion(number, source, date.fromisoformat(day), EARLY, **more)


def counted(known=EVERYTHING_KNOWN, year=2011, **facts):
    """Matters, and those that are complaints."""
    found = facts_of(Household("V1", **facts), year, known)
    return found["attention"], found["complaints"]


def received(number, kind, day=1, **more):
    return Request(number, kind, datetime(2011, 7, day, 9, tzinfo=ZONE), **more)


def test_praise_suggestions_and_enquiries_are_matters_and_no_complaints():
    kinds = ("repair", "complaint", "enquiry", "suggestion", "praise", "other")
    assert counted(requests=tuple(received(kind, kind) for kind in kinds)) == (5, 1)
    assert counted() == (0, 0)


def test_a_complaint_put_right_later_is_what_it_now_is():
    later = datetime(2012, 1, 8, 9, tzinfo=ZONE)
    requests = (
        received("R1", "complaint", kinds=(("enquiry", later),)),
        received("R2", "enquiry", kinds=(("complaint", later),)),
        received("R3", "complaint", kinds=(("repair", later),)),
        received("R4", "repair", kinds=(("complaint", later), ("praise", later))),
    )
    assert counted(requests=requests) == (3, 1)
    assert counted(requests=requests[1:3]) == (1, 1)
    assert counted(YEAR_END, requests=requests) == (3, 2)


def test_forum_survey_and_meeting_are_matters_of_their_day():
    opinions = (
        said("O1", "forum", "2011-01-01"),
        said("O2", "survey", "2011-12-31"),
        said("O3", "meeting", "2011-06-01"),
        said("O4", "forum", "2010-12-31"),
        said("O5", "survey", "2012-01-01"),
    )
    assert counted(opinions=opinions) == (3, 0)
    assert counted(opinions=opinions, year=2010) == (1, 0)
    assert counted(opinions=opinions, requests=(received("R1", "complaint"),)) == (4, 1)


def test_who_did_not_make_themselves_known_raised_nothing_here():
    opinions = (
        said("O1", "forum", "2011-01-01", member=None),
        said("O2", "survey", "2011-01-01", member=None),
        said("O3", "meeting", "2011-01-01", member=None),
    )
    assert counted(opinions=opinions) == (1, 0)


def test_an_opinion_about_a_request_is_the_same_matter():
    opinions = (
        said("O1", "survey", "2011-08-01", about="R1"),
        said("O2", "forum", "2011-08-01", about="R1"),
    )
    for kind, expected in (("complaint", (1, 1)), ("praise", (1, 0)), ("repair", (1, 0))):
        assert counted(requests=(received("R1", kind),), opinions=opinions) == expected
    # Of last year's complaint nothing is left in this year but the opinions, which are none.
    last_year = (Request("R1", "complaint", datetime(2010, 7, 1, 9, tzinfo=ZONE)),)
    assert counted(requests=last_year, opinions=opinions) == (1, 0)
    assert counted(requests=last_year, opinions=opinions, year=2010) == (1, 1)
    assert counted(opinions=opinions) == (1, 0)


def test_an_opinion_withdrawn_counts_no_more_and_its_number_is_free():
    over = datetime(2012, 1, 8, 9, tzinfo=ZONE)
    facts = {
        "opinions": (said("O1", "forum", "2011-05-01", entered=1),),
        "opinion_withdrawals": (OpinionWithdrawal("O1", over, 2),),
    }
    assert counted(YEAR_END, **facts) == (1, 0)
    assert counted(**facts) == (0, 0)
    facts["opinions"] += (said("O1", "forum", "2011-05-01", entered=3),)
    assert counted(**facts) == (1, 0)


def test_a_matter_is_what_the_request_is_that_stands_for_it():
    marked = datetime(2011, 7, 9, 9, tzinfo=ZONE)
    head = received("R1", "complaint", 5)
    duplicate = received("R2", "enquiry", 1, marks=(("R1", marked),))
    follow_up = received("R3", "enquiry", 6, follows="R1")
    assert counted(requests=(head, duplicate, follow_up)) == (1, 1)
    # The duplicate stands for itself where its head does not count, and so does the follow-up.
    head = received("R1", "repair", 5)
    assert counted(requests=(head, duplicate)) == (1, 0)
    assert counted(requests=(head, replace(duplicate, kind="complaint"))) == (1, 1)
    assert counted(requests=(head, replace(follow_up, kind="complaint"))) == (1, 1)
    # An enquiry that others called a complaint is one enquiry.
    head = received("R1", "enquiry", 5)
    others = tuple(
        received(number, "complaint", marks=(("R1", marked),)) for number in ("R2", "R3", "R4")
    )
    assert counted(requests=(head, *others)) == (1, 0)


def test_a_chain_through_the_neighbours_request_is_one_matter():
    marked = datetime(2011, 7, 9, 9, tzinfo=ZONE)
    here = (
        received("R1", "complaint", marks=(("N1", marked),)),
        received("R3", "complaint"),
        received("R4", "complaint", marks=(("N2", marked),)),
    )
    elsewhere = (
        received("N1", "complaint", marks=(("R3", marked),)),
        received("N2", "complaint"),
    )
    assert counted(requests=here) == (3, 3)
    assert counted(requests=here, elsewhere=elsewhere) == (2, 2)


# -------------------------------------------------------------------- GRD-02, GRD-03, the second policy

PROBLEM = {"attention": 4, "complaints": 4, "conduct": 1, "previous_purchases_fen": 20_000_00}


def second(**facts):
    facts = NOTHING | facts
    return type_from(facts, DEFAULT_2), layer_from(facts, DEFAULT_2)


def test_a_problem_customer_has_all_four_by_the_second_policy():
    assert second(**PROBLEM) == ("problem", "small")
    assert second(**PROBLEM | {"complaints": 3, "attention": 25}) == ("ordinary", "ordinary")
    assert second(**PROBLEM | {"purchases_fen": 7_999_99}) == ("problem", "small")
    assert second(**PROBLEM | {"purchases_fen": 8_000_00}) == ("ordinary", "main")
    assert (
        second(**PROBLEM | {"conduct": 0, "worst_credit": "B2", "b2_entries": 1})[0] == "ordinary"
    )
    assert second(**PROBLEM | {"conduct": 0, "worst_credit": "B2", "b2_entries": 2})[0] == "problem"
    assert second(**PROBLEM | {"conduct": 0, "worst_credit": "B3"})[0] == "problem"
    assert second(**PROBLEM | {"interests": 1}) == ("lively", "ordinary")
    assert second(**PROBLEM | {"purchases_fen": 1, "previous_purchases_fen": 0})[0] == "lively"
    assert type_from(NOTHING | PROBLEM | {"complaints": 0}, DEFAULT_1) == "problem"


@pytest.mark.case("K33")
def test_a_good_fact_never_costs_a_layer():
    bought = {"purchases_fen": 9_000_00, "previous_purchases_fen": 8_900_00}
    assert second(**bought) == ("ordinary", "main")
    assert second(**bought, interests=1) == ("cautious", "main")
    assert layer_from(NOTHING | bought | {"interests": 1}, DEFAULT_1) == "ordinary"
    assert layer_from(NOTHING | bought | {"interests": 1}, MONOTONE_1) == "main"
    # With 8,799.99 it is an ordinary customer's main amount, and the prospect is limited.
    assert second(purchases_fen=8_800_00, previous_purchases_fen=8_000_00) == ("cautious", "main")
    assert second(purchases_fen=8_799_99, previous_purchases_fen=8_000_00) == ("ordinary", "main")
    # Whoever bought less than 7,272.73 the year before was never an ordinary customer with 8,000.
    less = {"purchases_fen": 9_999_99, "previous_purchases_fen": 7_272_72}
    assert second(**less) == ("cautious", "ordinary")
    assert second(**less | {"previous_purchases_fen": 7_272_73}) == ("cautious", "main")
    # The same one layer up.
    more = {"purchases_fen": 19_999_99, "previous_purchases_fen": 14_545_45}
    assert second(**more) == ("cautious", "main")
    assert second(**more | {"previous_purchases_fen": 14_545_46}) == ("cautious", "important")


def test_ten_and_twenty_thousand_decide_as_they_stand():
    for fen_bought, layer in (
        (9_999_99, "ordinary"),
        (10_000_00, "main"),
        (19_999_99, "main"),
        (20_000_00, "important"),
    ):
        assert second(purchases_fen=fen_bought) == ("cautious", layer)


RANK = ("small", "ordinary", "main", "important")


@settings(max_examples=500)
@given(as_they_can_be(), st.integers(1, 10_000_00), st.integers(1, 5))
def test_more_of_what_is_good_never_lowers_by_the_second_policy(facts, more_fen, more):
    def layer(**changes):
        return layer_from(facts | changes, DEFAULT_2)

    if facts["charges_due"] == 0:
        assert layer() == "insufficient"
        return
    rank = RANK.index(layer())
    assert RANK.index(layer(purchases_fen=facts["purchases_fen"] + more_fen)) >= rank
    assert RANK.index(layer(interests=facts["interests"] + more)) >= rank
    # Praise and suggestions are matters, and no complaints.
    assert RANK.index(layer(attention=facts["attention"] + more)) >= rank
    both = {"attention": facts["attention"] + more, "interests": facts["interests"] + more}
    assert RANK.index(layer(**both)) >= rank


@settings(max_examples=100, deadline=None)
@given(as_they_can_be(most_fen=2_100_00))
def test_trying_every_amount_finds_what_trying_the_turns_finds(facts):
    """Everything a hundredth as large, so that every fen below can be tried."""
    import reference_grader as reference

    with pytest.MonkeyPatch.context() as patch:
        for name in ("IMPORTANT_FROM", "MAIN_FROM"):
            smaller = {kind: fen // 100 for kind, fen in getattr(reference, name).items()}
            patch.setattr(reference, name, smaller)
        facts["purchases_fen"] = min(facts["purchases_fen"] // 100, 215_00)
        facts["previous_purchases_fen"] //= 100
        tried = {
            layer_by_amounts(facts | {"purchases_fen": fen, "interests": interests}, DEFAULT_2)
            for fen in range(-2, facts["purchases_fen"] + 1)
            for interests in {0, facts["interests"]}
        }
        own = layer_by_amounts(facts, DEFAULT_2)
        expected = next((one for one in ("important", "main") if one in tried), own)
        assert layer_from(facts, DEFAULT_2) == expected


def test_the_first_policy_counts_no_complaints_and_stays():
    facts = NOTHING | PROBLEM | {"purchases_fen": 50_000_00, "previous_purchases_fen": 50_000_00}
    household = Household("V1")
    assert grading_from(household, facts) == grading_from(household, facts, DEFAULT_2)
    assert grading_from(household, facts, DEFAULT_1)["layer"] == "small"
    assert grading_from(household, facts, DEFAULT_1)["type"] == "problem"
    assert grading_from(household, facts, MONOTONE_1)["layer"] == "small"
    assert grading_from(household, facts, DEFAULT_2)["layer"] == "important"
    assert grading_from(household, facts, DEFAULT_2)["status"] == "awaiting_confirmation"


def test_opinions_are_read_from_a_file_of_their_own(tmp_path):
    files = {
        "households": "household\nV1\n",
        "charges": "charge,household,amount,due\nC1,V1,100.00,2011-12-31\n",
        "requests": "request,household,kind,received_at\nR1,V1,repair,2011-05-01T09:00:00+08:00\n",
        "opinions": "opinion,household,source,member,on,about,recorded\n"
        "O1,V1,survey,V1-M1,2011-05-03,R1,\n"
        "O2,V1,forum,,2011-05-03,,\n"
        "O3,V1,meeting,V1-M1,2011-05-03,,2012-01-05T10:00:00+08:00\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    assert grade_estate(tmp_path, 2011)[0]["attention"] == 2
    then = instant("2012-01-05T09:59:59+08:00")
    assert grade_estate(tmp_path, 2011, then, DEFAULT_2)[0]["attention"] == 1
