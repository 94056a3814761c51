"""`crm notify`, `messages`, `preference`, `preferences`: tell households and staff what is due, and
keep what households want to hear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import attrs
import click

from crm_adapters.cli.group import (
    FOUND,
    App,
    check_household,
    command,
    said_by_member,
    word_of,
)
from crm_adapters.cli.keeping import keep_up, polled
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import told_value
from crm_adapters.cli.values import OneOf
from crm_adapters.notify.opening import open_notifier
from crm_adapters.notify.outbox import ANY_CHANNEL, Dispatched, Outbox, notices
from crm_adapters.projections.worker import Worker
from crm_core.errors import Invalid
from crm_core.kernel.sealed import Withheld
from crm_core.messages import ChangePreference
from crm_core.ports import Notifier

_FOR_CHANNEL = re.compile(r"([a-z_]+)=(.+)", re.DOTALL)


@command("notify")
@click.option(
    "--to",
    "urls",
    multiple=True,
    required=True,
    metavar="[CHANNEL=]URL",
)
@click.option("--once", is_flag=True)
@polled
def notify(app: App, urls: Sequence[str], once: bool, poll: float) -> int:
    """Keep sending households the messages that are due, until told to end.

    An interrupt or a request to terminate ends it after the message in hand.
    """
    total = Dispatched()
    with ExitStack() as stack:
        notifiers = _notifiers(urls, stack)
        opened = stack.enter_context(app.open())
        outbox = Outbox(opened, notifiers)

        def send(stop: Callable[[], bool]) -> None:
            outbox.dispatch(total, stop=stop)

        worker = Worker(
            opened.log, opened.views, [notices(opened)], say=app.out.say, lang=spoken(), then=send
        )
        well = keep_up(worker, once=once, poll=poll)
    data = attrs.asdict(total)
    app.out.result(data, lambda: app.out.table(list(data), [list(data.values())]))
    return FOUND if total.failed or not well else 0


def _notifiers(urls: Sequence[str], stack: ExitStack) -> dict[str, Notifier]:
    found: dict[str, Notifier] = {}
    for text in urls:
        named = _FOR_CHANNEL.fullmatch(text)
        channel, url = (named[1], named[2]) if named else (ANY_CHANNEL, text)
        if channel in found:
            sentence = "notifier_twice" if channel else "notifier_twice_for_all"
            raise Invalid.one("notifier_unusable", "--to", sentence=sentence, channel=channel)
        found[channel] = stack.enter_context(closing(open_notifier(url)))
    return found


@command("messages")
@click.argument("household", required=False)
def messages(app: App, household: str | None) -> int:
    """What a household was told or is still to be told; without one, all, staff too."""
    with app.open() as opened:
        if household is not None:
            check_household(opened, household)
        rows = opened.messages.every(household, **app.asked)

    def show() -> None:
        columns = ["household", "template", "recipient", "channel", "status", "reason", "attempts"]
        shown = [{**row, **_worded(row)} for row in rows]
        app.out.table(
            [*columns, "next"],
            [[*(row[name] for name in columns), row["next_at"]] for row in shown],
        )

    app.out.result(rows, show, partly=True)
    return 0


def _worded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": word("message", row["status"]),
        "channel": told_value("channel", row["channel"]),
        "reason": word("message_reason", row["reason"]) if row["reason"] else "",
    }


@command("preference")
@click.argument("household")
@click.argument("member")
@click.argument("about")
@click.argument("answer", metavar="ANSWER", type=OneOf(("accept", "refuse")))
@said_by_member
@click.option("--channel", default="")
def preference(
    app: App,
    household: str,
    member: str,
    about: str,
    answer: str,
    word_member: str | None,
    word_channel: str | None,
    word_reference: str | None,
    channel: str,
) -> int:
    """Keep what a member agrees to be told, or refuses.

    ABOUT is a purpose, `any` for all that can be refused, or `personalisation`; ANSWER is accept
    or refuse.
    """
    # Who says so is the member, unless somebody else of the household speaks for them.
    speaker = word_member or (member if word_channel or word_reference else None)
    said = word_of(speaker, word_channel, word_reference)
    asked = ChangePreference(
        household=household,
        member=member,
        about=about,
        allowed=answer == "accept",
        word=said,
        channel=channel,
    )
    with app.open() as opened:
        check_household(opened, household)
        opened.do(asked, by=app.by, purpose=app.purpose)
        rows = opened.messages.preferences(household, **app.asked)
    app.out.result(rows, lambda: _show_preferences(app.out, rows), partly=True)
    return 0


@command("preferences")
@click.argument("household")
def preferences(app: App, household: str) -> int:
    """What the members of a household agreed to and refused, oldest first."""
    with app.open() as opened:
        check_household(opened, household)
        rows = opened.messages.preferences(household, **app.asked)
    app.out.result(rows, lambda: _show_preferences(app.out, rows), partly=True)
    return 0


def _show_preferences(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["member", "about", "channel", "answer", "evidence"],
        [
            [
                row["member"],
                told_value("purpose", row["about"]),
                told_value("channel", row["channel"]) or say("all_channels"),
                _answer(row["allowed"]),
                _evidence(row["word"]),
            ]
            for row in rows
        ],
    )


def _answer(allowed: bool | Withheld) -> str | Withheld:
    if isinstance(allowed, Withheld):
        return allowed
    return word("answer", "accepted" if allowed else "refused")


def _evidence(said: dict[str, str] | Withheld | None) -> str | Withheld:
    if isinstance(said, Withheld):
        return said
    return (
        ""
        if said is None
        else say(
            "named_value", name=told_value("channel", said["channel"]), value=said["reference"]
        )
    )
