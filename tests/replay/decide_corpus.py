"""Decides the kept corpus and prints digests; needs the core alone, on any Python.

    python decide_corpus.py corpus.json

Goes through zones and locales in one process; a hash seed is given to the process from outside.
"""

from __future__ import annotations

import json
import locale
import os
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, get_args

import attrs
import cattrs

from crm_core.gradings.criteria import assess
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.explain import explanation
from crm_core.gradings.facts import gather
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.replay import run_id
from crm_core.gradings.review import untouched
from crm_core.kernel.canonical import canonical
from crm_core.kernel.dates import Period, instant_text, parse_date, parse_instant
from crm_core.kernel.recorded import Cutoff, KnownEvent
from crm_core.kernel.sealed import PersonalValue, Sealed
from crm_core.payments.credit import CreditPolicy
from crm_core.slices import catalog, shipped

ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns")
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8")
ESTATE_ZONE = "Asia/Shanghai"


def converter() -> cattrs.Converter:
    made = cattrs.Converter()
    # Whose dealings those of a day are hangs on members' ids, never on what is known of them.
    made.register_structure_hook(PersonalValue, lambda value, _: value)
    # Nothing is decided by a text: it stays as it stands, sealed or empty.
    made.register_structure_hook_func(lambda hint: Sealed in get_args(hint), lambda value, _: value)
    made.register_structure_hook(date, lambda value, _: parse_date(value))
    made.register_structure_hook(datetime, lambda value, _: parse_instant(value))
    return made


def facts_of(rows: list[dict[str, Any]], border: cattrs.Converter) -> list[KnownEvent]:
    found = []
    for row in rows:
        data = border.structure(row["data"], catalog().by_name[row["name"]].cls)
        found.append((row["position"], parse_instant(row["recorded"]), data))
    return found


def plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return {f.name: plain(getattr(value, f.name)) for f in attrs.fields(type(value))}
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, str) else value


def gradings(estate: dict[str, Any]) -> Iterator[GradingDecided]:
    """Every household of an estate, for each thing that was asked."""
    border = converter()
    households = {home: facts_of(rows, border) for home, rows in estate["households"].items()}
    for asked in estate["asked"]:
        window = Period.of_year(asked["year"])
        cutoff = Cutoff(asked["position"], parse_instant(asked["known"]))
        policy = shipped().find(GradingPolicy, asked["policy"], window.end)
        credit = shipped().find(CreditPolicy, policy.credit, window.end)
        reading = shipped().find(Reading, asked["reading"], window.end)
        run = run_id(asked["year"], policy.ref, credit.ref, reading.ref, cutoff)
        for household, told in households.items():
            found = gather(told, window, cutoff, credit, ESTATE_ZONE, reading)
            yield GradingDecided(
                household=household,
                tenure=found.tenure,
                run=run,
                year=asked["year"],
                policy=policy.ref,
                credit_policy=credit.ref,
                reading=reading.ref,
                cutoff_position=cutoff.position,
                cutoff_known=cutoff.known,
                facts=found.facts,
                evidence=found.evidence,
                outcome=assess(found.facts, policy).outcome(),
                decided_by="rule",
                allocations=(),
                disclosable=(),
            )


def decided(estates: dict[int, Any]) -> dict[str, str]:
    """A digest of each decision with its explanations, by estate, run and household."""
    found: dict[str, str] = {}
    for number, estate in estates.items():
        for grading in gradings(estate):
            policy = shipped().pinned(GradingPolicy, grading.policy)
            now = untouched(grading)
            said = [explanation(now, policy, "auditor", lang) for lang in ("zh", "en")]  # type: ignore[arg-type]
            data = canonical([plain(grading), plain(said)])
            key = f"{number}:{grading.run}:{grading.household}"
            found[key] = sha256(data).hexdigest()[:16]
    return found


def main() -> None:
    """Under each zone and locale a part of the corpus; the first part is given with the seed."""
    corpus = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    estates = dict(enumerate(corpus["estates"]))
    machines = list(product(ZONES, LOCALES))
    for part, (zone, name) in enumerate(machines, int(sys.argv[2])):
        os.environ["TZ"] = zone  # noqa: TID251 - what must not matter is varied here
        time.tzset()
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:  # not installed here
            locale.setlocale(locale.LC_ALL, "C")
        count = len(machines)
        some = {n: one for n, one in estates.items() if n % count == part % count}
        sys.stdout.write(json.dumps(decided(some)) + "\n")


if __name__ == "__main__":
    main()
