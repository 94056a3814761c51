"""Care by the calendar: greetings with a small gift, birthdays, trials, news, needs (PLN-04).

The calendar is policy data. Once the company has begun to go by it, the clock opens what an
occasion asks for, household by household, each once; whoever objected, or did not agree where that
is needed, is left alone, and what waits for them is called back.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.kernel.word import Word
from crm_core.plans.policy import INFORMATION, PURPOSES, TRIAL, CarePolicy

OFFERS = (INFORMATION, TRIAL)
"""What staff offer a household beside the calendar."""


# --- events ----------------------------------------------------------------------------------


@frozen
class CareOpened:
    """An occasion is there, and the household is thought of: recorded by the clock (PLN-04).

    Args:
        care: Its number: the occasion and the year, of a birthday with the member.
        kind: One of `policy.OCCASION_KINDS`.
        member: Who is told of it.
        on: The day of the occasion.
        gift_fen: What the small gift costs at most; nothing where there is none.
        policy: The policy whose calendar it stands in.
    """

    household: str
    care: str
    occasion: str
    kind: str
    member: str
    on: date
    gift_fen: int
    policy: PolicyRef


@frozen
class GiftHandedOver:
    """The small gift reached the household."""

    household: str
    care: str
    on: date
    handed_by: str


@frozen
class CareCalledBack:
    """What waited for a household is not done any more; recorded by the clock.

    Args:
        because: `erased`, `late`, `left`, `refused`, `sold` or `void`.
    """

    household: str
    care: str
    because: str
    on: date


@frozen
class CareOffered:
    """A trial or news of a service was offered to a member who agreed to be told (S113)."""

    household: str
    care: str
    kind: str
    member: str
    what: Text
    on: date
    offered_by: str


@frozen
class ExperienceTold:
    """What a member said of what was offered to them."""

    household: str
    care: str
    on: date
    what: Text
    word: Word
    heard_by: str


@frozen
class ConsultationDue:
    """Somebody signed for a household, and is to be asked what they need; recorded by the clock.

    Args:
        tenure: The key of their tenure.
        on: Its first day, as far as it is known.
        due: The last day on which that is in time.
    """

    household: str
    tenure: str
    on: date
    due: date


@frozen
class NeedsConsulted:
    """What a household needs was asked for when it signed (S144)."""

    household: str
    tenure: str
    on: date
    needs: Text
    word: Word
    consulted_by: str


EVENTS = (
    EventType("plans.care_opened", 1, CareOpened, "on"),
    EventType("plans.gift_handed_over", 1, GiftHandedOver, "on"),
    EventType("plans.care_called_back", 1, CareCalledBack, "on"),
    EventType("plans.care_offered", 1, CareOffered, "on"),
    EventType("plans.experience_told", 1, ExperienceTold, "on"),
    EventType("plans.consultation_due", 1, ConsultationDue, "on"),
    EventType("plans.needs_consulted", 1, NeedsConsulted, "on"),
)


# --- state -----------------------------------------------------------------------------------


@define
class Care:
    """What was done for a household beside its plans.

    Args:
        opened: Occasions by their number.
        handed: Gifts that were handed over.
        called_back: Occasions that came to nothing.
        offered: Trials and news by their number.
        told: What members said of these.
        due: Consultations that are owed, by tenure.
        consulted: Those that were held, by tenure.
    """

    opened: GrowingMap[str, CareOpened] = EMPTY
    handed: GrowingMap[str, GiftHandedOver] = EMPTY
    called_back: GrowingMap[str, CareCalledBack] = EMPTY
    offered: GrowingMap[str, CareOffered] = EMPTY
    told: GrowingMap[str, ExperienceTold] = EMPTY
    due: GrowingMap[str, ConsultationDue] = EMPTY
    consulted: GrowingMap[str, NeedsConsulted] = EMPTY

    def gifts_open(self) -> list[CareOpened]:
        """Occasions whose gift was not handed over, and is still to be."""
        return [
            one
            for number, one in self.opened.items()
            if one.gift_fen and number not in self.handed and number not in self.called_back
        ]


GIFT_DAYS = 30
"""How long a gift is still one for its occasion."""


# --- commands --------------------------------------------------------------------------------


@frozen
class Willing:
    """What the library looks up about a household that is to be cared for.

    Args:
        day: The present day.
        gone: Why nobody is there to be cared for: `sold`, `void`, `erased`, or nothing.
        holding: Who holds a role in it.
        members: Who of them may be told of it for the purpose at hand, whom to tell first first.
        tenure: The key of the tenure of the day.
        tenure_since: Its first day; None where nobody knows one.
    """

    day: date
    gone: str
    holding: tuple[str, ...]
    members: tuple[str, ...]
    tenure: str
    tenure_since: date | None


@frozen
class OpenCare:
    """Open what an occasion asks for; the clock does.

    Args:
        occasion: One of the policy's.
        on: Its day.
        layer: The layer that may be used for care plans (GRD-14).
        member: Whose birthday it is.
    """

    household: str
    occasion: str
    on: date
    layer: str
    member: str = ""
    policy: CarePolicy = looked_up()
    willing: Willing = looked_up()


@frozen
class CallBackCare:
    """Call back what waits for a household that is gone, refused, or is late; the clock does."""

    household: str
    care: str
    willing: Willing = looked_up()


@frozen
class HandOverGift:
    """Record that the small gift of an occasion reached the household."""

    household: str
    care: Id
    on: date
    by: Actor = looked_up()
    willing: Willing = looked_up()


@frozen
class OfferCare:
    """Offer a trial or news of a service to a member who agreed to be told of such.

    Args:
        kind: One of `OFFERS`.
    """

    household: str
    care: Id
    kind: str
    member: Id
    what: str
    on: date
    by: Actor = looked_up()
    willing: Willing = looked_up()


@frozen
class TellExperience:
    """Record what a member said of what was offered to them, or of an occasion."""

    household: str
    care: Id
    what: str
    word: Word
    on: date
    by: Actor = looked_up()


@frozen
class OweConsultation:
    """Keep that who signed is to be asked what they need; the clock does."""

    household: str
    begun: date | None = looked_up()
    policy: CarePolicy = looked_up()
    willing: Willing = looked_up()


@frozen
class ConsultNeeds:
    """Record what a household needs, as it was asked when it signed (S144)."""

    household: str
    needs: str
    word: Word
    on: date
    by: Actor = looked_up()
    willing: Willing = looked_up()


# --- decisions -------------------------------------------------------------------------------


def care_id(occasion: str, on: date, member: str = "") -> str:
    """The number of what an occasion asks for: once a year, of a birthday for each member."""
    return f"{occasion}-{on.year}" + (f"-{member}" if member else "")


def _open(command: OpenCare, state: Care) -> Decision:
    """Nothing, where there is nobody who may be told, or nothing is meant for them."""
    willing, occasion = command.willing, command.policy.occasion(command.occasion)
    care = care_id(command.occasion, command.on, command.member)
    if occasion is None or willing.gone or care in state.opened:
        return ()
    members = willing.members
    member = command.member if command.member in members else ""
    if not command.member:
        member = next(iter(members), "")
    if not member or command.layer not in occasion.layers:
        return ()
    return (
        CareOpened(
            household=command.household,
            care=care,
            occasion=occasion.name,
            kind=occasion.kind,
            member=member,
            on=command.on,
            gift_fen=occasion.gifts_fen.get(command.layer, 0),
            policy=command.policy.ref,
        ),
    )


def _call_back(command: CallBackCare, state: Care) -> Decision:
    opened = next((one for one in state.gifts_open() if one.care == command.care), None)
    if opened is None:
        return ()
    because = _barred(opened, command.willing)
    if not because:
        return ()
    return (CareCalledBack(command.household, command.care, because, command.willing.day),)


def _barred(opened: CareOpened, willing: Willing) -> str:
    """Why what was opened is not done any more; an empty text if it is."""
    if willing.gone:
        return willing.gone
    if opened.member not in willing.holding:
        return "left"
    if opened.member not in willing.members:
        return "refused"
    return "late" if willing.day > opened.on + timedelta(days=GIFT_DAYS) else ""


def _hand_over(command: HandOverGift, state: Care) -> Decision:
    opened = state.opened.get(command.care)
    if opened is None or not opened.gift_fen:
        return Refusal("unknown_gift", "PLN-04", {"care": command.care})
    if command.care in state.handed:
        return Refusal("gift_handed_over", "PLN-04", {"care": command.care})
    back = state.called_back.get(command.care)
    # One that is late may still have reached them in time, and only comes to be known.
    late = back is not None and back.because == "late"
    if back is not None and not late:
        return Refusal("care_called_back", "PLN-04", {"because": back.because})
    barred = _barred(opened, command.willing)
    if barred not in ("", "late"):
        return Refusal("care_called_back", "PLN-04", {"because": barred})
    first = opened.on - timedelta(days=GIFT_DAYS)
    if not first <= command.on <= opened.on + timedelta(days=GIFT_DAYS):
        details = {"from": first.isoformat(), "days": GIFT_DAYS}
        return Refusal("gift_not_in_time", "PLN-04", details)
    return (GiftHandedOver(command.household, command.care, command.on, command.by.id),)


def _offer(command: OfferCare, state: Care) -> Decision:
    if command.kind not in OFFERS:
        return unknown("offer", command.kind, OFFERS, rule="PLN-04")
    if not command.care or command.care in state.offered or command.care in state.opened:
        return Refusal("care_exists", "PLN-04", {"care": command.care})
    if command.willing.gone:
        return Refusal("household_gone", "PLN-04", sentence=f"household_{command.willing.gone}")
    if command.member not in command.willing.members:
        details = {"member": command.member, "purpose": PURPOSES[command.kind]}
        return Refusal("care_refused", "PLN-04", details)
    if not command.what.strip():
        return Refusal("note_missing", "PLN-04", sentence="note_missing_offer")
    return (
        CareOffered(
            household=command.household,
            care=command.care,
            kind=command.kind,
            member=command.member,
            what=command.what,
            on=command.on,
            offered_by=command.by.id,
        ),
    )


def _tell(command: TellExperience, state: Care) -> Decision:
    about = state.offered.get(command.care) or state.opened.get(command.care)
    if about is None:
        return Refusal("unknown_care", "PLN-04", {"care": command.care})
    if command.care in state.told:
        return Refusal("experience_told", "PLN-04", {"care": command.care})
    if isinstance(about, CareOffered) and command.on < about.on:
        details = {"earliest": about.on.isoformat()}
        return Refusal("too_early", "PLN-04", details, "too_early_plan")
    if not command.what.strip():
        return Refusal("note_missing", "PLN-04", sentence="note_missing_experience")
    return (
        ExperienceTold(
            household=command.household,
            care=command.care,
            on=command.on,
            what=command.what,
            word=command.word,
            heard_by=command.by.id,
        ),
    )


def _owe(command: OweConsultation, state: Care) -> Decision:
    willing = command.willing
    since = willing.tenure_since
    if willing.gone or since is None or willing.tenure in state.due:
        return ()
    if willing.tenure in state.consulted or command.begun is None or since < command.begun:
        return ()
    due = since + timedelta(days=command.policy.consultation_days)
    if willing.day > due:
        # Who came long ago, and was not known to have come, is a matter of the next visit.
        return ()
    return (ConsultationDue(command.household, willing.tenure, since, due),)


def _consult(command: ConsultNeeds, state: Care) -> Decision:
    willing = command.willing
    if willing.gone:
        return Refusal("household_gone", "PLN-04", sentence=f"household_{willing.gone}")
    if willing.tenure in state.consulted:
        return Refusal("needs_consulted", "PLN-04", {"household": command.household})
    if not command.needs.strip():
        return Refusal("note_missing", "PLN-04", sentence="note_missing_needs")
    return (
        NeedsConsulted(
            household=command.household,
            tenure=willing.tenure,
            on=command.on,
            needs=command.needs,
            word=command.word,
            consulted_by=command.by.id,
        ),
    )


_DECIDE: dict[type, Any] = {
    OpenCare: _open,
    CallBackCare: _call_back,
    HandOverGift: _hand_over,
    OfferCare: _offer,
    TellExperience: _tell,
    OweConsultation: _owe,
    ConsultNeeds: _consult,
}

_INSIDE = frozenset({OpenCare, CallBackCare, OweConsultation})


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


CARE = Aggregate(
    Decider(
        "care",
        Care(),
        by_command(_DECIDE),
        by_event(
            {
                CareOpened: lambda s, e: attrs.evolve(s, opened=s.opened.add(e.care, e)),
                GiftHandedOver: lambda s, e: attrs.evolve(s, handed=s.handed.add(e.care, e)),
                CareCalledBack: lambda s, e: attrs.evolve(
                    s, called_back=s.called_back.add(e.care, e)
                ),
                CareOffered: lambda s, e: attrs.evolve(s, offered=s.offered.add(e.care, e)),
                ExperienceTold: lambda s, e: attrs.evolve(s, told=s.told.add(e.care, e)),
                ConsultationDue: lambda s, e: attrs.evolve(s, due=s.due.add(e.tenure, e)),
                NeedsConsulted: lambda s, e: attrs.evolve(
                    s, consulted=s.consulted.add(e.tenure, e)
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    _household,
    _household,
    inside=_INSIDE,
    closed_by_merge=frozenset(_DECIDE) - _INSIDE,
    void_too=True,
)

__all__ = [
    "CARE",
    "EVENTS",
    "CallBackCare",
    "Care",
    "CareCalledBack",
    "CareOffered",
    "CareOpened",
    "ConsultNeeds",
    "ConsultationDue",
    "ExperienceTold",
    "GiftHandedOver",
    "HandOverGift",
    "NeedsConsulted",
    "OfferCare",
    "OpenCare",
    "OweConsultation",
    "TellExperience",
    "Willing",
    "care_id",
]
