"""客户资料管理档案: the household's file as a paper, category by category (OWN-03)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from crm_core.application.papers.base import HOUSEHOLD, Ask, Filled, Paper, line, printed
from crm_core.application.papers.household import (
    NAMED,
    OPENED,
    REACHED,
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
    INSTANT,
    NUMBER,
    SIGN,
    TABLE,
    Line,
    Section,
)


def _file(ask: Ask) -> Filled:
    file = file_of(ask)
    home, place, account = file.household, file.property, file.payments
    said = {(one.member, one.item): one.value for one in file.identity}
    identity = ("name", "phone")
    return Filled(
        stamps=stamps(ask, file, OPENED),
        lines={
            "property": [
                line(
                    home,
                    household=home,
                    estate=place.estate,
                    building=place.building,
                    unit=place.unit,
                    room=place.room,
                    customer_kind=place.kind,
                    moved_in=place.moved_in,
                    source=file.source,
                    keeper=file.keeper,
                    merged=", ".join(file.merged) or None,
                )
            ],
            "members": [
                line(
                    home,
                    member=role.member,
                    name=said.get((role.member, "name")),
                    phone=said.get((role.member, "phone")),
                    kind=one.kind,
                    role=role.role,
                    since=role.since,
                    until=role.until,
                    source=role.source,
                )
                for one in file.family
                for role in one.roles
            ],
            "card": [
                line(
                    home,
                    member=one.member,
                    item=one.item,
                    entry=one.entry or None,
                    value=one.value,
                    source=one.source,
                    told_on=one.told_on,
                    confirmed_on=one.confirmed_on,
                )
                for one in file.items()
                if one.item not in identity
            ],
            "interests": [line(home, service=service, on=on) for service, on in file.interests],
            "contacts": [
                line(
                    home,
                    at=one.at,
                    contact=one.what,
                    channel=one.channel or None,
                    number=one.number,
                )
                for one in file.contact_log
            ],
            "voices": [
                line(
                    home,
                    number=one.number,
                    request_kind=one.kind,
                    on=one.on,
                    request_status=one.status,
                )
                for one in file.voices
            ],
            "grades": _grades(ask, home),
            "account": [
                line(
                    home,
                    credit=account.credit,
                    overdue_days=account.overdue_days,
                    overdue_fen=account.overdue_fen,
                    advance_fen=account.advance_fen,
                )
            ],
            "unpaid": [
                line(
                    home,
                    charge=one["charge"],
                    due=date.fromisoformat(one["due"]),
                    amount_fen=one["amount_fen"],
                    unpaid_fen=one["unpaid_fen"],
                )
                for one in account.unpaid
            ],
            "leads": [
                line(home, member=one.member, on=one.on, lead=one.what, source=one.source or None)
                for one in file.leads
            ],
        },
    )


def _grades(ask: Ask, household: str) -> Iterator[Line]:
    """The grading of each year that held, and what it corrected (GRD-16)."""
    asked = ask.asked
    for now in ask.sources.gradings.history(household, on=asked.on, known=asked.known):
        yield line(
            household,
            year=str(now.grading.year),
            layer=now.layer,
            type=now.type,
            grading_status=now.status,
            credit=now.grading.facts.credit,
            run=now.grading.run,
        )


FILE = Paper(
    name="customer-file",
    about=HOUSEHOLD,
    stamps=stamps_of(OPENED),
    fill=_file,
    sections=(
        Section(
            "property",
            CARD,
            (
                printed("household", "owners.household_registered/1.household", kind=SIGN),
                printed("estate", "owners.household_registered/1.estate"),
                printed("building", "owners.household_registered/1.building"),
                printed("unit", "owners.household_registered/1.unit"),
                printed("room", "owners.household_registered/1.room"),
                printed("customer_kind", "owners.household_registered/1.kind", kind="kind"),
                printed("moved_in", "owners.household_registered/1.moved_in", kind=DAY),
                printed("source", "owners.household_registered/1.source", kind="source"),
                printed("keeper", "owners.keeper_assigned/1.keeper", kind=SIGN),
                printed("merged", "owners.household_merged/1.household", kind=SIGN),
            ),
        ),
        Section(
            "members",
            TABLE,
            (
                printed("member", "owners.member_added/1.member", kind=SIGN),
                printed("name", *NAMED, *TOLD),
                printed("phone", *REACHED, *TOLD),
                printed("kind", "owners.member_added/1.kind", kind="kind"),
                printed("role", "owners.member_added/1.role", kind="role"),
                printed("since", "owners.member_added/1.since", kind=DAY),
                printed("until", "owners.role_ended/1.until", kind=DAY),
                printed("source", "owners.member_added/1.source", kind="source"),
            ),
            key=("member", "role", "since"),
        ),
        Section(
            "card",
            TABLE,
            (
                printed("member", "owners.item_recorded/1.member", kind=SIGN),
                printed("item", "owners.item_recorded/1.item", kind="item"),
                printed("entry", "owners.item_recorded/1.entry", kind=SIGN),
                printed("value", *TOLD),
                printed("source", "owners.item_recorded/1.source", kind="source"),
                printed("told_on", *TOLD_ON, kind=DAY),
                printed("confirmed_on", VERIFIED_ON, kind=DAY),
            ),
            key=("member", "item", "entry"),
        ),
        Section(
            "interests",
            TABLE,
            (
                printed("service", "owners.interest_recorded/1.service"),
                printed("on", "owners.interest_recorded/1.on", kind=DAY),
            ),
            key=("service", "on"),
        ),
        Section(
            "contacts",
            TABLE,
            (
                printed(
                    "at",
                    "requests.received/1.received_at",
                    "requests.customer_answered/1.answered_at",
                    "requests.progress_noted/1.noted_at",
                    "requests.apologised/1.apologised_at",
                    "requests.confirmation_attempt_failed/1.attempted_at",
                    "messages.sent/1@recorded",
                    "opinions.recorded/1@recorded",
                    kind=INSTANT,
                ),
                printed("contact", "requests.received/1.rings", kind="contact"),
                printed(
                    "channel",
                    "requests.received/1.channel",
                    "requests.confirmation_attempt_failed/1.channel",
                    "messages.queued/1.channel",
                    "opinions.recorded/1.source",
                    kind="channel",
                ),
                printed(
                    "number",
                    "requests.received/1.request",
                    "messages.sent/1.message",
                    "opinions.recorded/1.opinion",
                    kind=SIGN,
                ),
            ),
            key=("at", "contact", "number"),
        ),
        Section(
            "voices",
            TABLE,
            (
                printed(
                    "number",
                    "requests.received/1.request",
                    "opinions.recorded/1.opinion",
                    kind=SIGN,
                ),
                printed(
                    "request_kind",
                    "requests.received/1.kind",
                    "requests.reclassified/1.kind",
                    kind="kind",
                ),
                printed(
                    "on",
                    "requests.received/1.received_at",
                    "opinions.recorded/1.on",
                    kind=DAY,
                ),
                printed(
                    "request_status",
                    "requests.closed/1.closed_at",
                    "requests.reopened/1.reopened_at",
                    kind="request",
                ),
            ),
            key=("number",),
        ),
        Section(
            "grades",
            TABLE,
            (
                printed("year", "gradings.decided/1.year", kind=SIGN),
                printed(
                    "layer",
                    "gradings.decided/1.outcome.layer",
                    "gradings.layer_uplifted/1.layer",
                    "gradings.review_decided/1.layer",
                    kind="layer",
                ),
                printed(
                    "type",
                    "gradings.decided/1.outcome.type",
                    "gradings.type_confirmed/1.type",
                    kind="type",
                ),
                printed(
                    "grading_status",
                    "gradings.decided/1.outcome.status",
                    "gradings.confirmed/1.role",
                    kind="status",
                ),
                printed("credit", "gradings.decided/1.facts.credit", kind=SIGN),
                printed("run", "gradings.decided/1.run", kind=SIGN),
            ),
            key=("run",),
        ),
        Section(
            "account",
            CARD,
            (
                printed(
                    "credit",
                    "payments.charge_raised/1.due",
                    "payments.payment_received/1.paid_on",
                    kind=SIGN,
                    data="money",
                ),
                printed("overdue_days", "payments.charge_raised/1.due", kind=NUMBER, data="money"),
                printed(
                    "overdue_fen",
                    "payments.charge_raised/1.amount_fen",
                    "payments.payment_received/1.amount_fen",
                    kind=FEN,
                ),
                printed("advance_fen", "payments.payment_received/1.amount_fen", kind=FEN),
            ),
        ),
        Section(
            "unpaid",
            TABLE,
            (
                printed("charge", "payments.charge_raised/1.charge", kind=SIGN),
                printed("due", "payments.charge_raised/1.due", kind=DAY),
                printed("amount_fen", "payments.charge_raised/1.amount_fen", kind=FEN),
                printed(
                    "unpaid_fen",
                    "payments.charge_raised/1.amount_fen",
                    "payments.payment_received/1.amount_fen",
                    kind=FEN,
                ),
            ),
            key=("charge",),
        ),
        Section(
            "leads",
            TABLE,
            (
                printed("member", "owners.prospect_recorded/1.prospect", kind=SIGN),
                printed(
                    "on",
                    "owners.prospect_recorded/1.on",
                    "owners.prospect_noted/1.on",
                    "owners.prospect_status_changed/1.on",
                    "owners.prospect_joined/1.on",
                    kind=DAY,
                ),
                printed("lead", "owners.prospect_status_changed/1.status", kind="lead"),
                printed(
                    "source",
                    "owners.prospect_recorded/1.source",
                    "owners.prospect_noted/1.source",
                    kind="source",
                ),
            ),
            key=("member", "on", "lead"),
        ),
    ),
)
"""客户资料管理档案: the household's file, category by category."""
