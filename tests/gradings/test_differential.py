"""A town of the long differential, and what it says when something differs."""

from __future__ import annotations

from collections import Counter

import irregular
import pytest
from differential import ENGINES, SEED, compare, compared, main
from irregular import KINDS, Home, commit_of, homes

import reference_grader as reference
from crm_core.opinions import OPINIONS
from crm_core.owners import HOUSEHOLD
from crm_core.owners.events import RoleEnded
from crm_core.payments import ACCOUNT

HOUSEHOLDS = 600


@pytest.mark.case("K20", "K21", "K23", "K24", "K25", "K27")
@pytest.mark.rule(
    "PAY-01", "PAY-02", "PAY-03", "PAY-04", "PAY-06", "PAY-07", "PAY-08", "PAY-16", "OWN-02"
)
def test_every_engine_says_of_irregular_households_what_the_reference_says() -> None:
    """Credit, arrears and facts of all engines, and the statement of every tenure."""
    [found] = compared(HOUSEHOLDS)
    assert [str(difference) for difference in found.differences[:5]] == []
    assert found.households == HOUSEHOLDS
    assert found.answers > HOUSEHOLDS * len(ENGINES) * 10
    rare = {kind: count for kind, count in found.kinds.items() if 100 * count < HOUSEHOLDS}
    assert rare == {}
    assert found.kinds.keys() == {*KINDS, "known_late"}


def test_most_households_are_tidy_and_the_same_in_every_town() -> None:
    town = list(homes(SEED, 1, 200))
    assert 90 < sum(not home.kinds for home in town) < 140
    again = Home(SEED, 17)
    assert commit_of(again) == commit_of(town[16])
    assert commit_of(Home(SEED + 1, 17)) != commit_of(again)
    assert all(home.kinds == set() for home in town if not home.irregular)


def test_what_is_told_can_have_happened() -> None:
    """Accounts and files can be read from it, and nobody leaves a role before they took it."""
    seen = Counter[str]()
    for home in homes(SEED, 1, 200):
        since: dict[tuple[str, str], object] = {}
        for one in home.in_order():
            seen[type(one.event).__name__] += 1
            if isinstance(one.event, irregular.MemberAdded):
                since[one.event.member, one.event.role] = one.event.since
            elif isinstance(one.event, RoleEnded):
                assert since[one.event.member, one.event.role] <= one.event.until
        for append in commit_of(home).appends:
            for aggregate in (HOUSEHOLD, ACCOUNT, OPINIONS):
                if append.stream == aggregate.stream(home.id):
                    events = tuple(envelope.data for envelope in append.events)
                    aggregate.decider.fold(events, aggregate.decider.initial)
    assert len(seen) == 30


def test_a_difference_is_told_with_the_shortest_household(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reference that forgets disputes is caught, and the household alone catches it again."""
    monkeypatch.setattr(reference, "disputed_fen", lambda *_: 0)
    found = compare((1, 60), engines=("events",)).differences
    assert found == sorted(found, key=lambda one: one.events)
    number = next(int(one.household[1:]) for one in found if one.question == "credit")
    once = ["--engines", "events", "--processes", "1"]
    assert main(["60", *once]) == 1
    told = capsys.readouterr().out
    assert "of 60 households differ" in told
    assert f"household {int(found[0].household[1:])} (" in told
    assert main(["--household", str(number), *once]) == 1
    told = capsys.readouterr().out
    assert "ChargeDisputed" in told
    monkeypatch.undo()
    assert main(["--household", str(number), *once]) == 0


def test_a_kind_that_is_too_rare_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(irregular, "OF_THOSE", 1)
    assert main(["20", "--engines", "events", "--processes", "1"]) == 1
    assert "in less than one household of a hundred: co_owner_joins" in capsys.readouterr().out
