"""When a household changed hands, and whose dealings those of a day are (PAY-16, OWN-02)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core import Personal
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.voiding import standing
from crm_core.owners import HOUSEHOLD, Household
from crm_core.owners.events import DebtorAgreed, DebtorReleased, MemberAdded, RoleEnded
from crm_core.owners.facts import VOIDS
from crm_core.owners.tenures import tenures, tenures_of
from crm_core.testing import History, histories
from crm_core.testing.strategies import owner_commands, owner_openings


def day(text: str) -> date:
    return date.fromisoformat(text)


def joins(member: str, since: str, role: str = "owner") -> MemberAdded:
    name = Personal(member, "somebody")
    return MemberAdded("V1", member, role, day(since), name, None, "phone", "person")


def leaves(member: str, until: str, role: str = "owner") -> RoleEnded:
    return RoleEnded("V1", member, role, day(until), "sold", "phone")


def lets(agreement: str, member: str, since: str, until: str | None = None) -> DebtorAgreed:
    last = None if until is None else day(until)
    return DebtorAgreed("V1", agreement, member, day(since), last, "lease")


def told(found: Tenures) -> list[tuple[str, str]]:
    """First days of spans with the keys of their tenures."""
    return [
        ("" if span.first == date.min else span.first.isoformat(), found.every[span.tenure].key)
        for span in found.spans
    ]


A, LEFT = joins("A", "2000-01-01"), leaves("A", "2011-06-15")


@pytest.mark.rule("PAY-16", "OWN-02")
@pytest.mark.case("K27")
@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], [("", "first")]),
        ([A], [("", "first")]),
        ([A, LEFT], [("", "first")]),
        # The last day belongs to who leaves, whether the next one comes on it or behind it.
        ([A, LEFT, joins("B", "2011-06-16")], [("", "first"), ("2011-06-16", "2011-06-16")]),
        ([A, LEFT, joins("B", "2011-06-15")], [("", "first"), ("2011-06-16", "2011-06-16")]),
        # Days without an owner are the last one's.
        ([A, LEFT, joins("B", "2011-09-01")], [("", "first"), ("2011-09-01", "2011-09-01")]),
        # Adding a co-owner wipes nothing, even if the others leave then.
        ([A, joins("B", "2011-03-01", "co_owner")], [("", "first")]),
        ([A, joins("B", "2011-03-01", "co_owner"), LEFT], [("", "first")]),
        ([A, joins("B", "2011-06-14"), LEFT], [("", "first")]),
        (
            [
                A,
                joins("B", "2011-03-01", "co_owner"),
                LEFT,
                leaves("B", "2011-08-31", "co_owner"),
                joins("C", "2011-09-01"),
            ],
            [("", "first"), ("2011-09-01", "2011-09-01")],
        ),
        # Twice in a year.
        (
            [
                A,
                LEFT,
                joins("B", "2011-06-16"),
                leaves("B", "2011-11-30"),
                joins("C", "2011-12-01"),
            ],
            [("", "first"), ("2011-06-16", "2011-06-16"), ("2011-12-01", "2011-12-01")],
        ),
        # Sold and bought back is sold.
        (
            [
                A,
                LEFT,
                joins("B", "2011-06-16"),
                leaves("B", "2011-11-30"),
                joins("A", "2011-12-01"),
            ],
            [("", "first"), ("2011-06-16", "2011-06-16"), ("2011-12-01", "2011-12-01")],
        ),
        # Who changes only the role stays.
        ([A, LEFT, joins("A", "2011-06-16", "co_owner")], [("", "first")]),
        # Who lives there owns nothing.
        (
            [A, joins("T", "2011-01-01", "tenant"), joins("F", "2011-01-01", "family_member")],
            [("", "first")],
        ),
    ],
)
def test_a_tenure_begins_when_no_owner_of_the_one_before_is_left(
    events: list[Any], expected: list[tuple[str, str]]
) -> None:
    assert told(tenures(events)) == expected


T, U = joins("T", "2011-01-01", "tenant"), joins("U", "2011-01-01", "tenant")


@pytest.mark.rule("PAY-16")
@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            [lets("K", "T", "2011-02-01", "2011-04-30")],
            [("", "first"), ("2011-02-01", "tenant-2011-02-01"), ("2011-05-01", "first")],
        ),
        # One at a time: the next tenant ends the time of the one before.
        (
            [lets("K", "T", "2011-02-01"), lets("L", "U", "2011-04-01")],
            [
                ("", "first"),
                ("2011-02-01", "tenant-2011-02-01"),
                ("2011-04-01", "tenant-2011-04-01"),
            ],
        ),
        # The same tenant goes on under another contract.
        (
            [lets("K", "T", "2011-02-01", "2011-03-31"), lets("L", "T", "2011-04-01")],
            [("", "first"), ("2011-02-01", "tenant-2011-02-01")],
        ),
        (
            [
                lets("K", "T", "2011-02-01"),
                DebtorReleased("V1", "K", day("2011-05-31"), "moved out"),
            ],
            [("", "first"), ("2011-02-01", "tenant-2011-02-01"), ("2011-06-01", "first")],
        ),
        # Who is no tenant any more owes no more.
        (
            [lets("K", "T", "2011-02-01"), leaves("T", "2011-05-31", "tenant")],
            [("", "first"), ("2011-02-01", "tenant-2011-02-01"), ("2011-06-01", "first")],
        ),
        # The household is sold while the tenant owes.
        (
            [lets("K", "T", "2011-02-01", "2011-08-31"), LEFT, joins("B", "2011-06-16")],
            [("", "first"), ("2011-02-01", "tenant-2011-02-01"), ("2011-09-01", "2011-06-16")],
        ),
    ],
)
def test_while_a_tenant_owes_by_contract_the_tenure_is_the_tenants(
    events: list[Any], expected: list[tuple[str, str]]
) -> None:
    assert told(tenures([A, T, U, *events])) == expected


@pytest.mark.rule("PAY-16")
def test_what_somebody_pays_belongs_to_the_tenure_in_which_they_owe() -> None:
    sold = tenures(
        [A, LEFT, joins("B", "2011-06-16"), leaves("B", "2011-11-30"), joins("A", "2011-12-01")]
    )
    for member, on, expected in (
        ("A", "2011-01-01", 0),
        ("A", "2011-08-01", 0),  # the latest before
        ("A", "2011-12-01", 2),
        ("B", "2011-01-01", 1),  # the first after
        ("B", "2012-01-01", 1),
        ("X", "2011-01-01", None),
    ):
        assert sold.of(member, day(on)) == expected
    assert [sold.days(number) for number in range(3)] == [
        ((date.min, day("2011-06-15")),),
        ((day("2011-06-16"), day("2011-11-30")),),
        ((day("2011-12-01"), date.max),),
    ]


@pytest.mark.rule("PAY-16", "PAY-03")
def test_the_order_in_which_sales_come_to_be_known_does_not_matter() -> None:
    first, second = (
        (LEFT, joins("B", "2011-06-16")),
        (leaves("B", "2011-11-30"), joins("C", "2011-12-01")),
    )
    expected = told(tenures([A, *first, *second]))
    assert told(tenures([A, first[1], second[1], second[0], first[0]])) == expected
    for order in permutations([A, first[1], second[1]]):
        # Whoever left is told at last: before it nobody was known to have.
        assert told(tenures([*order, first[0], second[0]])) == expected


@pytest.mark.rule("PAY-16")
@given(histories(HOUSEHOLD, owner_commands(), opening=owner_openings()), st.dates())
def test_every_day_has_one_tenure_and_the_file_tells_the_same(history: History, on: date) -> None:
    # Whoever reads facts leaves out what was taken back, as the file itself does.
    found = tenures(standing(history.events, VOIDS, lambda event: event))
    file = HOUSEHOLD.decider.fold(history.events, HOUSEHOLD.decider.initial)
    if isinstance(file, Household):
        assert tenures_of(file) == found
    assert found.spans[0].first == date.min
    assert [span.first for span in found.spans] == sorted({span.first for span in found.spans})
    days = sorted(days for number in range(len(found.every)) for days in found.days(number))
    assert days[0][0] == date.min
    assert days[-1][1] == date.max
    for (_, last), (first, _) in pairwise(days):
        assert first - last == timedelta(days=1)
    assert len({tenure.key for tenure in found.every}) == len(found.every)
    assert found.find(found.on(on).key) == found.index(on)
    assert found == ONE or any(tenure.debtors for tenure in found.every)
