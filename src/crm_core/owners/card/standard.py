"""The one data standard of the record card: its items, and how they are written (OWN-05).

Names, and whatever else people are called by, are kept as they were written; what can be compared
is brought to one form, so that the same number is not two.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping

from crm_core.kernel.decider import Refusal
from crm_core.kernel.sealed import Personal
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_phone, fold_width
from crm_core.kernel.word import CHANNELS

CONTACTS = ("address", "email", "landline", "mobile", "wechat")
"""Items by which a member is reached; each may have a language, hours, and be preferred."""

BUSINESS = (
    "bank",
    "business_state",
    "cash_flow",
    "cheques",
    "development_potential",
    "general_manager",
    "headcount",
    "legal_person",
    "loans",
    "main_business",
    "payer",
    "payment_attitude",
    "satisfaction",
)
"""Items of the customer status record (客户状况记录表) of a company."""

SEGMENTED = ("age_band", "birthday", "family_stage", "interest", "key_household", "occupation")
"""Items that households are counted by, on a basis alone, and that no grade sees (OWN-11)."""

WISHES = ("contact_frequency", "need", "preference", "preferred_way")
"""Needs and preferences."""

ITEMS = (*CONTACTS, *BUSINESS, *SEGMENTED, *WISHES, "employer", "post")
"""Everything that stands on a card."""

IDENTITY = ("name", "phone")
"""What stands in the file itself; a change of it can be proposed like that of an item."""

AGE_BANDS = ("0-17", "18-34", "35-59", "60-79", "80+")
FAMILY_STAGES = ("children", "couple", "elders", "several_generations", "single")
FREQUENCIES = ("daily", "weekly", "monthly", "quarterly", "yearly", "on_occasion")
KEY = ("yes", "no")

_CLOSED: Mapping[str, tuple[str, ...]] = {
    "age_band": AGE_BANDS,
    "contact_frequency": FREQUENCIES,
    "family_stage": FAMILY_STAGES,
    "key_household": KEY,
    "preferred_way": CHANNELS,
}
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BIRTHDAY = re.compile(r"(\d{2})-(\d{2})", re.ASCII)


def accepted(item: str) -> tuple[str, ...]:
    """The words of an item that has a closed list of them; nothing of another."""
    return _CLOSED.get(item, ())


def in_standard(item: str, text: str) -> str | None:
    """An item as it is kept; None where it is not written as such an item is.

    >>> in_standard("mobile", "１３８ 0013-8000")
    '13800138000'
    """
    words = accepted(item)
    if words:
        return text if text in words else None
    return _FORMS.get(item, _as_written)(text)


def kept(item: str, value: Personal) -> Personal | Refusal:
    """The value as it is kept; what was typed is not repeated in a refusal."""
    text = value.reveal()
    form = in_standard(item, text)
    if form is not None:
        return value if form == text else Personal(value.subject, form)
    words = accepted(item)
    sentence = "item_malformed_list" if words else ""
    return Refusal("item_malformed", "OWN-05", {"item": item, "accepted": [*words]}, sentence)


def contact(
    name: Personal | None, phone: Personal | None
) -> tuple[Personal | None, Personal | None] | Refusal:
    """Name and number of somebody as they are kept: whoever enters them, and wherever."""
    named = None if name is None else kept("name", name)
    if isinstance(named, Refusal):
        return named
    reached = None if phone is None else kept("phone", phone)
    return reached if isinstance(reached, Refusal) else (named, reached)


def _as_written(text: str) -> str | None:
    return text if text.strip() else None


def _number(text: str) -> str | None:
    try:
        return check_phone(text)
    except Malformed:
        return None


def _mail(text: str) -> str | None:
    folded = fold_width(text).strip()
    if _MAIL.fullmatch(folded) is None:
        return None
    name, _, domain = folded.rpartition("@")
    return f"{name}@{domain.lower()}"


def _reached(text: str) -> str | None:
    """A number, or a mail address where that is how somebody is written to."""
    return _mail(text) if "@" in text or "＠" in text else _number(text)


def _birthday(text: str) -> str | None:
    """Month and day; the year of birth is nobody's business here."""
    found = _BIRTHDAY.fullmatch(fold_width(text).strip())
    if found is None:
        return None
    month, day = (int(part) for part in found.groups())
    # Of a leap year, so that 29 February is a birthday.
    return found.group() if 1 <= month <= 12 and 1 <= day <= monthrange(2000, month)[1] else None


def _headcount(text: str) -> str | None:
    folded = fold_width(text).strip()
    return folded if re.fullmatch(r"[0-9]{1,9}", folded) else None


_FORMS: Mapping[str, Callable[[str], str | None]] = {
    "birthday": _birthday,
    "email": _mail,
    "headcount": _headcount,
    "landline": _number,
    "mobile": _number,
    "phone": _reached,
}
