"""The register of suppliers who process personal data for the company (PRV-07; PIPL, art. 21)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen

ENDINGS = ("returned", "deleted")
"""What became of the data when the contract ended."""


@frozen
class SupplierEngaged:
    """A supplier processes data for the company under a contract.

    Args:
        data: Classes of data that it is given.
        handling: What for and how it processes them.
        measures: How it protects them.
        until: The last day of the contract.
    """

    supplier: str
    name: Text
    contract: str
    data: tuple[str, ...]
    handling: Text
    measures: Text
    since: date
    until: date
    entered_by: str


@frozen
class SupplierEnded:
    """The contract ended, and what the supplier had was returned or deleted."""

    supplier: str
    on: date
    data_was: str
    evidence: Text
    entered_by: str


EVENTS = (
    EventType("staff.supplier_engaged", 1, SupplierEngaged, "since"),
    EventType("staff.supplier_ended", 1, SupplierEnded, "on"),
)


@define
class Supplier:
    """A supplier as it stands.

    Args:
        engaged: The latest contract; None before the first.
        ended: How that ended; None while it goes on.
    """

    engaged: SupplierEngaged | None = None
    ended: SupplierEnded | None = None

    def covers(self, on: date) -> bool:
        """Whether a contract is in force on a day."""
        if self.engaged is None or not self.engaged.since <= on <= self.engaged.until:
            return False
        return self.ended is None or on <= self.ended.on


@frozen
class EngageSupplier:
    """Enter a supplier's contract: what it gets, what for and how, how it protects it, how long."""

    supplier: Id
    name: str
    contract: Id
    data: tuple[str, ...]
    handling: str
    measures: str
    since: DayAhead
    until: DayAhead
    by: Actor = looked_up()


@frozen
class EndSupplier:
    """Enter that the contract ended, and that nothing was left behind."""

    supplier: str
    on: date
    data_was: str
    evidence: str
    by: Actor = looked_up()


def _engage(command: EngageSupplier, state: Supplier) -> Decision:
    if state.engaged is not None and state.ended is None:
        return Refusal("supplier_engaged", "PRV-07", {"supplier": command.supplier})
    for data in command.data:
        if data not in CLASSES:
            return unknown("data_class", data, tuple(CLASSES), rule="PRV-07")
    if command.until < command.since:
        details = {"since": command.since.isoformat(), "until": command.until.isoformat()}
        return Refusal("contract_ends_before_it_begins", "PRV-07", details)
    said = {
        "name": command.name,
        "contract": command.contract,
        "data": command.data,
        "handling": command.handling,
        "measures": command.measures,
    }
    missing = [name for name, value in said.items() if not value]
    if missing:
        return Refusal("contract_incomplete", "PRV-07", {"missing": missing})
    return (
        SupplierEngaged(
            supplier=command.supplier,
            name=command.name,
            contract=command.contract,
            data=tuple(sorted(set(command.data))),
            handling=command.handling,
            measures=command.measures,
            since=command.since,
            until=command.until,
            entered_by=command.by.id,
        ),
    )


def _end(command: EndSupplier, state: Supplier) -> Decision:
    if state.engaged is None or state.ended is not None:
        return Refusal("supplier_not_engaged", "PRV-07", {"supplier": command.supplier})
    if command.data_was not in ENDINGS:
        return unknown("ending", command.data_was, ENDINGS, rule="PRV-07")
    if not command.evidence.strip():
        return Refusal("evidence_missing", "PRV-07")
    return (
        SupplierEnded(
            supplier=command.supplier,
            on=command.on,
            data_was=command.data_was,
            evidence=command.evidence,
            entered_by=command.by.id,
        ),
    )


_DECIDE: dict[type, Any] = {EngageSupplier: _engage, EndSupplier: _end}

SUPPLIER = Aggregate(
    Decider(
        "supplier",
        Supplier(),
        by_command(_DECIDE),
        by_event(
            {
                SupplierEngaged: lambda _state, e: Supplier(engaged=e),
                SupplierEnded: lambda state, e: attrs.evolve(state, ended=e),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.supplier,
    lambda _: "",
    needs_file=False,
)
