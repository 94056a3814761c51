"""`crm notify`, `crm messages`: tell households what is due, and look at what they were told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import attrs
import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.keeping import keep_up, polled
from crm_adapters.notify.opening import open_notifier
from crm_adapters.notify.outbox import ANY_CHANNEL, Dispatched, Outbox, notices
from crm_adapters.projections.worker import Worker
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.messages import EVENTS, MESSAGES
from crm_core.messages.views import message_rows
from crm_core.ports import Notifier

_FOR_CHANNEL = re.compile(r"([a-z_]+)=(.+)", re.DOTALL)


@command("notify")
@click.option(
    "--to",
    "urls",
    multiple=True,
    required=True,
    metavar="[CHANNEL=]URL",
    help="Where messages are sent; for one channel, or for all that have none of their own.",
)
@click.option("--once", is_flag=True, help="Send what is due now and end.")
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

        worker = Worker(opened.log, opened.views, [notices(opened)], say=app.out.say, then=send)
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
            which = f"channel `{channel}`" if channel else "all other channels"
            raise Invalid.one("notifier_unusable", f"{which} have two notifiers", "--to")
        found[channel] = stack.enter_context(closing(open_notifier(url)))
    return found


@command("messages")
@click.argument("household", required=False)
def messages(app: App, household: str | None) -> int:
    """What a household was told or is still to be told, and what was withheld; without one, all."""
    with app.open() as opened:
        if household is not None and not opened.log.tips([f"household/{household}"]):
            raise Invalid.one("household_unknown", f"household `{household}` has no file")
        rows = _rows(opened, household)

    def show() -> None:
        columns = ["household", "template", "recipient", "channel", "status", "reason", "attempts"]
        app.out.table(
            [*columns, "next"], [[*(row[name] for name in columns), row["next_at"]] for row in rows]
        )

    app.out.result(rows, show)
    return 0


def _rows(opened: CRM, household: str | None) -> list[dict[str, Any]]:
    decider = MESSAGES.decider
    found: list[dict[str, Any]] = []
    for one, events in opened.log.by_household(
        names=[kind.stored for kind in EVENTS],
        households=None if household is None else [household],
    ):
        found.extend(message_rows(one, decider.fold(recorded.event for recorded in events)))
    return found
