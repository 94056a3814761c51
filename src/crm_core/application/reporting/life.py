"""One household's life, from its events: sums of the ordinary, and moments of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from attrs import evolve, field

from crm_core.application.accounts import Told
from crm_core.application.reporting.model import Life, LifeYear, Moment
from crm_core.gradings.events import GradingDecided
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import define
from crm_core.payments.changes import CreditChange
from crm_core.payments.credit import GRADES, CreditPolicy, credit_standing
from crm_core.payments.events import ChargeRaised, PaymentReceived, PurchaseMade

CREDIT = "credit"
"""What is called a moment at which credit changed."""

CALENDAR = "calendar"
"""By what it changed where a charge grew older."""

_QUIET = frozenset(
    {
        "owners.member_added",
        "owners.place_claimed",
        "payments.collection_grade_changed",
        "payments.collection_step_opened",
        "payments.collection_step_proposed",
        "visits.called_off",
        "visits.renewed",
        "visits.scheduled",
    }
)
"""What says no more than what stands beside it, or is arranged and not done."""

_OUTCOMES = {
    "requests.clock_breached": "late",
    "requests.commitment_broken": "promise_broken",
    "requests.apologised": "apologised",
    "requests.reopened": "reopened",
    "requests.closed": "closed",
}
"""What is told of a request beside that it came, in this order."""

_RECEIVED = "requests.received"

_NUMBERS = ("charge", "payment", "waiver", "refund", "purchase", "promise", "visit")


@define
class _Sums:
    charges: int = 0
    charged_fen: int = 0
    payments: int = 0
    paid_fen: int = 0
    purchases: int = 0
    bought_fen: int = 0
    moments: list[Moment] = field(factory=list)


def life(
    events: Iterable[Recorded[Any]],
    account: Told,
    changed: Iterable[CreditChange],
    on: date,
    table: CreditPolicy,
) -> Life:
    """What happened to a household up to a day, year by year.

    Args:
        events: All that is about it, in the order of the log.
        changed: The changes of its credit.
    """
    years: dict[int, _Sums] = {}
    household = account.household
    moments = [_credit(household, one) for one in changed if _matters(one)]
    requests: dict[str, Moment] = {}
    for recorded in events:
        day = recorded.effective
        if day > on:
            continue
        if recorded.name.startswith("requests."):
            _of_request(requests, household, recorded)
            continue
        sums = years.setdefault(day.year, _Sums())
        match recorded.event:
            case ChargeRaised(amount_fen=fen):
                sums.charges, sums.charged_fen = sums.charges + 1, sums.charged_fen + fen
            case PaymentReceived(amount_fen=fen):
                sums.payments, sums.paid_fen = sums.payments + 1, sums.paid_fen + fen
            case PurchaseMade(amount_fen=fen):
                sums.purchases, sums.bought_fen = sums.purchases + 1, sums.bought_fen + fen
            case _:
                moments.extend(_moment(household, recorded))
    for moment in sorted([*moments, *requests.values()], key=lambda one: (one.on, one.position)):
        _add(years.setdefault(moment.on.year, _Sums()).moments, moment)
    return Life(
        household,
        tuple(_year(household, year, years[year], account, on, table) for year in sorted(years)),
    )


def _year(
    household: str, year: int, sums: _Sums, account: Told, on: date, table: CreditPolicy
) -> LifeYear:
    books = account.books
    began = account.file.moved_in or date.min
    return LifeYear(
        household=household,
        year=year,
        months=tuple(
            credit_standing(books[account.held.index(day)], day, table).grade
            if began <= day <= on
            else ""
            for day in _month_ends(year)
        ),
        charges=sums.charges,
        charged_fen=sums.charged_fen,
        payments=sums.payments,
        paid_fen=sums.paid_fen,
        purchases=sums.purchases,
        bought_fen=sums.bought_fen,
        moments=tuple(sums.moments),
    )


def _month_ends(year: int) -> Sequence[date]:
    firsts = [date(year, month, 1) for month in range(2, 13)] + [date(year + 1, 1, 1)]
    return [first - timedelta(days=1) for first in firsts]


def _matters(change: CreditChange) -> bool:
    """Whether it was more than a charge paid some days late."""
    return max(GRADES.index(change.before), GRADES.index(change.after)) > 1


def _of_request(requests: dict[str, Moment], household: str, recorded: Recorded[Any]) -> None:
    """One moment for each request, with what came of it."""
    number = str(getattr(recorded.event, "request", ""))
    what = recorded.name.partition("/")[0]
    if what == _RECEIVED:
        told = _told(household, recorded, number=number, kind=recorded.event.kind)
        requests.setdefault(number, told)
    elif number in requests and what in _OUTCOMES:
        before = requests[number]
        found = {*before.outcomes, _OUTCOMES[what]}
        ordered = tuple(one for one in _OUTCOMES.values() if one in found)
        requests[number] = evolve(before, outcomes=ordered)


def _credit(household: str, change: CreditChange) -> Moment:
    cause = CALENDAR if change.calendar else ""
    if change.causes and not cause:
        cause = change.causes[0].what
    return Moment(
        household=household,
        on=change.day,
        what=CREDIT,
        number=change.causes[0].number if change.causes else "",
        kind="",
        times=1,
        outcomes=(),
        fen=None,
        before=change.before,
        after=change.after,
        cause=cause,
        layer="",
        position=change.causes[-1].position if change.causes else 0,
    )


def _moment(household: str, recorded: Recorded[Any]) -> Iterator[Moment]:
    event = recorded.event
    if recorded.name.partition("/")[0] in _QUIET:
        return
    numbers = (getattr(event, name, None) for name in _NUMBERS)
    fen = getattr(event, "amount_fen", None)
    yield _told(
        household,
        recorded,
        number=next((one for one in numbers if isinstance(one, str)), ""),
        fen=fen if isinstance(fen, int) else None,
        layer=event.outcome.layer if isinstance(event, GradingDecided) else "",
    )


def _told(
    household: str,
    recorded: Recorded[Any],
    *,
    number: str,
    kind: str = "",
    fen: int | None = None,
    layer: str = "",
) -> Moment:
    return Moment(
        household=household,
        on=recorded.effective,
        what=recorded.name.partition("/")[0],
        number=number,
        kind=kind,
        times=1,
        outcomes=(),
        fen=fen,
        before="",
        after="",
        cause="",
        layer=layer,
        position=recorded.position,
    )


def _add(moments: list[Moment], one: Moment) -> None:
    """One more moment; what happened several times on a day is one."""
    last = moments[-1] if moments else None
    same = last and (last.on, last.what, last.number) == (one.on, one.what, one.number)
    if last is not None and same and one.what != CREDIT:
        moments[-1] = evolve(last, times=last.times + 1)
    else:
        moments.append(one)
