"""What is asked and what was given, as expressions: the columnar twin of `payments.ledger`.

Every frame has a column `home`, the household's number. Days are counted as `date.toordinal`
counts them, money in fen. Nothing is computed until a backend is asked for rows.
"""

from __future__ import annotations

from collections.abc import Collection

import narwhals as nw

from crm_adapters.frames.backends import Backend, Frame, total, whole
from crm_core.gradings.engines.narrow import Kind
from crm_core.kernel.values import frozen

NOT_YET = 4_000_000
"""A day behind every day: what is open ends there."""


@frozen
class Book:
    """The accounts of all households, as known at some cut-off.

    Args:
        charges: Principal that stands: `charge`, `due`, `amount`, `position`.
        corrections: Negative bills of such charges, or None: `position`, and `due` of the charge.
        late: Late charges that stand and costs of enforcement, or None: `charge`, `amount`.
        settlements: `charge` (null for money without a name), `effective`, `amount`, `position`.
        disputes: Of charges that stand, or None: `charge`, `amount`, `start`, `end`, `position`,
            `end_position`.
    """

    charges: Frame
    corrections: Frame | None
    late: Frame | None
    settlements: Frame
    disputes: Frame | None


def book(facts: Frame, kinds: Collection[int], backend: Backend) -> Book:
    """The accounts that rows tell of.

    Args:
        facts: Rows that are seen at the cut-off.
        kinds: Which kinds there are among them; what is not there costs nothing.
    """
    cancelled = None
    if Kind.CANCELLED in kinds:
        cancelled = _of(facts, Kind.CANCELLED).select(charge="ref")
    charges = _of(facts, Kind.CHARGE).select(
        "home", "amount", "position", charge="ref", due="effective"
    )
    if cancelled is not None:
        charges = charges.join(cancelled, on="charge", how="anti")
    corrections = None
    if Kind.CORRECTION in kinds:
        corrections = _of(facts, Kind.CORRECTION).select(
            "home", "position", "amount", number="ref", charge="of"
        )
        if cancelled is not None:
            corrections = corrections.join(
                cancelled.select(number="charge"), on="number", how="anti"
            )
        corrections = backend.keep(corrections)
        less = corrections.group_by("charge").agg(less=total("amount"))
        charges = (
            charges.join(less, on="charge", how="left")
            .with_columns(amount=nw.col("amount") - nw.col("less").fill_null(0))
            .drop("less")
        )
    disputes = None
    if Kind.DISPUTE in kinds:
        disputes = backend.keep(_disputes(facts, kinds))
        upheld = disputes.filter(nw.col("upheld") > 0)
        upheld = upheld.group_by("charge").agg(upheld=total("upheld"))
        charges = (
            charges.join(upheld, on="charge", how="left")
            .with_columns(amount=nw.col("amount") - nw.col("upheld").fill_null(0))
            .drop("upheld")
        )
    charges = backend.keep(charges.filter(nw.col("amount") > 0))
    if corrections is not None:
        corrections = corrections.select("home", "position", "charge").join(
            charges.select("charge", "due"), on="charge", how="inner"
        )
    if disputes is not None:
        disputes = disputes.join(charges.select("charge"), on="charge", how="semi").with_columns(
            amount=nw.col("amount") - nw.col("upheld")
        )
    late = None
    if Kind.LATE_CHARGE in kinds:
        late = _of(facts, Kind.LATE_CHARGE).select("home", "of", "amount", charge="ref")
        if cancelled is not None:
            late = late.join(cancelled, on="charge", how="anti")
        late = late.join(charges.select(of="charge"), on="of", how="semi")
        late = backend.keep(late.select("home", "charge", "amount"))
    if Kind.COSTS in kinds:
        costs = _of(facts, Kind.COSTS).select("home", "amount", charge="ref")
        if cancelled is not None:
            costs = costs.join(cancelled, on="charge", how="anti")
        costs = costs.select("home", "charge", "amount")
        late = backend.keep(costs if late is None else nw.concat([late, costs]))
    settlements = backend.keep(_settlements(facts, kinds, charges, late))
    return Book(charges, corrections, late, settlements, disputes)


def _disputes(facts: Frame, kinds: Collection[int]) -> Frame:
    opened = _of(facts, Kind.DISPUTE).select(
        "home", "amount", "position", dispute="ref", charge="of", start="effective"
    )
    if Kind.DISPUTE_ENDED not in kinds:
        return opened.with_columns(end=whole(NOT_YET), upheld=whole(0), end_position=whole(0)).drop(
            "dispute"
        )
    ended = _of(facts, Kind.DISPUTE_ENDED).select(
        dispute="ref", end="effective", upheld="amount", end_position="position"
    )
    return (
        opened.join(ended, on="dispute", how="left")
        .with_columns(
            end=nw.col("end").fill_null(NOT_YET),
            upheld=nw.col("upheld").fill_null(0),
            end_position=nw.col("end_position").fill_null(0),
        )
        .drop("dispute")
    )


def _settlements(facts: Frame, kinds: Collection[int], charges: Frame, late: Frame | None) -> Frame:
    """Money and waivers, negative where money is taken back."""
    columns = ("home", "effective", "amount", "position")
    payments = _of(facts, Kind.PAYMENT)
    parts = [payments.select(*columns, charge="of")]
    if Kind.PAYMENT_BACK in kinds:
        parts.append(_taken_back(facts, payments).select(*columns, "charge"))
    if Kind.REFUND in kinds:
        parts.append(_of(facts, Kind.REFUND).select(*columns, charge="of"))
    if Kind.WAIVER in kinds:
        # A waiver is not money: where its charge is cancelled or not known it gives nothing.
        standing = charges.select("charge")
        if late is not None:
            standing = nw.concat([standing, late.select("charge")])
        waived = _of(facts, Kind.WAIVER).select(*columns, charge="of")
        parts.append(waived.join(standing, on="charge", how="semi").select(*columns, "charge"))
    return nw.concat(parts) if len(parts) > 1 else parts[0]


def _taken_back(facts: Frame, payments: Frame) -> Frame:
    """What a reversal or a move takes back: the payment of its number that counts just then."""
    backs = _of(facts, Kind.PAYMENT_BACK)
    touched = payments.join(backs.select("ref").unique(), on="ref", how="semi")
    columns = ("home", "ref", "position", "effective", "kind")
    turns = nw.concat(
        [
            touched.select(*columns, "amount", charge="of"),
            backs.select(*columns, "amount", charge="of"),
        ]
    )
    before = {
        name: nw.col(name).shift(1).over("ref", order_by="position")
        for name in ("kind", "amount", "charge")
    }
    return (
        turns.with_columns(**{f"{name}_before": value for name, value in before.items()})
        .filter(
            (nw.col("kind") == int(Kind.PAYMENT_BACK))
            & (nw.col("kind_before") == int(Kind.PAYMENT))
        )
        .with_columns(amount=-nw.col("amount_before"), charge=nw.col("charge_before"))
    )


def _of(facts: Frame, kind: Kind) -> Frame:
    return facts.filter(nw.col("kind") == int(kind))
