"""The reference grader itself, against cases worked out by hand."""

import json
from datetime import UTC, date, datetime

import pytest

from reference_grader import (
    EVERYTHING_KNOWN,
    ZONE,
    Charge,
    Dispute,
    DisputeEnd,
    Household,
    LateCharge,
    Payment,
    Purchase,
    Refund,
    Request,
    Reversal,
    Waiver,
    credit,
    fen,
    grade,
    grade_estate,
    grade_for_days,
    late_charge_fen,
    main,
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


def graded(known=EVERYTHING_KNOWN, year=2011, **facts):
    facts.setdefault("charges", (charge("C0", "2011-12-31"),))
    return grade(Household("V1", **facts), year, known)


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
        refunds=(Refund(150_00, date(2011, 1, 15), EARLY),),
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
    assert graded(interests=1)["type"] == "cautious"
    assert graded(interests=1, requests=raised(4))["type"] == "lively"


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
    assert graded(requests=raised(4), confirmed_conduct=1)["type"] == "problem"


def test_a_problem_customer_is_small_whatever_was_bought():
    purchases = (bought(50_000_00), bought(50_000_00, "2010-06-01"))
    assert graded(requests=raised(4), purchases=purchases)["layer"] == "important"
    problem = graded(requests=raised(4), purchases=purchases, confirmed_conduct=1)
    assert (problem["type"], problem["credit"], problem["layer"]) == ("problem", "A", "small")


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
