"""The reference grader beside every engine, over towns in which owners and money are irregular.

    nox -s differential -- 100000 --processes 2
    nox -s differential -- --household 4711
    nox -s differential -- decided --households 100000

Compared are credit lines on several days and at two knowledge instants, arrears, the facts of a
year's grading and what every policy makes of them, the statement of every tenure, and the books of
irregular households. The first line above looks at so many households, in parts, so that memory
does not grow; the second tells all about one; the third grades towns that deciders made
(`decided_towns`). Exit status: 0 no difference, 1 there is one, or some kind of irregularity is in
less than one household of a hundred.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import decided_towns
from attrs import asdict
from history_reference import POLICIES, decided_by
from irregular import KINDS, YEAR, Home, commit_of, homes, reference_of

import reference_grader as reference
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import Period
from crm_core.owners.tenures import tenures
from crm_core.payments.allocation import allocate
from crm_core.payments.books import trial_balance
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.payments.ledger import LATE_CHARGE, REFUND, ledgers
from crm_core.slices import shipped
from crm_core.testing.towns import known_at
from crm_core.testing.towns.chance import Chance

SEED, PART = 14, 2_000
ENGINES = ("events", "frames", "frames-duckdb")
INSTANTS = (known_at(YEAR), None)
"""A fortnight after the year's end, and everything."""

Answers = dict[tuple[Any, ...], Any]
"""What somebody says, by what was asked: the question, the household, the instant, the day."""


class Difference(NamedTuple):
    """Where an engine says something else; of the shortest told households first."""

    events: int
    engine: str
    household: str
    question: str
    known: datetime | None
    day: str
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        number = int(self.household[1:])
        return (
            f"household {number} ({self.events} events), {self.question} {self.day} as known at"
            f" {self.known or 'the end'}: {self.engine} says {self.ours}, not {self.theirs}"
        )


class Compared(NamedTuple):
    """What came of a part.

    Args:
        kinds: In how many households each kind of irregularity is.
        answers: How many were compared, of all engines.
        differences: Where they differ.
    """

    households: int
    kinds: Counter[str]
    answers: int
    differences: list[Difference]


def compare(part: tuple[int, int], seed: int = SEED, engines: Sequence[str] = ENGINES) -> Compared:
    """Households from one number to another, asked of the reference and of all engines."""
    first, last = part
    town = list(homes(seed, first, last))
    kinds = Counter(kind for home in town for kind in home.kinds)
    days = days_of(seed, first)
    expected = by_the_reference(town, days)
    sizes = {home.id: len(home.told) for home in town}
    found: list[Difference] = []
    answers = 0

    def differ(engine: str, ours: Answers, of: set[str]) -> None:
        nonlocal answers
        theirs = {key: said for key, said in expected.items() if key[0] in of}
        answers += len(ours)
        for key in sorted(ours.keys() | theirs.keys(), key=str):
            if ours.get(key) != theirs.get(key):
                question, home, known, *day = key
                more = (engine, home, question, known, " ".join(map(str, day)))
                found.append(Difference(sizes[home], *more, ours.get(key), theirs.get(key)))

    differ("events", by_ledgers(town, days), {"statement", "books"})
    with closing(open_crm("memory:")) as crm:
        crm.log.append(commit_of(home) for home in town)
        for engine in engines:
            differ(engine, by_engine(crm, engine, days), {"credit", "arrears", "facts", "outcome"})
    return Compared(len(town), kinds, answers, sorted(found, key=lambda one: one[:3]))


