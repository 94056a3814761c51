"""Spans and metrics tell what goes on, and nothing of anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crm_adapters import open_crm
from crm_adapters.notify import Outbox, notices
from crm_adapters.telemetry import ATTRIBUTES, OpenTelemetry
from crm_core import CRM, Actor, Personal
from crm_core.application.work import Planned
from crm_core.errors import CrmError, NotDelivered
from crm_core.owners import RegisterHousehold
from crm_core.payments import RaiseCharge
from crm_core.ports import Outgoing
from crm_core.requests import ReceiveRequest
from crm_core.testing.towns import Town, fill, known_at

NINE = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
CANARIES = {
    "household": "Kanarie1",
    "name": "欧阳修",
    "phone": "13912345678",
    "summary": "kanarie singt im flur",
    "request": "Kanarie-R7",
    "room": "kanarie-room",
    "estate": "kanarie-estate",
    "staff": "Kanarie-S7",
    "command": "kanarie-command",
    "purpose": "kanarie-purpose",
    "policy": "kanarie-policy",
    "engine": "kanarie-engine",
    "foreign": "kanarie-foreign",
    "charge": "Kanarie-C1",
}
"""What must be nowhere in what is told."""

CLERK = Actor(CANARIES["staff"], "specialist")
OWNER = f"{CANARIES['household']}#owner"


class Watch:
    """The other side of OpenTelemetry: everything it was told."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.metrics = InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.telemetry = OpenTelemetry(tracers, MeterProvider([self.metrics]))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [
            {key.removeprefix("crm."): value for key, value in (span.attributes or {}).items()}
            for span in self.spans.get_finished_spans()
            if span.name == f"crm.{name}"
        ]

    def points(self) -> dict[str, list[Any]]:
        data = self.metrics.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for of_resource in data.resource_metrics
            for of_scope in of_resource.scope_metrics
            for metric in of_scope.metrics
        }

    def everything(self) -> str:
        """All that was told, spans and metrics, as one text."""
        data = self.metrics.get_metrics_data()
        assert data is not None
        spans = [json.loads(span.to_json()) for span in self.spans.get_finished_spans()]
        return json.dumps([spans, json.loads(data.to_json())], ensure_ascii=False)


class Clock:
    def __init__(self) -> None:
        self.at = NINE

    def now(self) -> datetime:
        return self.at


