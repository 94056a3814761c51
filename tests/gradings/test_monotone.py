"""A good fact never lowers a layer: by grids, by facts as they can be, and by whole logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings import Facts, GradingPolicy, assess
from crm_core.gradings.criteria import layer_and_type
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.word import Word
from crm_core.owners.commands import RecordInterest
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.requests.commands import ReceiveRequest
from crm_core.slices import shipped
from crm_core.testing.strategies import Estate, estates, play
from crm_core.testing.strategies.gradings import facts
from estate import DEFAULT, LAYERS, OWNER, changed, complain, crm, do, home, of, policy_text

__all__ = ["crm"]

FIRST = shipped().find(GradingPolicy, "grade-cn-default/1", date(2011, 12, 31))

_ROWS = (
    """
[[layer]]
outcome = "important"
when = [
    { fact = "credit", op = "no_worse_than", threshold = "A" },
    { fact = "worst_credit", op = "no_worse_than", threshold = "B1" },
    { fact = "type", op = "one_of", threshold = ["cautious"] },
    { fact = "purchases_fen", op = "at_least", threshold = 1_600_000 },
    { fact = "previous_purchases_fen", op = "at_least", threshold = 1_454_546 },
]
""",
    """
[[layer]]
outcome = "main"
when = [
    { fact = "credit", op = "no_worse_than", threshold = "A" },
    { fact = "type", op = "one_of", threshold = ["cautious"] },
    { fact = "purchases_fen", op = "at_least", threshold = 800_000 },
    { fact = "previous_purchases_fen", op = "at_least", threshold = 727_273 },
]
""",
)


def _by_the_letter() -> GradingPolicy:
    """The default without the two rows: 10,000 and 20,000 yuan decide about every cautious one."""
    text = policy_text()
    for row in _ROWS:
        text = changed(text, row, "")
    return GradingPolicy.parse(text)


LETTER = _by_the_letter()

# --- a grid around every edge ------------------------------------------------------------------

EDGES = (800_000, 1_000_000, 1_600_000, 2_000_000)
PURCHASES = tuple(
    sorted(
        {-1, 0, 1, 900_000, 1_760_000, 3_000_000}
        | {edge + beside for edge in EDGES for beside in (-1, 0, 1)}
        | {-(-edge * 110 // 100) + beside for edge in EDGES for beside in (-1, 0)}
    )
)
PREVIOUS = tuple(
    sorted(
        {-1, 0, 1, 3_000_000}
        # One fen more and the purchases have not grown by a tenth.
        | {fen * 100 // 110 + beside for fen in PURCHASES if fen > 1 for beside in (0, 1)}
    )
)
MATTERS = ((0, 0), (1, 0), (1, 1), (3, 0), (3, 3), (4, 0), (4, 3), (4, 4), (5, 4), (5, 5))
"""Attention, and complaints among it."""
PRAISED = tuple(
    (less, more)
    for less, more in product(MATTERS, MATTERS)
    if less[1] == more[1] and less[0] < more[0]
)
"""More matters, and as many complaints."""

DEALT = tuple(
    {"credit": credit, "worst_credit": worst, "b2_entries": entered, "conduct": conduct}
    for credit, worst, entered, conduct in (
        ("A", "A", 0, 0),
        ("A", "A", 0, 1),
        ("A", "B1", 0, 0),
        ("B1", "B1", 0, 0),
        ("B1", "B1", 0, 1),
        ("A", "B2", 1, 0),
        ("A", "B2", 2, 0),
        ("B1", "B2", 2, 0),
        ("A", "B3", 1, 0),
        ("B2", "B2", 1, 0),
        ("B3", "B3", 1, 0),
    )
)


def seen(dealt: dict[str, Any], **others: int) -> Facts:
    overdue = int(dealt["credit"] != "A")
    return Facts(charges_due=1, overdue_days=overdue, overdue_fen=overdue, **dealt, **others)


Column = dict[tuple[int, int, int, int], tuple[int, str]]
"""Rank of the layer, and type, by attention, complaints, interests and purchases."""


def columns(policy: GradingPolicy) -> Iterator[Column]:
    """The grid, for each way of dealing and each amount of the year before."""
    for dealt, previous in product(DEALT, PREVIOUS):
        column: Column = {}
        for (matters, complaints), kept, fen in product(MATTERS, (0, 1), PURCHASES):
            one = seen(
                dealt,
                attention=matters,
                complaints=complaints,
                interests=kept,
                previous_purchases_fen=previous,
                purchases_fen=fen,
            )
            layer, kind = layer_and_type(one, policy)
            column[matters, complaints, kept, fen] = (LAYERS.index(layer), kind)
        yield column


def lowered(policy: GradingPolicy) -> set[str]:
    """Which good facts cost a layer somewhere on the grid."""
    found = set()
    for column in columns(policy):
        for (matters, complaints), kept in product(MATTERS, (0, 1)):
            ranks = [column[matters, complaints, kept, fen][0] for fen in PURCHASES]
            if any(more > less for less, more in pairwise(ranks)):
                found.add("purchases")
        for (matters, complaints), fen in product(MATTERS, PURCHASES):
            without, kept_one = (column[matters, complaints, n, fen][0] for n in (0, 1))
            if kept_one > without:
                found.add("interests")
        for (less, more), kept, fen in product(PRAISED, (0, 1), PURCHASES):
            before, after = column[*less, kept, fen], column[*more, kept, fen]
            if after[0] > before[0]:
                found.add("praise")
            if after[1] == "problem" != before[1]:
                found.add("praise makes a problem customer")
    return found


@pytest.mark.rule("GRD-15", "GRD-02", "GRD-03")
def test_on_the_whole_grid_no_good_fact_lowers_a_layer() -> None:
    assert lowered(DEFAULT) == set()


@pytest.mark.rule("GRD-15")
def test_the_grid_finds_what_was_wrong_with_the_tables_before() -> None:
    """Otherwise it would say nothing about this one."""
    praise = {"praise", "praise makes a problem customer"}
    monotone = shipped().find(GradingPolicy, "grade-cn-monotone", date(2011, 12, 31))
    assert lowered(FIRST) == {"purchases", "interests", *praise}
    assert lowered(monotone) == praise
    assert lowered(LETTER) == {"purchases", "interests"}


@pytest.mark.rule("GRD-15", "GRD-03")
def test_the_two_rows_give_what_less_of_a_good_fact_would_have_given_and_nothing_else() -> None:
    """10,000 and 20,000 decide as they stand but there: neither a row too few nor one too many."""
    for letter, ours in zip(columns(LETTER), columns(DEFAULT), strict=True):
        for matters, complaints in MATTERS:
            best_so_far = [len(LAYERS), len(LAYERS)]
            for fen in PURCHASES:
                for kept in (0, 1):
                    rank, kind = letter[matters, complaints, kept, fen]
                    best_so_far[kept] = min(rank, *best_so_far[: kept + 1])
                    assert ours[matters, complaints, kept, fen] == (best_so_far[kept], kind)


# --- facts as they can be ----------------------------------------------------------------------


def rank(one: Facts, policy: GradingPolicy = DEFAULT) -> int:
    return LAYERS.index(assess(one, policy).layer)


def charged(one: Facts) -> Facts:
    return evolve(one, charges_due=max(one.charges_due, 1))


MORE = st.one_of(
    st.builds(dict, purchases_fen=st.sampled_from([1, 350_00]) | st.integers(1, 30_000_00)),
    st.builds(dict, attention=st.integers(1, 5)),
    st.just({"interests": 1}),
    st.builds(
        dict,
        purchases_fen=st.integers(0, 9_000_00),
        attention=st.integers(0, 5),
        interests=st.integers(0, 2),
    ),
)


@pytest.mark.rule("GRD-15", "GRD-03")
@settings(max_examples=1_000)
@given(facts(), MORE)
def test_more_purchases_praise_suggestions_or_interests_never_lower_a_layer(
    one: Facts, more: dict[str, int]
) -> None:
    one = charged(one)
    better = evolve(one, **{name: getattr(one, name) + by for name, by in more.items()})
    assert rank(better) <= rank(one)
    if assess(one, DEFAULT).type != "problem":
        assert assess(better, DEFAULT).type != "problem"


@pytest.mark.rule("GRD-15", "GRD-03")
@settings(max_examples=500)
@given(facts(), facts())
def test_better_credit_never_lowers_a_layer(one: Facts, other: Facts) -> None:
    """Each of what says that promises were kept, from any facts to any that are better in it."""
    one = charged(one)
    grades = ("A", "B1", "B2", "B3", "B4", "B5")
    better = evolve(
        one,
        credit=min(one.credit, other.credit, key=grades.index),
        worst_credit=min(one.worst_credit, other.worst_credit, key=grades.index),
        b2_entries=min(one.b2_entries, other.b2_entries),
        conduct=min(one.conduct, other.conduct),
    )
    assert rank(better) <= rank(one)
    assert (assess(better, DEFAULT).type == "problem") <= (assess(one, DEFAULT).type == "problem")


@pytest.mark.rule("GRD-15", "GRD-02")
@settings(max_examples=300)
@given(facts(), st.integers(0, 1_000))
def test_complaints_alone_make_nobody_a_problem_and_take_no_layer(one: Facts, more: int) -> None:
    """Without a hard fact; with one they can, which is the rule."""
    one = charged(evolve(one, worst_credit="B2", b2_entries=1, conduct=0))
    angry = evolve(one, attention=one.attention + more, complaints=one.complaints + more)
    assert assess(angry, DEFAULT).type != "problem"
    assert rank(angry) <= rank(one)


@pytest.mark.rule("GRD-15", "GRD-02")
@settings(max_examples=500)
@given(facts(), st.integers(0, 1_000))
def test_whatever_is_praised_or_suggested_three_complaints_make_nobody_a_problem(
    one: Facts, praised: int
) -> None:
    calm = evolve(one, complaints=min(one.complaints, 3), attention=one.attention + praised)
    assert assess(calm, DEFAULT).type != "problem"


@pytest.mark.rule("GRD-02", "GRD-03", "GRD-15")
@settings(max_examples=500)
@given(facts())
def test_nobody_is_worse_off_than_by_version_1(one: Facts) -> None:
    one = charged(one)
    before, now = assess(one, FIRST), assess(one, DEFAULT)
    assert rank(one) <= rank(one, FIRST)
    if before.type != now.type:
        assert (before.type, now.type) == ("problem", "ordinary")
        assert one.complaints < 4 or one.purchases_fen >= 8_000_00
    elif before.layer != now.layer:
        least = {"main": 8_000_00, "important": 16_000_00}[now.layer]
        fewer = assess(evolve(one, purchases_fen=least, interests=0), FIRST)
        assert (before.type, fewer.type, fewer.layer) == ("cautious", "ordinary", now.layer)


# --- thresholds --------------------------------------------------------------------------------

CLEAN = seen(
    DEALT[0], attention=0, complaints=0, interests=0, previous_purchases_fen=0, purchases_fen=0
)
FALLING = {"previous_purchases_fen": 100_000_00}
LIVELY = {"attention": 4, "interests": 1}
CAUTIOUS = {"interests": 1}


@pytest.mark.rule("GRD-03")
@pytest.mark.parametrize(
    ("others", "fact", "threshold", "at", "below"),
    [
        (FALLING, "purchases_fen", 8_000_00, "main", "ordinary"),
        (LIVELY, "purchases_fen", 8_000_00, "main", "ordinary"),
        (CAUTIOUS, "purchases_fen", 10_000_00, "main", "ordinary"),
        (FALLING, "purchases_fen", 16_000_00, "important", "main"),
        (LIVELY, "purchases_fen", 16_000_00, "important", "main"),
        (CAUTIOUS, "purchases_fen", 20_000_00, "important", "main"),
        (FALLING, "purchases_fen", 1, "ordinary", "small"),
        (CAUTIOUS, "purchases_fen", 1, "ordinary", "small"),
        (FALLING, "attention", 1, "ordinary", "small"),
        # The rows that keep a cautious customer where fewer purchases would be.
        ({**CAUTIOUS, **FALLING}, "purchases_fen", 8_000_00, "main", "ordinary"),
        ({**CAUTIOUS, **FALLING}, "purchases_fen", 16_000_00, "important", "main"),
        ({"purchases_fen": 9_999_99}, "previous_purchases_fen", 7_272_73, "main", "ordinary"),
        ({"purchases_fen": 19_999_99}, "previous_purchases_fen", 14_545_46, "important", "main"),
    ],
)
def test_at_each_threshold_it_is_reached_and_one_below_it_is_not(
    others: dict[str, int], fact: str, threshold: int, at: str, below: str
) -> None:
    """ "Or more" includes the amount itself, to the fen."""
    reached = evolve(CLEAN, **others, **{fact: threshold})
    missed = evolve(CLEAN, **others, **{fact: threshold - 1})
    assert (assess(reached, DEFAULT).layer, assess(missed, DEFAULT).layer) == (at, below)


@pytest.mark.rule("GRD-02")
@pytest.mark.parametrize(
    ("others", "fact", "threshold", "at", "below"),
    [
        (CAUTIOUS, "attention", 4, "lively", "cautious"),
        ({"attention": 9, "conduct": 1}, "complaints", 4, "problem", "ordinary"),
        ({"attention": 4, "complaints": 4}, "conduct", 1, "problem", "ordinary"),
        ({"attention": 4, "complaints": 4}, "b2_entries", 2, "problem", "ordinary"),
        (
            {"attention": 4, "complaints": 4, "conduct": 1, **FALLING},
            "purchases_fen",
            8_000_00,
            "ordinary",
            "problem",
        ),
        ({}, "purchases_fen", 1, "cautious", "ordinary"),
        ({"previous_purchases_fen": 8_000_00}, "purchases_fen", 8_800_00, "cautious", "ordinary"),
        ({"previous_purchases_fen": 99}, "purchases_fen", 109, "cautious", "ordinary"),
        ({}, "interests", 1, "cautious", "ordinary"),
    ],
)
def test_at_each_threshold_of_a_type_it_is_reached_and_one_below_it_is_not(
    others: dict[str, int], fact: str, threshold: int, at: str, below: str
) -> None:
    reached = evolve(CLEAN, **others, **{fact: threshold})
    missed = evolve(CLEAN, **others, **{fact: threshold - 1})
    assert (assess(reached, DEFAULT).type, assess(missed, DEFAULT).type) == (at, below)


# --- whole histories ---------------------------------------------------------------------------


@frozen
class Good:
    """One good thing more for a household, as it is recorded.

    Args:
        named: Whether the payment names its charge.
    """

    kind: str
    day: int
    fen: int
    named: bool

    def command(self, crm: CRM, household: str, year: int) -> Any:
        on = date(year, 1, 1) + timedelta(days=self.day)
        if self.kind == "purchase":
            return RecordPurchase(household, "good", "cleaning", self.fen, on)
        if self.kind == "interest":
            number = household.removeprefix("V")
            return RecordInterest(
                household, "gym", on, Word(f"resident-{number}", "phone", "call-7")
            )
        if self.kind == "payment":
            due = [
                e.event
                for e in crm.history(f"account/{household}")
                if e.name == "payments.charge_raised/1" and e.event.due.year == year
            ]
            if not due:
                return None
            charge = due[self.day % len(due)]
            named = {"charge": charge.charge, "charge_follows": True} if self.named else {}
            fen = charge.amount_fen
            return ReceivePayment(household, "good", fen, charge.due, "transfer", **named)
        at = parse_instant(f"{on}T10:00:00+08:00")
        return ReceiveRequest(
            "good", household, "app", self.kind, "cleaning", "general", "", at, "S1"
        )


GOOD = st.builds(
    Good,
    st.sampled_from(["purchase", "praise", "suggestion", "interest", "payment"]),
    st.integers(0, 364),
    st.sampled_from([1, 350_00, 1_000_00, 2_000_00]) | st.integers(1, 20_000_00),
    st.booleans(),
)
BOUGHT = st.sampled_from([0, 7_999_99, 8_000_00, 8_900_00, 9_000_00, 15_999_99, 16_000_00])
BEFORE = st.sampled_from([0, 7_272_72, 7_272_73, 8_500_00, 8_900_00, 14_545_46, 15_000_00])
LATER = parse_instant("2020-01-05T10:00:00+08:00")


@pytest.mark.rule("GRD-15", "GRD-02", "GRD-03")
@settings(max_examples=60)
@given(estates(2011, households_max=2), st.lists(BOUGHT), st.lists(BEFORE), st.booleans(), GOOD)
def test_one_good_thing_more_never_costs_a_layer(
    estate: Estate, bought: list[int], before: list[int], complains: bool, good: Good
) -> None:
    """A purchase, praise, a suggestion, an interest with consent, a payment on the due day.

    What is added is known last, so that everything else is recorded as it was. Arrears are another
    matter where a payment parts one time at B2 or worse into two: see below.
    """
    with open_crm("memory:") as crm:
        play(crm, estate)
        for number, household in enumerate(estate.households):
            do(crm, RaiseCharge(household, "due", "parking", "x", 1, date(2011, 1, 1)))
            do(crm, ReceivePayment(household, "paid", 10_000_00, date(2009, 1, 1), "cash"))
            for year, some in ((2010, before), (2011, bought)):
                if number < len(some) and some[number]:
                    on = date(year, 6, 1)
                    do(crm, RecordPurchase(household, f"B-{year}", "x", some[number], on))
            if complains:
                do(crm, *(complain(f"angry-{household}-{n}", household) for n in range(4)))
        one = estate.households[0]
        then = crm.grade(2011)
        command = good.command(crm, one, 2011)
        if command is None:
            return
        do(crm, command, at=LATER)
        now = crm.grade(2011)
    for household in estate.households:
        was, is_now = of(then, household), of(now, household)
        if household != one:
            assert (was.facts, was.outcome) == (is_now.facts, is_now.outcome)
        elif is_now.facts.b2_entries <= was.facts.b2_entries or good.kind != "payment":
            assert rank(is_now.facts) <= rank(was.facts)
            assert (is_now.outcome.type == "problem") <= (was.outcome.type == "problem")


def _in_arrears(crm: CRM, *, in_time: bool) -> None:
    """Three charges paid late, one after the other; or the second of them on its due day."""
    home(crm, "V1")
    do(crm, *(complain(f"R{n}") for n in range(4)))
    second = date(2011, 8, 15)
    for charge, due, paid in (
        ("L1", date(2011, 8, 10), date(2011, 9, 20)),
        ("L2", second, second if in_time else date(2011, 10, 31)),
        ("L3", date(2011, 9, 10), date(2011, 11, 10)),
    ):
        do(crm, RaiseCharge("V1", charge, "parking", charge, 100, due))
        do(crm, ReceivePayment("V1", f"P-{charge}", 100, paid, "cash", charge))


@pytest.mark.rule("GRD-02", "GRD-15")
def test_a_charge_paid_in_time_can_make_two_times_at_b2_of_one() -> None:
    """The words of GRD-02 against those of GRD-15, for the owner of the rules (decision 0042).

    A day at B2 or worse after a day better than B2 is an entry: paid in time, the second charge
    leaves better days between the first and the third. No row of a table can tell.
    """
    told = {}
    for in_time in (False, True):
        with open_crm("memory:") as crm:
            _in_arrears(crm, in_time=in_time)
            grading = of(crm.grade(2011))
            told[in_time] = (
                grading.facts.worst_credit,
                grading.facts.b2_entries,
                grading.outcome.type,
                grading.outcome.layer,
            )
    assert told == {False: ("B2", 1, "ordinary", "ordinary"), True: ("B2", 2, "problem", "small")}


# --- K33 ---------------------------------------------------------------------------------------

CONSENT = Word(OWNER.id, "phone", "call-7")


def _buys(crm: CRM, before: int, now: int, *, interest: bool) -> None:
    home(crm, "V1", buys=now)
    if before:
        do(crm, RecordPurchase("V1", "B0", "cleaning", before, date(2010, 6, 1)))
    if interest:
        do(crm, RecordInterest("V1", "gym", date(2011, 9, 1), CONSENT))


def _layers(crm: CRM) -> dict[str, tuple[str, str]]:
    found = {}
    for policy in ("grade-cn-default", "grade-cn-default/1"):
        outcome = of(crm.grade(2011, policy=policy)).outcome
        found[policy] = (outcome.type, outcome.layer)
    return found


@pytest.mark.case("K33")
@pytest.mark.rule("GRD-15", "GRD-03")
def test_whoever_consents_to_an_interest_stays_in_the_layer_main(crm: CRM) -> None:
    _buys(crm, 8_900_00, 9_000_00, interest=False)
    assert _layers(crm)["grade-cn-default"] == ("ordinary", "main")
    do(crm, RecordInterest("V1", "gym", date(2011, 9, 1), CONSENT))
    assert _layers(crm) == {
        "grade-cn-default": ("cautious", "main"),
        "grade-cn-default/1": ("cautious", "ordinary"),
    }


@pytest.mark.case("K33")
@pytest.mark.rule("GRD-15", "GRD-03")
@pytest.mark.parametrize(
    ("before", "now", "interest", "layer", "by_version_1"),
    [
        # An interest, at the edges of the amount and of the year before.
        (8_900_00, 8_000_00, True, "main", "ordinary"),
        (8_900_00, 7_999_99, True, "ordinary", "ordinary"),
        (7_272_73, 8_000_00, True, "main", "ordinary"),
        (8_900_00, 10_000_00, True, "main", "main"),
        (15_500_00, 16_000_00, True, "important", "main"),
        (15_500_00, 15_999_99, True, "main", "main"),
        (14_545_46, 16_000_00, True, "important", "main"),
        (18_500_00, 20_000_00, True, "important", "important"),
        # Purchases that grow by a tenth, without an interest.
        (8_900_00, 9_789_99, False, "main", "main"),
        (8_900_00, 9_790_00, False, "main", "ordinary"),
        (7_272_73, 8_000_01, False, "main", "ordinary"),
        (15_000_00, 16_499_99, False, "important", "important"),
        (15_000_00, 16_500_00, False, "important", "main"),
        (14_545_46, 16_000_01, False, "important", "main"),
        # Who would not have been there with fewer purchases or without the interest is not.
        (0, 9_000_00, True, "ordinary", "ordinary"),
        (0, 9_000_00, False, "ordinary", "ordinary"),
        (7_272_72, 9_000_00, True, "ordinary", "ordinary"),
        (7_272_72, 8_000_00, False, "ordinary", "ordinary"),
        (14_545_45, 19_000_00, True, "main", "main"),
    ],
)
def test_a_good_fact_that_lowered_a_layer_keeps_it(
    crm: CRM, before: int, now: int, interest: bool, layer: str, by_version_1: str
) -> None:
    _buys(crm, before, now, interest=interest)
    found = {policy: layer for policy, (_, layer) in _layers(crm).items()}
    assert found == {"grade-cn-default": layer, "grade-cn-default/1": by_version_1}


@pytest.mark.case("K33")
@pytest.mark.rule("GRD-15", "GRD-03")
def test_buying_on_and_on_never_costs_a_layer(crm: CRM) -> None:
    """From 7,900 yuan to 20,100 in steps of a hundred, and the year before at 8,900 and 15,000."""
    for number, before in enumerate((8_900_00, 15_000_00)):
        household = f"V{number + 1}"
        home(crm, household, buys=7_900_00)
        do(crm, RecordPurchase(household, "B0", "cleaning", before, date(2010, 6, 1)))
    ranks: dict[str, list[int]] = {"V1": [], "V2": []}
    for step in range(62):
        run = crm.grade(2011)
        for household, found in ranks.items():
            found.append(LAYERS.index(of(run, household).outcome.layer))
            do(crm, RecordPurchase(household, f"S{step}", "x", 200_00, date(2011, 7, 1)))
    for found in ranks.values():
        assert found == sorted(found, reverse=True)
        assert {*found} == {0, 1, 2}


@pytest.mark.case("K33")
@pytest.mark.rule("GRD-07", "GRD-15")
def test_it_is_explained_by_the_year_before_and_what_would_lose_it_is_true(crm: CRM) -> None:
    _buys(crm, 8_900_00, 9_000_00, interest=True)
    crm.grade(2011)
    told = crm.explain("V1", 2011)
    assert [c["fact"] for c in told["decisive"]] == [
        "credit", "type", "purchases_fen", "previous_purchases_fen"
    ]  # fmt: skip
    ways = {
        (*(c["fact"] for c in way["changes"]), *(c["to"] for c in way["changes"])): way["layer"]
        for way in told["counterfactuals"]
    }
    assert ways == {
        ("purchases_fen", 20_000_00): "important",
        ("purchases_fen", 7_999_99): "ordinary",
        ("previous_purchases_fen", 7_272_72): "ordinary",
    }


# --- praise and complaints through the log -----------------------------------------------------


@pytest.mark.case("K33")
@pytest.mark.rule("GRD-02", "GRD-15")
@pytest.mark.parametrize(("kind", "problem"), [("praise", False), ("complaint", True)])
@pytest.mark.parametrize("policy", ["grade-cn-default", "grade-cn-default/1"])
def test_four_messages_of_praise_make_no_problem_customer(
    crm: CRM, kind: str, problem: bool, policy: str
) -> None:
    """Beside a hard fact; by version 1 any four matters did."""
    home(crm, "V1", pays=None)
    do(crm, ReceivePayment("V1", "P", 600, date(2011, 11, 1), "cash"))
    do(crm, *(evolve(complain(f"R{n}"), kind=kind) for n in range(4)))
    grading = of(crm.grade(2011, policy=policy))
    assert (grading.facts.worst_credit, grading.facts.attention) == ("B4", 4)
    found = (grading.outcome.type, grading.outcome.layer)
    by_1 = policy.endswith("/1")
    assert found == (("problem", "small") if problem or by_1 else ("ordinary", "ordinary"))
