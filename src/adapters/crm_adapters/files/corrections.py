"""Rows that come back corrected: what each changes of what stands (IMP-01, LOG-06).

A row that says what stands changes nothing, whoever brought that. Of one that differs what it
replaces is made void, and what it says is said anew; a name or a number of a member is told anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from attrs import field

from crm_adapters.files.exporting import PERSONAL, shown_to
from crm_adapters.files.rows.charges import CHARGES
from crm_adapters.files.rows.households import HOUSEHOLDS
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.rows.payments import PAYMENTS
from crm_adapters.files.rows.purchases import PURCHASES
from crm_adapters.files.rows.requests import REQUESTS
from crm_adapters.files.rows.transfers import TRANSFERS
from crm_adapters.files.standing import About, about, rows_of, texts_of
from crm_core.application.undoing import Fact, resting
from crm_core.crm import CRM
from crm_core.errors import Fault
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import define, frozen
from crm_core.owners.commands import ChangeContact, VoidRoleEnd, owner_id
from crm_core.payments.commands import CancelCharge, ReversePayment, VoidPurchase
from crm_core.payments.events import ChargeCorrected, ChargeRaised, PaymentMovedIn, PaymentReceived
from crm_core.requests.commands import VoidClosing, VoidRequest
from crm_core.requests.events import RequestReceived

_WHEN = "recorded"
"""The column that says when something became known: what stands is known since it stands."""


@frozen
class Correction:
    """What a row changes.

    Args:
        before: The commands by which what it replaces is no more, or is told anew.
        parts: What of the row is said anew.
        faults: Columns that cannot be corrected so, each with why.
    """

    before: tuple[Any, ...] = ()
    parts: tuple[str, ...] = ()
    faults: tuple[tuple[str, Fault], ...] = ()


SAME = Correction()
"""A row that says what stands."""


@define
class _Held:
    """A household: what stands, and all that is recorded of it."""

    of: About
    events: list[Recorded[Any]]
    rows: dict[tuple[str, tuple[Any, ...]], Any] = field(factory=dict)


class Corrections:
    """What rows change of what stands in the log.

    Args:
        by: Who corrects; a name that is compared is opened for them, to keep the household's file.
        reason: Why.
        households: Those that the rows are about.
    """

    def __init__(self, crm: CRM, by: Actor, reason: str, households: Iterable[str]) -> None:
        self._reason = reason
        self._held: dict[str, _Held] = {}
        self._show = shown_to(crm, by, f"file: {reason}")
        wanted = sorted(set(households))
        for household, events in crm.log.by_household(households=wanted) if wanted else ():
            of = about(household, crm.host.texts.each(events), lambda *_: None)
            held = _Held(of, events)
            for kind in _ASKED:
                together: dict[tuple[Any, ...], list[Any]] = {}
                for row in rows_of(kind, of):
                    together.setdefault(_key(kind, row), []).append(row)
                for key, rows in together.items():
                    held.rows[kind.name, key] = kind.joined(rows)
            self._held[household] = held

    def of(self, kind: FileKind, row: Any, columns: Iterable[str]) -> Correction | None:
        """What a row changes; None where nothing of it stands, so that it is new.

        Args:
            row: As `FileKind.joined` gives it.
            columns: Those that the file has; what is in no column is as it stands.
        """
        held = self._held.get(row.household)
        standing = None if held is None else held.rows.get((kind.name, _key(kind, row)))
        if held is None or standing is None:
            return None
        changed = set(self._changed(standing, row, set(columns)))
        return _ASKED[kind](self, held, standing, row, changed) if changed else SAME

    def _changed(self, standing: Any, row: Any, columns: set[str]) -> Iterator[str]:
        here, there = _said(standing), _said(row)
        for column, said in there.items():
            if column == _WHEN or (column not in columns and column != "parts"):
                continue
            if column in PERSONAL:
                # An empty cell says nothing of what is sealed.
                if said and said != self._personal(row, column):
                    yield column
            elif said != here[column]:
                yield column

    def _personal(self, row: Any, column: str) -> str:
        member = getattr(row, "member", None) or owner_id(row.household)
        known = self._held[row.household].of.file
        if known is None or member not in known.members():
            return ""
        field = "name" if column == "owner" else column
        return (self._show(row.household, member, field) or "").strip()

    # --- by kind -------------------------------------------------------------------------------

    def _household(self, held: _Held, _old: Any, row: Any, changed: set[str]) -> Correction:
        fixed = changed - PERSONAL
        member = owner_id(row.household)
        known = held.of.file is not None and member in held.of.file.members()
        wrong = fixed if known else changed
        if wrong:
            return _impossible(wrong)
        return Correction(before=(self._contact(row.household, member, row.owner, row.phone),))

    def _contact(
        self, household: str, member: str, name: str | None, phone: str | None
    ) -> ChangeContact:
        return ChangeContact(
            household=household,
            member=member,
            reason=self._reason,
            name=None if name is None else Personal(member, name),
            phone=None if phone is None else Personal(member, phone),
            source="import",
        )

    def _transfer(self, _held: _Held, old: Any, row: Any, changed: set[str]) -> Correction:
        before: list[Any] = []
        parts: tuple[str, ...] = ()
        if "name" in changed:
            before.append(self._contact(row.household, row.member, row.name, None))
        if "until" in changed:
            if old.until is not None:
                before.append(
                    VoidRoleEnd(row.household, row.member, row.role, old.until, self._reason)
                )
            if row.until is not None:
                parts = ("role_end",)
        return Correction(tuple(before), parts)

    def _charge(self, held: _Held, old: Any, row: Any, _changed: set[str]) -> Correction:
        if self._carries(held, "charge", old.charge, ChargeRaised | ChargeCorrected):
            return _rested_on("charge", old.charge)
        before = CancelCharge(row.household, old.charge, old.due, self._reason)
        return Correction((before,), ("charge" if row.corrects is None else "correction",))

    def _payment(self, _held: _Held, old: Any, row: Any, _changed: set[str]) -> Correction:
        before = ReversePayment(row.household, old.payment, old.paid_on, self._reason)
        return Correction((before,), ("payment",))

    def _purchase(self, _held: _Held, old: Any, row: Any, _changed: set[str]) -> Correction:
        before = VoidPurchase(row.household, old.purchase, self._reason)
        return Correction((before,), ("purchase",))

    def _request(self, held: _Held, old: Any, row: Any, changed: set[str]) -> Correction:
        closed = ("closed",) if row.closed_at is not None else ()
        if changed == {"closed_at"}:
            if old.closed_at is None:
                return Correction(parts=closed)
            return Correction((VoidClosing(row.request, old.closed_at, self._reason),), closed)
        if self._carries(held, "request", old.request, RequestReceived):
            return _rested_on("request", old.request)
        return Correction((VoidRequest(row.request, self._reason),), ("request", *closed))

    def _carries(self, held: _Held, what: str, number: str, telling: Any) -> bool:
        """Whether something rests on a fact that would be lost if it was said anew."""
        told = [
            recorded
            for recorded in held.events
            if isinstance(recorded.event, telling) and getattr(recorded.event, what) == number
        ][-1:]
        fact = Fact(what, number, told[0].position, told)
        # Money that names a charge names it still; what another system said of an end is no work.
        others = [
            recorded
            for recorded in held.events
            if recorded.position > fact.first
            and recorded.envelope.command != told[0].envelope.command
            and not isinstance(recorded.event, PaymentReceived | PaymentMovedIn)
            and (what != "request" or recorded.envelope.imported is None)
        ]
        return any(resting([fact], others))


_ASKED: dict[FileKind, Any] = {
    HOUSEHOLDS: Corrections._household,
    TRANSFERS: Corrections._transfer,
    CHARGES: Corrections._charge,
    PAYMENTS: Corrections._payment,
    PURCHASES: Corrections._purchase,
    REQUESTS: Corrections._request,
}


def _key(kind: FileKind, row: Any) -> tuple[Any, ...]:
    """What a row is told by among those that stand."""
    if kind is TRANSFERS:
        return (row.household, row.member, row.role, row.since)
    return (row.household, getattr(row, kind.key))


def _said(row: Any) -> dict[str, Any]:
    """What a row, or rows that say one thing together, say, column by column."""
    if type(row) in {kind.row for kind in _ASKED}:
        return texts_of(row)
    return attrs.asdict(row, recurse=False)


def _impossible(columns: Iterable[str]) -> Correction:
    fault = Fault("correction_impossible")
    return Correction(faults=tuple((column, fault) for column in sorted(columns)))


def _rested_on(column: str, number: str) -> Correction:
    return Correction(faults=((column, Fault("correction_rested_on", values={"number": number})),))
