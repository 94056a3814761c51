"""How commands that follow the log keep at it, and how they end."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from crm_adapters.projections.worker import Worker


class _Seconds(click.FloatRange):
    """A number of seconds; what is no number lies in every range, so it is refused before."""

    name = "seconds"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"`{value}` is no number of seconds", param, ctx)
        return found


polled = click.option(
    "--poll",
    type=_Seconds(0.01, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look for what is new or due.",
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