def days_of(seed: int, first: int) -> tuple[date, ...]:
    """Days before, in, at the end of and after the year: others for every block of households."""
    chance = Chance(seed, (first - 1) // PART, 1)
    day = date(YEAR, 1, 1)
    return (
        day - timedelta(days=chance.between(20, 300)),
        day + timedelta(days=chance.between(0, 363)),
        date(YEAR, 12, 31),
        day + timedelta(days=chance.between(366, 450)),
    )


def by_the_reference(town: Iterable[Home], days: Sequence[date]) -> Answers:
    """What the rules say, slowly."""
    found: Answers = {}
    for home in town:
        id_ = home.id
        heard = max(home.told).recorded
        account = None
        for known in INSTANTS:
            # Who heard everything by then hears nothing more.
            if account is None or heard > INSTANTS[0]:
                at = known or reference.EVERYTHING_KNOWN
                account = reference.account_of(reference_of(home, at), at)
            facts = reference.facts_from(account, YEAR)
            found["facts", id_, known] = facts
            for policy in POLICIES:
                decided = reference.type_from(facts, policy), reference.layer_from(facts, policy)
                found["outcome", id_, known, policy] = decided
            if home.irregular:
                found["books", id_, known] = 0, 0
            for day in days:
                tenure = account.tenures.on(day).key
                found["credit", id_, known, day] = reference.credit_of(account, tenure, day)
                if day in _of_arrears(days):
                    for key, said in reference.arrears(account, day).items():
                        found["arrears", id_, known, day, key] = said
                for key, said in reference.statements(account, day).items():
                    if any(said.values()):
                        found["statement", id_, known, day, key] = said
    return found


def by_engine(crm: CRM, name: str, days: Sequence[date]) -> Answers:
    """What an engine says of all households."""
    found: Answers = {}
    engine = crm.gradings.engine(name)
    window = Period.of_year(YEAR)
    table = shipped().find(CreditPolicy, DEFAULT_CREDIT, window.end)
    reading = shipped().find(Reading, DEFAULT_READING, window.end)
    for known in INSTANTS:
        for row in engine.gather(Ask(window, crm.gradings.cutoff(known), table, reading)):
            found["facts", row.household, known] = asdict(row.facts)
            for policy in POLICIES:
                found["outcome", row.household, known, policy] = decided_by(policy, row.facts)
        for day in days:
            for line in engine.credit(day, known, table):
                said = (line.grade, line.overdue_days, line.overdue_fen)
                found["credit", line.household, known, day] = said
        for day in _of_arrears(days):
            for household, tenure, _, aged in engine.arrears(day, known, table):
                said = (aged.overdue_days, aged.overdue_fen, aged.disputed_fen)
                found["arrears", household, known, day, tenure] = said
    return found


def _of_arrears(days: Sequence[date]) -> Sequence[date]:
    """Days on which arrears are asked for: they hold the credit of every tenure."""
    return days[1::2]


def by_ledgers(town: Iterable[Home], days: Sequence[date]) -> Answers:
    """The statements of all tenures, and what the books cannot explain on the last day (PAY-15)."""
    found: Answers = {}
    for home in town:
        told = [(one.recorded, one.event, number) for number, one in enumerate(home.in_order(), 1)]
        for known in INSTANTS:
            facts = [(e, number) for at, e, number in told if known is None or at <= known]
            whose = tenures(event for event, _ in facts)
            for tenure, ledger in zip(whose.every, ledgers(facts, whose), strict=True):
                for day in days:
                    said = _statement(allocate(ledger, day))
                    if any(said.values()):
                        found["statement", home.id, known, day, tenure.key] = said
            if home.irregular:
                books = trial_balance(facts, days[-1], whose)
                found["books", home.id, known] = books.unexplained_fen, sum(books.accounts.values())
    return found


def _statement(allocation: Any) -> dict[str, int]:
    debt = sum(fen for charge, fen in allocation.unpaid if charge.kind == REFUND)
    late = sum(fen for charge, fen in allocation.late if charge.kind == LATE_CHARGE)
    return {
        "unpaid_fen": sum(fen for _, fen in allocation.unpaid) - debt,
        "costs_fen": sum(fen for _, fen in allocation.late) - late,
        "late_fen": late,
        "debt_fen": debt,
        "advance_fen": allocation.advance_fen,
        "balance_fen": allocation.owed_fen,
    }


def compared(
    households: int,
    processes: int = 1,
    seed: int = SEED,
    engines: Sequence[str] = ENGINES,
    part: int = PART,
) -> Iterator[Compared]:
    """One part after another, in so many processes that give way to others."""
    parts = [(n, min(n + part - 1, households)) for n in range(1, households + 1, part)]
    task = partial(compare, seed=seed, engines=engines)
    if processes == 1:
        yield from map(task, parts)
        return
    with ProcessPoolExecutor(processes, initializer=partial(os.nice, 5)) as pool:
        yield from pool.map(task, parts)


def firsts(differences: Iterable[Difference]) -> list[Difference]:
    """The first difference of an engine about each household."""
    found: dict[tuple[str, str], Difference] = {}
    for one in differences:
        found.setdefault((one.engine, one.household), one)
    return list(found.values())


def told_in_words(seed: int, number: int, engines: Sequence[str]) -> int:
    """All that is told of a household, and what differs."""
    [home] = homes(seed, number, number)
    print(f"{home.id}: {', '.join(sorted(home.kinds)) or 'tidy'}")
    for one in home.in_order():
        print(f"  {one.recorded:%Y-%m-%d %H} {one.event}")
    found = compare((number, number), seed, engines).differences
    for difference in found:
        print(difference)
    return 1 if found else 0


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["decided"]:
        return decided_towns.main(arguments[1:])
    parser = argparse.ArgumentParser(description="The reference beside all engines.")
    parser.add_argument("households", type=int, nargs="?", default=600)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--engines", type=lambda text: tuple(text.split(",")), default=ENGINES)
    parser.add_argument("--part", type=int, default=PART, help="households looked at together")
    parser.add_argument("--household", type=int, help="only this one, with all that is told of it")
    options = parser.parse_args(arguments)
    if options.household:
        return told_in_words(options.seed, options.household, options.engines)
    started = perf_counter()
    households = answers = 0
    kinds: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    smallest: list[Difference] = []
    asked = (options.households, options.processes, options.seed, options.engines, options.part)
    for one in compared(*asked):
        households += one.households
        answers += one.answers
        kinds += one.kinds
        differ.update(found.engine for found in firsts(one.differences))
        smallest = sorted([*smallest, *firsts(one.differences)], key=lambda d: d[:3])[:100]
        print(f"{households:,} households", file=sys.stderr, flush=True)
    seconds = perf_counter() - started
    for kind, count in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{count:>8,} {100 * count / households:5.1f} % {kind}")
    for engine in options.engines:
        print(f"{engine}: {differ[engine]} of {households:,} households differ")
        for difference in [one for one in smallest if one.engine == engine][:5]:
            print(f"  {difference}")
    print(f"{households:,} households, {answers:,} answers in {seconds:.0f} s")
    rare = [kind for kind in (*KINDS, "known_late") if 100 * kinds[kind] < households]
    if rare:
        print(f"in less than one household of a hundred: {', '.join(rare)}")
    return 1 if rare or differ else 0


if __name__ == "__main__":
    sys.exit(main())
