"""Whose collection the clock has to look at: rows by the earliest day (PAY-10).

A row says no more than that something about a household was recorded, so it costs the same however
long the household's history is. What the days bring about is found by one look at that history
(`crm_core.payments.collection.course`), after which the row is put off until the next such day.
"""

from __future__ import annotations

from typing import Any

from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.payments.acts import StepDone
from crm_core.payments.collection.events import (
    COLLECTION_EVENTS,
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    HoldReleased,
    StepOpened,
    StepSkipped,
)
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
    DebtAcknowledged,
    PurchaseMade,
    PurchaseRefunded,
    PurchaseVoided,
)


@frozen
class Watched:
    """A household whose collection may have something to do.

    Args:
        position: Of the latest event about it: a row that was seen is the same row if this is.
    """

    household: str
    position: int


_COLLECTED = (
    CollectionClosed, CollectionGradeChanged, CollectionHeld, CollectionOpened, HoldReleased,
    StepDone, StepOpened, StepSkipped,
)  # fmt: skip

_NO_MATTER = (DebtAcknowledged, PurchaseMade, PurchaseRefunded, PurchaseVoided)

OWED = frozenset({kind.cls for kind in ACCOUNT_EVENTS} - {*_NO_MATTER})
"""Events of accounts from which arrears are computed."""

COLLECTED = frozenset(_COLLECTED)
"""Events of collections that say when something may follow."""

TENURE_NAMES = frozenset(
    {
        "owners.debtor_agreed/1",
        "owners.debtor_released/1",
        "owners.member_added/1",
        "owners.role_end_voided/1",
        "owners.role_ended/1",
        "owners.role_voided/1",
    }
)
"""Events that may hand arrears over to another tenure (PAY-16).

By their names, which are a public contract (LOG-02): what they say is none of this slice's
business, and `Sight.tenures` tells what follows from it.
"""


def _watch(rows: Rows[Watched], recorded: Recorded[Any]) -> tuple[Put[Watched], ...]:
    home = recorded.household
    if recorded.name in TENURE_NAMES and rows.get(home) is None:
        # Who has no account has nothing that could be handed over.
        return ()
    # Before all instants: the next tick looks, whatever its own instant is.
    return (Put(home, Watched(home, recorded.position)),)


WATCHED = Projection(
    name="payments.watched",
    version=2,
    row=Watched,
    names=TENURE_NAMES
    | {k.stored for k in (*ACCOUNT_EVENTS, *COLLECTION_EVENTS) if k.cls in OWED | COLLECTED},
    apply=_watch,
)
"""Households by the earliest instant at which their collection may have something to do (PAY-10).

Never later than that; where nothing is to be expected, the clock puts them off for good.
"""
