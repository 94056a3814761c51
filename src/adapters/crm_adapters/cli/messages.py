"""`crm notify`, `messages`, `preference`, `preferences`: tell households what is due, and keep what
they want to hear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import attrs
import click

from crm_adapters.cli.group import FOUND, App, by_person, command
from crm_adapters.cli.keeping import keep_up, polled
from crm_adapters.cli.output import Output
from crm_adapters.notify.opening import open_notifier
from crm_adapters.notify.outbox import ANY_CHANNEL, Dispatched, Outbox, notices
from crm_adapters.projections.worker import Worker
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.kernel.recorded import Actor
from crm_core.messages import EVENTS, MESSAGES, ChangePreference
from crm_core.messages.views import message_rows, preference_rows
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
        if household is not None:
            _check_file(opened, household)
        rows = _rows(opened, household)

    def show() -> None:
        columns = ["household", "template", "recipient", "channel", "status", "reason", "attempts"]
        app.out.table(
            [*columns, "next"], [[*(row[name] for name in columns), row["next_at"]] for row in rows]
        )

    app.out.result(rows, show)
    return 0


@command("preference")
@click.argument("household")
@click.argument("member")
@click.argument("about")
@click.argument("answer", metavar="ANSWER", type=click.Choice(("accept", "refuse")))
@click.option("--evidence", default="", help="How they said so; an agreement needs it.")
@click.option("--channel", default="", help="Only for this channel; by default for all.")
@by_person
def preference(
    app: App,
    household: str,
    member: str,
    about: str,
    answer: str,
    evidence: str,
    channel: str,
    by: Actor,
) -> int:
    """Keep what a member agrees to be told, or refuses.

    ABOUT is a purpose, `any` for all that can be refused, or `personalisation`; ANSWER is accept
    or refuse.
    """
    said = ChangePreference(household, member, about, answer == "accept", evidence.strip(), channel)
    with app.open() as opened:
        _check_file(opened, household)
        opened.do(said, by=by)
        rows = _preferences(opened, household)
    app.out.result(rows, lambda: _show_preferences(app.out, rows))
    return 0


@command("preferences")
@click.argument("household")
def preferences(app: App, household: str) -> int:
    """What the members of a household agreed to and refused, oldest first."""
    with app.open() as opened:
        _check_file(opened, household)
        rows = _preferences(opened, household)
    app.out.result(rows, lambda: _show_preferences(app.out, rows))
    return 0


def _check_file(opened: CRM, household: str) -> None:
    if not opened.log.tips([f"household/{household}"]):
        raise Invalid.one("household_unknown", f"household `{household}` has no file")


def _preferences(opened: CRM, household: str) -> list[dict[str, Any]]:
    decider = MESSAGES.decider
    state, _ = opened.log.fold(MESSAGES.stream(household), decider.evolve, decider.initial)
    return preference_rows(state)


def _show_preferences(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["member", "about", "channel", "answer", "evidence"],
        [
            [
                row["member"],
                row["about"],
                row["channel"] or "all",
                "accepted" if row["allowed"] else "refused",
                row["evidence"],
            ]
            for row in rows
        ],
    )


def _rows(opened: CRM, household: str | None) -> list[dict[str, Any]]:
    decider = MESSAGES.decider
    found: list[dict[str, Any]] = []
    for one, events in opened.log.by_household(
        names=[kind.stored for kind in EVENTS],
        households=None if household is None else [household],
    ):
        found.extend(message_rows(one, decider.fold(recorded.event for recorded in events)))
    return found
