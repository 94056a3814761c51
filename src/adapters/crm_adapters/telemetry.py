"""Spans and metrics of OpenTelemetry (extra `otel`), with no personal value in them.

What the core says about itself is held against a closed list here once more: an attribute that is
not on it, or a text that is no word of a program, is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Status, StatusCode, TracerProvider

from crm_core.hosting import Attribute, Span

SCOPE = "crm_core"
"""Name of the tracer and the meter."""

ATTRIBUTES: Mapping[str, type] = {
    "act": str,
    "attempt": int,
    "channel": str,
    "differing": int,
    "engine": str,
    "events": int,
    "gradings": int,
    "message_purpose": str,
    "outcome": str,
    "parked": int,
    "position": int,
    "standing": str,
    "view": str,
    "year": int,
}
"""Everything that a span can say, as `crm.NAME`, and of what kind it is."""

MEASURED = ("act", "channel", "engine", "outcome", "view")
"""What a duration is counted by: few values each, so that there are few series."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,79}(?:/[0-9]{1,4})?(?: [a-z][a-z0-9_]{0,79})?")


class OpenTelemetry:
    """Tells OpenTelemetry what goes on: `open_crm(..., telemetry=OpenTelemetry())`.

    Spans are called `crm.NAME`. `crm.duration` is a histogram of how long each took, in seconds,
    `crm.events` counts events that commands have appended, and `crm.position` tells for each view
    how far it has come.

    Args:
        tracers: Makes the tracer; by default the program's own.
        meters: Makes the meter; by default the program's own.
    """

    def __init__(
        self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracers)
        meter = metrics.get_meter(SCOPE, meter_provider=meters)
        self._duration = meter.create_histogram(
            "crm.duration", unit="s", description="how long it took"
        )
        self._events = meter.create_counter(
            "crm.events", unit="{event}", description="events that commands have appended"
        )
        self._position = meter.create_gauge(
            "crm.position", unit="{event}", description="how far a view has come in the log"
        )

    @contextmanager
    def span(self, name: str, **attributes: Attribute) -> Iterator[Span]:
        """A span, its duration, and what was counted in it.

        What an error says is never recorded; its words may be a foreign library's.
        """
        started = perf_counter()
        with self._tracer.start_as_current_span(
            f"crm.{name}", record_exception=False, set_status_on_exception=False
        ) as shown:
            noted = _Noted(shown)
            noted.note(**attributes)
            try:
                yield noted
            except BaseException:
                shown.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                self._measure(name, perf_counter() - started, noted.said)

    def _measure(self, name: str, seconds: float, said: Mapping[str, Attribute]) -> None:
        counted = {f"crm.{key}": said[key] for key in MEASURED if key in said}
        self._duration.record(seconds, {"crm.operation": name, **counted})
        if name in ("do", "batch") and "events" in said:
            self._events.add(int(said["events"]), counted)
        if "view" in said and "position" in said:
            self._position.set(int(said["position"]), {"crm.view": said["view"]})


class _Noted:
    """A span with what was said of it and may be."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self.said: dict[str, Attribute] = {}

    def note(self, **attributes: Attribute) -> None:
        for name, value in attributes.items():
            if _may_be_said(name, value):
                self.said[name] = value
                self._span.set_attribute(f"crm.{name}", value)


def _may_be_said(name: str, value: Attribute) -> bool:
    kind = ATTRIBUTES.get(name)
    if kind is None or type(value) is not kind:
        return False
    return not isinstance(value, str) or _WORD.fullmatch(value) is not None