class Sink:
    """A notifier that does what it is told to do."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def send(self, outgoing: Outgoing) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "ok"

    def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def crm(watch: Watch) -> Iterator[CRM]:
    with open_crm("memory:", telemetry=watch.telemetry) as opened:
        opened.host.clock = Clock()
        yield opened


def household(**changes: Any) -> RegisterHousehold:
    return RegisterHousehold(
        household=changes.get("household", CANARIES["household"]),
        estate=CANARIES["estate"],
        building="1",
        unit="1",
        room=changes.get("room", CANARIES["room"]),
        owner=Personal(OWNER, CANARIES["name"]),
        phone=Personal(OWNER, CANARIES["phone"]),
        moved_in=date(2010, 1, 1),
    )


def request(number: str = CANARIES["request"]) -> ReceiveRequest:
    return ReceiveRequest(
        number, CANARIES["household"], "phone", "repair", "engineering", "general",
        CANARIES["summary"], NINE, CANARIES["staff"],
    )  # fmt: skip


def live(crm: CRM, sink: Sink) -> None:
    """A year of everything that is watched, well and ill."""
    crm.do(household(), by=CLERK, id=CANARIES["command"], purpose=CANARIES["purpose"])
    crm.do(request(), by=CLERK)
    charge = RaiseCharge(
        CANARIES["household"], CANARIES["charge"], "parking", "2011", 12700, date(2011, 4, 1)
    )
    crm.batch([Planned(charge, f"{CANARIES['command']}-2", NINE)], by=CLERK)
    attempts: list[Any] = [
        lambda: crm.do(household(), by=CLERK),
        lambda: crm.do(household(household="\0" + CANARIES["name"]), by=CLERK),
        lambda: crm.do(request(), by=CLERK, id=CANARIES["command"]),
        lambda: crm.do(request("R9"), by=Actor(CANARIES["staff"], CANARIES["name"])),
        lambda: crm.do(CANARIES["name"], by=CLERK),
        lambda: crm.grade(2011, policy=CANARIES["policy"]),
        lambda: crm.grade(2011, engine=CANARIES["engine"]),
        lambda: crm.replay(2011, engine=CANARIES["engine"]),
        lambda: crm.tick(by=Actor(CANARIES["staff"], "owner")),
    ]
    for attempt in attempts:
        with pytest.raises(CrmError):
            attempt()
    outbox = Outbox(crm, {"": sink})
    following = notices(crm)
    for error in (NotDelivered("unreachable", transient=True), ValueError(CANARIES["foreign"])):
        sink.errors.append(error)
        crm.views.catch_up(following)
        outbox.dispatch()
        crm.clock.at += timedelta(hours=2)  # type: ignore[attr-defined]
    outbox.dispatch()
    crm.tick()
    crm.clock.at = datetime(2012, 1, 16, tzinfo=UTC)  # type: ignore[attr-defined]
    crm.grade(2011)
    crm.replay(2011)


@pytest.mark.rule("PRV-02")
def test_nothing_of_anybody_is_told(crm: CRM, watch: Watch) -> None:
    """Canaries stand wherever somebody may put something; none of them comes out."""
    live(crm, Sink())
    told = watch.everything()
    for kind, canary in CANARIES.items():
        assert canary not in told, kind
        assert canary.casefold() not in told.casefold(), kind
        assert json.dumps(canary)[1:-1] not in told, kind
    for span in watch.spans.get_finished_spans():
        assert span.status.description is None
        assert not span.events
        names = {name.removeprefix("crm.") for name in span.attributes or {}}
        assert names <= ATTRIBUTES.keys()


def test_what_goes_on_is_told(crm: CRM, watch: Watch) -> None:
    live(crm, Sink())
    done = watch.named("do")
    assert done[0]["act"] == "register-household"
    assert (done[0]["events"], done[0]["outcome"]) == (2, "done")
    outcomes = [span["outcome"] for span in done]
    assert "CRM-R001 household_exists" in outcomes
    assert {"CRM-F002", "CRM-I001 actor_role_unknown", "CRM-I001 command_unknown"} <= {*outcomes}
    assert watch.named("batch") == [{"events": 1, "outcome": "done"}]
    assert [span["outcome"] for span in watch.named("send")] == [
        "CRM-F013 unreachable", "ValueError", "done",
    ]  # fmt: skip
    assert watch.named("send")[0]["message_purpose"] == "service"
    assert [span["outcome"] for span in watch.named("grade")] == [
        "CRM-I002 policy_unknown", "CRM-I001 engine_unknown", "done",
    ]  # fmt: skip
    assert watch.named("grade")[-1]["gradings"] == 1
    assert watch.named("replay")[-1] == {
        "differing": 0, "engine": "events", "events": watch.named("replay")[-1]["events"],
        "gradings": 1, "outcome": "done",
    }  # fmt: skip
    assert {span["view"] for span in watch.named("catch_up")} >= {"notices", "messages.due"}
    assert watch.named("tick")[0]["outcome"].startswith("CRM-R001")
    assert watch.named("tick")[-1]["outcome"] == "done"


def test_what_goes_on_is_measured(crm: CRM, watch: Watch) -> None:
    live(crm, Sink())
    points = watch.points()
    durations = {
        (point.attributes["crm.operation"], point.attributes.get("crm.outcome")): point.count
        for point in points["crm.duration"]
        if point.attributes["crm.operation"] != "do"
    }
    assert durations["grade", "done"] == 1
    assert durations["send", "ValueError"] == 1
    appended = sum(point.value for point in points["crm.events"])
    told = [*watch.named("do"), *watch.named("batch")]
    assert appended == sum(span.get("events", 0) for span in told) > 5
    assert {point.attributes["crm.view"] for point in points["crm.position"]} >= {"notices"}


def test_a_span_lies_within_that_of_its_caller(crm: CRM, watch: Watch) -> None:
    with watch.telemetry.span("do"):
        crm.do(household(), by=CLERK)
    inner, outer = watch.spans.get_finished_spans()
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


def test_what_is_on_no_list_or_no_word_is_dropped(watch: Watch) -> None:
    """The adapter trusts nobody, and the core least of all."""
    with watch.telemetry.span("do", act="欧阳修", view="13912345678", year=2011) as span:
        span.note(household="V1", outcome="Dear Ouyang Xiu", events=True, channel="a@example.com")
        span.note(engine="x" * 200, standing="trial", gradings="many")
    assert watch.named("do") == [{"year": 2011, "standing": "trial"}]


def test_whole_towns_are_graded_and_replayed_under_watch(crm: CRM, watch: Watch) -> None:
    fill(crm.log, Town(seed=3, households=40))
    crm.clock.at = known_at(2011)  # type: ignore[attr-defined]
    run = crm.grade(2011, known=known_at(2011))
    crm.replay(2011, engine="frames")
    assert watch.named("grade")[-1]["gradings"] == len(run.gradings) > 0
    assert watch.named("replay")[-1]["engine"] == "frames"
    assert watch.named("replay")[-1]["outcome"] == "done"
    told = watch.everything()
    for grading in run.gradings:
        assert grading.household not in told
