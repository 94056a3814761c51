"""客户状况记录表 and 客户资料记录卡: a customer's record card as papers (OWN-04)."""

from __future__ import annotations

from collections.abc import Iterable

from crm_core.application.filing import FileItem
from crm_core.application.papers.base import HOUSEHOLD, Ask, Filled, Paper, line, printed
from crm_core.application.papers.household import (
    NAMED,
    REACHED,
    RECORDED,
    TOLD,
    TOLD_ON,
    VERIFIED_ON,
    file_of,
    stamps,
    stamps_of,
)
from crm_core.application.papers.model import (
    CARD,
    DAY,
    FEN,
    NUMBER,
    SIGN,
    TABLE,
    Line,
    Printed,
    Section,
    Value,
)
from crm_core.owners.card.standard import BUSINESS, accepted
from crm_core.owners.events import ConditionRecorded
from crm_core.owners.state import Role

CARD_ITEMS = ("employer", "post", "address", "mobile", "landline", "email", "wechat")
"""Items of the record card besides names, telephones and the contact frequency."""

STATUS_ITEMS = ("address", *BUSINESS, "contact_frequency", "preferred_way")


def _card_fields(*names: str) -> tuple[Printed, ...]:
    """Items of the card; of those with a closed list of words the kind is that of the item."""
    return tuple(printed(name, *TOLD, kind=name if accepted(name) else "text") for name in names)


_STATUS = (
    Section(
        "customer",
        CARD,
        (
            printed("household", "owners.household_registered/1.household", kind=SIGN),
            printed("name", *NAMED, *TOLD),
            *_card_fields("address", "legal_person", "general_manager"),
            printed("phone", *REACHED, *TOLD),
        ),
    ),
    Section(
        "business",
        CARD,
        (
            *_card_fields("main_business", "headcount", "business_state"),
            printed("sound", "owners.condition_recorded/1.sound", kind="sound"),
            printed("looked_on", "owners.condition_recorded/1.on", kind=DAY),
        ),
    ),
    Section("finance", CARD, _card_fields("bank", "loans", "cash_flow")),
    Section(
        "paying",
        CARD,
        (printed("paid_by", *TOLD), *_card_fields("payment_attitude", "cheques")),
    ),
    Section(
        "dealings",
        CARD,
        (
            printed("highest_purchase_fen", "payments.purchase_made/1.amount_fen", kind=FEN),
            printed(
                "monthly_purchases_fen",
                "payments.purchase_made/1.amount_fen",
                "payments.purchase_refunded/1.amount_fen",
                kind=FEN,
            ),
            *_card_fields("preferred_way", "contact_frequency"),
            printed("contacts", "requests.received/1.received_at", kind=NUMBER),
            *_card_fields("development_potential", "satisfaction"),
        ),
    ),
)


def _status(ask: Ask) -> Filled:
    file = file_of(ask)
    home, figures = file.household, file.figures
    said = _last(file.items())
    seen = [
        e.event
        for e in ask.events("owners.condition_recorded/1", households=[home])
        if isinstance(e.event, ConditionRecorded)
    ]
    look = max(seen, key=lambda one: one.on, default=None)
    facts: dict[str, Value] = {
        **{name: said.get(name) for name in ("name", "phone", *STATUS_ITEMS)},
        "household": home,
        "paid_by": said.get("payer"),
        "sound": None if look is None else look.sound,
        "looked_on": None if look is None else look.on,
        "highest_purchase_fen": figures.highest_purchase_fen,
        "monthly_purchases_fen": figures.monthly_purchases_fen,
        "contacts": figures.contacts,
    }
    return Filled(
        stamps=stamps(ask, file, RECORDED),
        lines={
            section.name: [line(home, **{f.name: facts[f.name] for f in section.fields})]
            for section in _STATUS
        },
    )


def _last(items: Iterable[FileItem]) -> dict[str, Value]:
    """Each item as it was told last, of whichever member."""
    found: dict[str, FileItem] = {}
    for one in items:
        before = found.get(one.item)
        if before is None or (before.preferred, before.told_on) <= (one.preferred, one.told_on):
            found[one.item] = one
    return {name: one.value for name, one in found.items()}


def _record_card(ask: Ask) -> Filled:
    file = file_of(ask)
    held = [one.member for one in file.family if any(_holds(r, ask) for r in one.roles)]
    return Filled(
        stamps=stamps(ask, file, RECORDED),
        lines={"cards": [_card(file.household, member, file.items()) for member in held]},
    )


def _holds(role: Role, ask: Ask) -> bool:
    return role.since <= ask.on and (role.until is None or ask.on <= role.until)


def _card(household: str, member: str, items: Iterable[FileItem]) -> Line:
    own = [one for one in items if one.member == member]
    said = _last(own)
    confirmed = [one.confirmed_on for one in own if one.confirmed_on is not None]
    return line(
        household,
        member=member,
        **{name: said.get(name) for name in ("name", "phone", *CARD_ITEMS, "contact_frequency")},
        told_on=max((one.told_on for one in own), default=None),
        confirmed_on=max(confirmed, default=None),
    )


STATUS = Paper(
    name="customer-status",
    about=HOUSEHOLD,
    stamps=stamps_of(RECORDED),
    fill=_status,
    sections=_STATUS,
)
"""客户状况记录表: what a customer is, does, has, pays and buys."""

RECORD_CARD = Paper(
    name="record-card",
    about=HOUSEHOLD,
    stamps=stamps_of(RECORDED),
    fill=_record_card,
    sections=(
        Section(
            "cards",
            TABLE,
            (
                printed("member", "owners.member_added/1.member", kind=SIGN),
                printed("name", *NAMED, *TOLD),
                printed("phone", *REACHED, *TOLD),
                *_card_fields(*CARD_ITEMS, "contact_frequency"),
                printed("told_on", *TOLD_ON, kind=DAY),
                printed("confirmed_on", VERIFIED_ON, kind=DAY),
            ),
            key=("member",),
        ),
    ),
)
"""客户资料记录卡: a line for each member who lives or works there, as it is told now."""
