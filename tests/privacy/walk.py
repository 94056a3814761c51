"""Every command that is registered, given once, with a canary in every text and personal value."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from crm_core import PolicyBook
from crm_core.requests.sla import SlaPolicy
from crm_core.slices import shipped
from privacy import walk_money, walk_people, walk_plans, walk_service
from privacy.singing import HOME, KEEPER, OWNER, TENANT, ZHAO, Choir

PARTS = (
    walk_people.staff,
    walk_people.files,
    walk_people.cards,
    walk_people.prospects,
    walk_people.leaks,
    walk_people.rights,
    walk_plans.care,
    walk_people.holds,
    walk_people.messages,
    walk_plans.plans,
    walk_money.money,
    walk_service.requests,
    walk_service.calls,
    walk_service.visits,
    walk_service.opinions,
    walk_service.surveys,
    walk_service.forum,
    walk_money.collection,
    walk_plans.feast,
    walk_money.refunds,
    walk_money.gradings,
    walk_plans.archive,
    walk_plans.unwished,
    walk_people.leaving,
)
"""In the order in which it happens, from 2024 to 2028."""

MEMBERS = (OWNER, TENANT, "V1#child", "V1#guest", "P00001")

GONE = (HOME, *MEMBERS, ZHAO, "V3#owner")
"""Whose canaries are gone in the end."""


def book() -> PolicyBook:
    """The shipped policies, and clocks of requests that go by public holidays from March on."""
    text = (files("crm_core") / "requests" / "policies" / "sla-cn-default.toml").read_text("utf-8")
    zone = 'zone = "Asia/Shanghai"'
    for old, new in (
        ("version = 1", "version = 2"),
        ("2000-01-01", "2024-03-05"),
        (zone, f'{zone}\npublic_holidays = "cn"\nmake_up_day = "fri"'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    return shipped().add(SlaPolicy.parse(text))


def walk(choir: Choir, theirs: Path) -> None:
    """All of it but the erasing; files of people's own are put where nothing of ours lies."""
    for part in PARTS:
        part(choir)
    walk_people.imports(choir, theirs)


def forget(choir: Choir) -> None:
    """A household, a member who has sold, and one of the staff are erased."""
    privacy, new = choir.crm.privacy, choir.canaries.new
    privacy.erase(HOME, by=KEEPER, purpose=new(HOME))
    privacy.erase("V3", "V3#owner", by=KEEPER, purpose=new("V3#owner"))
    privacy.erase_staff(ZHAO, by=KEEPER, purpose=new(ZHAO))
    choir.tick()
