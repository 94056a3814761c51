"""Reports to owners: figures as they follow from the log, drafted and derived again (SUR-05).

`CRM.care.publications` is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from crm_core.application.adopted import NOT_FACTS
from crm_core.application.desk import Desk
from crm_core.application.host import Host, present_day
from crm_core.application.requests import Requests
from crm_core.application.surveys import Surveys
from crm_core.errors import Invalid, Refused
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor, Cutoff
from crm_core.kernel.refusals import unknown
from crm_core.kernel.values import frozen
from crm_core.owners.facts import REGISTERED
from crm_core.payments.events import ACCOUNT_EVENTS
from crm_core.payments.facts import (
    CreditRefunded,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
)
from crm_core.surveys import PUBLICATION
from crm_core.surveys.events import SURVEY_EVENTS, SurveyClosed
from crm_core.surveys.forum_events import (
    FORUM_EVENTS,
    ForumChecked,
    ForumDayMissed,
    ForumWatched,
)
from crm_core.surveys.publications import (
    CATEGORIES,
    COUNT,
    FEN,
    KINDS,
    PUBLICATION_EVENTS,
    SERVICE,
    SHARE,
    DraftPublication,
    Figure,
    Publication,
    PublicationDrafted,
    SpendingRecorded,
    SpendingWithdrawn,
)
from crm_core.surveys.views import SurveyRow

_MONEY = (PaymentReceived, PaymentReversed, PaymentMovedIn, PaymentMovedOut, CreditRefunded)
_MONEY_NAMES = frozenset(kind.stored for kind in ACCOUNT_EVENTS if kind.cls in _MONEY)
_SPENT = (SpendingRecorded, SpendingWithdrawn)
_SPENDING_NAMES = frozenset(kind.stored for kind in PUBLICATION_EVENTS if kind.cls in _SPENT)
_WATCHING = (ForumChecked, ForumDayMissed, ForumWatched)
_FORUM_NAMES = frozenset(kind.stored for kind in FORUM_EVENTS if kind.cls in _WATCHING)
_CLOSED = frozenset(kind.stored for kind in SURVEY_EVENTS if kind.cls is SurveyClosed)


@frozen
class Differing:
    """A figure that does not follow from the log as it stands in the draft.

    Args:
        figure: What it is of, by its code.
        of: The survey or the category, where it is one of several.
        drafted: Its value in the draft; None where the draft has none.
        derived: Its value as it follows from the log; None where none does.
    """

    figure: str
    of: str
    unit: str
    drafted: int | None
    derived: int | None


@frozen
class Derived:
    """A publication and what its figures are, derived again as known at its cut-off.

    Args:
        differing: Figures that are other now, come beside, or gone; nothing where all follow from
            the log.
    """

    publication: Publication
    differing: tuple[Differing, ...]


class Publications:
    """Reports to owners.

    Args:
        host: Ports and policies.
        desk: Knows who may, and records.
        requests: What was asked for, and done.
        surveys: What owners think.
    """

    def __init__(self, host: Host, desk: Desk, requests: Requests, surveys: Surveys) -> None:
        self._host, self._desk = host, desk
        self._requests, self._surveys = requests, surveys

    def draft(
        self,
        publication: str,
        kind: str,
        estate: str,
        start: date,
        end: date,
        *,
        by: Actor,
        id: str | None = None,
    ) -> PublicationDrafted:
        """Draft a report of a period that is over; somebody else approves it.

        Args:
            kind: `service` or `statement`.
            estate: Of which estate; empty for all.
            id: Command id, as for `CRM.do`.

        Raises:
            Refused: the period is not over, there is such a publication, or it is not for `by`.
        """
        self._desk.may(by, "draft-publication")
        if kind not in KINDS:
            raise Refused(unknown("kind", kind, KINDS, rule="SUR-05"))
        if end < start:
            raise Refused(Refusal("period_backwards", "SUR-05"))
        today = present_day(self._host)
        if end >= today:
            raise Refused(Refusal("period_not_over", "SUR-05", {"today": today.isoformat()}))
        cutoff = self._host.log.cutoff(None, without=NOT_FACTS)
        command = DraftPublication(
            publication=publication,
            kind=kind,
            estate=estate,
            start=start,
            end=end,
            figures=self._figures(kind, estate, Period(start, end), cutoff, by),
            position=cutoff.position,
            known=cutoff.known,
        )
        receipt = self._desk.within(command, by=by, id=id)
        [drafted] = receipt.events
        assert isinstance(drafted, PublicationDrafted)
        return drafted

    def derived(self, publication: str, *, by: Actor) -> Derived:
        """A publication with its figures derived again from the log (SUR-05).

        Raises:
            Invalid: there is no such publication.
            Refused: it is not for `by`.
        """
        self._desk.may(by, "see-surveys")
        state = self._state(publication)
        drafted = state.drafted
        if drafted is None:
            raise Invalid.one("publication_unknown", publication=publication)
        cutoff = Cutoff(position=drafted.position, known=drafted.known)
        period = Period(drafted.start, drafted.end)
        again = self._figures(drafted.kind, drafted.estate, period, cutoff, by)
        return Derived(state, _differing(drafted.figures, again))

    def published(self, publication: str) -> Publication:
        """A publication that owners may read.

        Raises:
            Refused: it is not published.
        """
        state = self._state(publication)
        if not state.published:
            details = {"publication": publication}
            raise Refused(Refusal("not_published", "SUR-05", details))
        return state

    def _state(self, publication: str) -> Publication:
        state: Publication
        decider = PUBLICATION.decider
        state, _ = self._host.log.fold(
            PUBLICATION.stream(publication), decider.evolve, decider.initial
        )
        return state

    # --- figures ---------------------------------------------------------------------------

    def _figures(
        self, kind: str, estate: str, period: Period, cutoff: Cutoff, by: Actor
    ) -> tuple[Figure, ...]:
        if kind == SERVICE:
            return tuple(self._service(estate, period, cutoff, by))
        return tuple(self._statement(estate, period, cutoff))

    def _service(self, estate: str, period: Period, cutoff: Cutoff, by: Actor) -> Iterator[Figure]:
        """What was asked for and done, what owners think, how the forum was watched."""
        counted = self._requests.counted_of(estate, period, cutoff)
        for name, number in counted.items():
            yield Figure(f"requests_{name}", "", COUNT, number)
        for row in self._closed(estate, period, cutoff):
            found = self._surveys.result(row.survey, by=by, cutoff=cutoff)
            yield Figure("survey_answers", row.survey, COUNT, found.said.answers)
            yield Figure("survey_dropped", row.survey, COUNT, found.said.dropped)
            shares = (
                ("survey_reached", found.reach.value),
                ("survey_returned", found.returned.value),
                ("survey_satisfied", found.said.satisfied.value),
                ("survey_satisfied_from", found.said.satisfied.low),
                ("survey_satisfied_to", found.said.satisfied.high),
                ("survey_index", found.said.index.value),
            )
            for name, value in shares:
                if value is not None:
                    yield Figure(name, row.survey, SHARE, value)
        checked, missed = self._watched(estate, period, cutoff)
        yield Figure("forum_checked", "", COUNT, checked)
        yield Figure("forum_missed", "", COUNT, missed)

    def _closed(self, estate: str, period: Period, cutoff: Cutoff) -> list[SurveyRow]:
        """Surveys whose last day lies in the period, closed by the cut-off."""
        closed = {
            recorded.event.survey
            for recorded in self._host.log.feed(upto=cutoff.position, names=_CLOSED)
            if cutoff.sees(recorded)
        }
        return sorted(
            (
                row
                for row in self._surveys.listed()
                if row.survey in closed and row.closes_on in period and row.estate == estate
            ),
            key=lambda row: row.survey,
        )

    def _watched(self, estate: str, period: Period, cutoff: Cutoff) -> tuple[int, int]:
        estates: dict[str, str] = {}
        counted: Counter[type] = Counter()
        for recorded in self._host.log.feed(upto=cutoff.position, names=_FORUM_NAMES):
            event: Any = recorded.event
            if not cutoff.sees(recorded):
                continue
            if isinstance(event, ForumWatched):
                estates[event.forum] = event.estate
            elif event.on in period and estate in ("", estates.get(event.forum)):
                counted[type(event)] += 1
        return counted[ForumChecked], counted[ForumDayMissed]

    def _statement(self, estate: str, period: Period, cutoff: Cutoff) -> Iterator[Figure]:
        """What came in, was taken back and paid back, and what was spent on what."""
        money = self._money(estate, period, cutoff)
        names = ("received", "reversed", "refunded")
        for name in names:
            yield Figure(f"income_{name}", "", FEN, money[name])
        income = money["received"] - money["reversed"] - money["refunded"]
        yield Figure("income", "", FEN, income)
        spent = self._spent(estate, period, cutoff)
        for category in CATEGORIES:
            if spent[category]:
                yield Figure("spent_on", category, FEN, spent[category])
        yield Figure("spent", "", FEN, sum(spent.values()))
        yield Figure("balance", "", FEN, income - sum(spent.values()))

    def _money(self, estate: str, period: Period, cutoff: Cutoff) -> Counter[str]:
        """By the day on which it was paid, came back, or was paid back: what moved is no income."""
        found: Counter[str] = Counter()
        names = _MONEY_NAMES | {REGISTERED}
        for _, facts in self._host.log.facts(upto=cutoff.position, names=names):
            place, amounts = "", dict[str, int]()
            for _, recorded, event in facts:
                if not _seen(cutoff, recorded):
                    continue
                match event:
                    case PaymentReceived() | PaymentMovedIn():
                        amounts[event.payment] = event.amount_fen
                        if event.paid_on in period and estate in ("", place):
                            found["received"] += event.amount_fen
                    case PaymentMovedOut():
                        if event.paid_on in period and estate in ("", place):
                            found["received"] -= event.amount_fen
                    case PaymentReversed():
                        if event.on in period and estate in ("", place):
                            found["reversed"] += amounts.get(event.payment, 0)
                    case CreditRefunded():
                        if event.on in period and estate in ("", place):
                            found["refunded"] += event.amount_fen
                    case _:
                        place = event.estate
        return found

    def _spent(self, estate: str, period: Period, cutoff: Cutoff) -> Counter[str]:
        standing: dict[str, SpendingRecorded] = {}
        for recorded in self._host.log.feed(upto=cutoff.position, names=_SPENDING_NAMES):
            event: Any = recorded.event
            if not cutoff.sees(recorded):
                continue
            if isinstance(event, SpendingRecorded):
                standing[event.spending] = event
            else:
                standing.pop(event.spending, None)
        found: Counter[str] = Counter()
        for one in standing.values():
            if one.on in period and estate in ("", one.estate):
                found[one.category] += one.amount_fen
        return found


def _differing(drafted: tuple[Figure, ...], derived: tuple[Figure, ...]) -> tuple[Differing, ...]:
    """What the two do not have in common, in the order of what is derived; what is gone last."""
    before = {(one.figure, one.of, one.unit): one.value for one in drafted}
    now = {(one.figure, one.of, one.unit): one.value for one in derived}
    return tuple(
        Differing(*key, drafted=before.get(key), derived=now.get(key))
        for key in dict.fromkeys((*now, *before))
        if before.get(key) != now.get(key)
    )


def _seen(cutoff: Cutoff, recorded: datetime) -> bool:
    return recorded <= cutoff.known
