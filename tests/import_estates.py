"""Small estates as import files, and what a log says of them: for tests of undo and corrections."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.kinds import KINDS
from crm_core import CRM, Actor
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.facts import VOIDS
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import Period
from crm_core.kernel.history import visible
from crm_core.kernel.voiding import standing
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy

Rows = list[dict[str, str]]
Files = dict[str, Rows]

HOST = Actor("crm", "host")
CLERK = Actor("li", "specialist")
BOSS = Actor("wang", "manager")

COLUMNS = {kind.name: kind.columns for kind in KINDS}

HOUSEHOLD = {
    "household": "V1", "estate": "星河小区", "building": "1号楼", "unit": "1单元", "room": "101",
    "kind": "person", "owner": "张三", "phone": "13800000001", "moved_in": "2010-03-01",
}  # fmt: skip
TENANT = {
    "household": "V1", "member": "T1", "role": "tenant", "name": "李四", "since": "2023-02-01",
    "until": "", "recorded": "2023-02-03T09:00:00+08:00",
}  # fmt: skip
CHARGE = {
    "charge": "C1", "household": "V1", "kind": "management_fee", "period": "2024-01",
    "amount": "127.00", "due": "2024-01-01", "debtor": "", "corrects": "",
    "recorded": "2023-12-11T09:00:00+08:00",
}  # fmt: skip
PAYMENT = {
    "payment": "P1", "household": "V1", "amount": "127.00", "paid_on": "2024-03-04",
    "method": "wechat", "charge": "", "payer": "", "recorded": "2024-03-05T10:00:00+08:00",
}  # fmt: skip
PURCHASE = {
    "purchase": "S1", "household": "V1", "service": "elder_care", "amount": "139.12",
    "purchased_on": "2024-08-01", "recorded": "2024-08-01T08:26:00+08:00",
}  # fmt: skip
REQUEST = {
    "request": "R1", "household": "V1", "channel": "phone", "kind": "complaint",
    "trade": "cleaning", "severity": "general", "summary": "楼道卫生差",
    "received_at": "2024-09-02T09:00:00+08:00", "due_at": "",
    "closed_at": "2024-09-03T10:00:00+08:00",
}  # fmt: skip

EVERYTHING: Files = {
    "households": [HOUSEHOLD],
    "transfers": [TENANT],
    "charges": [CHARGE],
    "payments": [PAYMENT],
    "purchases": [PURCHASE],
    "requests": [REQUEST],
}


def file_text(name: str, rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS[name], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_files(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text(file_text(name, rows), encoding="utf-8")
    return folder


def take_in(crm: CRM, folder: Path, files: Files, **options: Any) -> ImportReport:
    """Import an estate from files in a folder."""
    return import_files(crm, [write_files(folder, files)], **{"by": HOST} | options)


DAYS = tuple(
    date(year, month, day)
    for year in (2023, 2024, 2025)
    for month, day in ((1, 1), (1, 2), (4, 1), (7, 15), (9, 2), (12, 31))
)


def picture(crm: CRM) -> dict[str, Any]:
    """What holds as known now: credit and arrears of many days, facts of gradings, states."""
    return {
        **{f"credit {day}": list(crm.accounts.credit(day)) for day in DAYS},
        **{f"owing {day}": crm.accounts.owing(day) for day in DAYS},
        "bought": [(home, one.purchases_fen) for home, one in crm.accounts.purchases(2024)],
        "facts": list(facts(crm, "events")),
        "states": states(crm),
    }


def facts(crm: CRM, engine: str) -> Iterator[tuple[str, Any, str]]:
    """Facts of every household in 2024; what they rest on has other places each time."""
    ask = Ask(
        window=Period.of_year(2024),
        cutoff=crm.log.cutoff(None, without="gradings."),
        credit=crm.policies.find(CreditPolicy, DEFAULT_CREDIT, DAYS[-1]),
        reading=crm.policies.find(Reading, DEFAULT_READING, DAYS[-1]),
        allocations=crm.gradings.allocations(),
    )
    for found in crm.gradings.engine(engine).gather(ask):
        yield found.household, found.facts, found.tenure


def states(crm: CRM) -> dict[str, Any]:
    """Files, accounts and requests, without what tells of places in the log."""
    found: dict[str, Any] = {}
    for _, events in crm.log.by_household():
        for recorded in standing(visible(events), VOIDS, lambda e: e.event):
            kind = recorded.stream.partition("/")[0]
            if kind in ("household", "request"):
                aggregate = next(a for a in crm.registry.aggregates if a.decider.name == kind)
                state, _ = crm.log.fold(
                    recorded.stream, aggregate.decider.evolve, aggregate.decider.initial
                )
                found[recorded.stream] = _plain(state)
    return found


def _plain(state: Any) -> Any:
    """A state by what it says, its sealed values left out: a name is sealed anew each time."""
    if type(state).__name__ == "Household":
        return (state.estate, state.room, state.kind, state.moved_in, state.roles())
    return (
        type(state).__name__,
        getattr(state, "kind", ""),
        getattr(state, "closed_at", None),
        getattr(state, "outcome", None),
        [(c.name, c.set.due_at, c.stopped_at) for c in getattr(state, "clocks", tuple)()],
    )
