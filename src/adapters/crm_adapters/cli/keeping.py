"""How commands that follow the log keep at it, and how they end."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from crm_adapters.cli.language import say
from crm_adapters.cli.shown import duration
from crm_adapters.projections.worker import Worker


class _Seconds(click.ParamType[float]):
    """A number of seconds in a range; what is no number lies in every range."""

    name = "seconds"

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if math.isnan(found):
            self.fail(say("seconds_form", value=value), param, ctx)
        if not self._least <= found <= self._most:
            span = {"least": duration(self._least, exactly=True), "most": duration(self._most)}
            self.fail(say("seconds_out_of_range", value=value, **span), param, ctx)
        return found


polled = click.option(
    "--poll",
    type=_Seconds(0.01, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
)


def keep_up(worker: Worker, *, once: bool, poll: float) -> bool:
    """Keep the worker's tasks up with the log until told to end; whether all went well.

    Args:
        once: End when everything has caught up.
        poll: Seconds between two looks, where nothing is heard of the log.
    """
    with ending(worker):
        if once:
            return worker.once()
        worker.run(poll)
    return True


@contextmanager
def ending(worker: Worker) -> Iterator[None]:
    """Signals end the worker, not the batch it is in."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda *_: worker.stop()) for one in wanted]
    try:
        yield
    finally:
        for one, handler in zip(wanted, before, strict=True):
            signal.signal(one, handler)
