"""A household that is asked for its consent, and messages that wait for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from crm_core import CRM, Actor, Personal
from crm_core.kernel.word import Word
from crm_core.messages import Template, message_id
from crm_core.messages.commands import QueueMessage
from crm_core.owners import AddMember, RegisterHousehold
from crm_core.policies import PolicyBook
from crm_core.privacy import GiveConsent, PublishConsentText
from crm_core.slices import shipped

OWNER, TENANT = "V1#owner", "V1#m1"
CLERK, MANAGER = Actor("S17", "specialist"), Actor("B1", "manager")
TEXT = "我们将向您发送服务推广信息；您可随时撤回同意。"
MOVED_IN = date(2011, 3, 1)

WORDING = """
kind = "template"
purpose = "{purpose}"
personalised = false
[template]
name = "note-{purpose}"
version = 1
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA"
[zh]
subject = "通知"
body = "通知"
[en]
subject = "note"
body = "note"
"""


class HandClock:
    """A clock that stands at noon in Shanghai until it is moved."""

    def __init__(self) -> None:
        self._now = datetime(2024, 3, 4, 4, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


def marketing_book(*purposes: str) -> PolicyBook:
    """The shipped policies, and a template for each purpose."""
    book = shipped()
    for purpose in ("marketing", "service", "care", *purposes):
        book = book.add(Template.parse(WORDING.replace("{purpose}", purpose)))
    return book


def household(crm: CRM, number: str = "V1") -> None:
    """A household with an owner and a tenant."""
    crm.host.clock = HandClock()
    owner = Personal(f"{number}#owner", "王芳")
    crm.do(
        RegisterHousehold(number, "星河", "1", "1", number, owner=owner, moved_in=MOVED_IN),
        by=CLERK,
    )
    tenant = Personal(f"{number}#m1", "李雷")
    crm.do(AddMember(number, f"{number}#m1", "tenant", MOVED_IN, tenant), by=CLERK)


def published(crm: CRM, version: int = 1, since: date = MOVED_IN, **more: Any) -> None:
    crm.do(PublishConsentText("marketing", version, since, TEXT, **more), by=MANAGER)


def agreed(crm: CRM, member: str = OWNER, **more: Any) -> None:
    said = GiveConsent(
        "V1", member, "marketing", 1, crm.clock.now(), Word(member, "app", "entry 1"), **more
    )
    crm.do(said, by=CLERK)


def waiting_note(crm: CRM, purpose: str, cause: str = "cause:0", member: str = OWNER) -> str:
    """Queue a note; its number."""
    queued = QueueMessage("V1", cause, f"note-{purpose}", recipient=member)
    crm.do(queued, by=CLERK)
    return message_id(cause, f"note-{purpose}", member)
