"""Requests: what was asked for and, where it is over, when it was closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from crm_adapters.files.cells import Id, Instant, InstantAhead, Line, one_of
from crm_adapters.files.rows.kind import Context, FileKind, before, member_of
from crm_core.errors import Fault
from crm_core.kernel.trades import TRADES
from crm_core.kernel.values import define
from crm_core.requests.commands import (
    CHANNELS,
    KINDS,
    SEVERITIES,
    CloseImported,
    ReceiveRequest,
)


@define
class RequestRow:
    """A line of `requests`."""

    request: Id
    household: Id
    channel: Annotated[str, one_of("channel_unknown", CHANNELS)]
    kind: Annotated[str, one_of("kind_unknown", KINDS)]
    trade: Annotated[str, one_of("trade_unknown", TRADES)]
    severity: Annotated[str, one_of("severity_unknown", SEVERITIES)]
    summary: Line
    received_at: Instant
    due_at: InstantAhead | None = None
    closed_at: Instant | None = None
    asked_by: Id | None = None


def _mentions(row: RequestRow, context: Context) -> None:
    """Who asks was known by then."""
    if row.asked_by is not None:
        context.mention(row.received_at, *member_of(row.household, row.asked_by))


def _wrong(row: RequestRow) -> Iterator[tuple[str, Fault]]:
    """What is to be done, or is done, comes after it was asked for."""
    if row.due_at is not None and row.due_at <= row.received_at:
        yield "due_at", before("received_at", "due_at")
    if row.closed_at is not None and row.closed_at < row.received_at:
        yield "closed_at", before("received_at", "closed_at")


def _facts(row: RequestRow, _context: Context) -> Iterator[tuple[str, datetime]]:
    yield "request", row.received_at
    if row.closed_at is not None:
        yield "closed", row.closed_at


def _command(row: RequestRow, part: str, context: Context) -> ReceiveRequest | CloseImported:
    if part == "closed":
        assert row.closed_at is not None
        return CloseImported(row.request, row.closed_at)
    return ReceiveRequest(
        request=row.request,
        household=row.household,
        channel=row.channel,
        kind=row.kind,
        trade=row.trade,
        severity=row.severity,
        summary=row.summary,
        received_at=row.received_at,
        first_asked=context.by,
        agreed_due_at=row.due_at,
        asked_by=row.asked_by,
    )


def _identity(row: RequestRow, part: str, _context: Context) -> list[Any]:
    if part == "closed":
        return [row.request, row.closed_at]
    # Without its end: a request that was imported open is the same when it comes again closed.
    return [
        row.request,
        row.household,
        row.channel,
        row.kind,
        row.trade,
        row.severity,
        row.summary,
        row.received_at,
        row.due_at,
        row.asked_by,
    ]


REQUESTS = FileKind(
    name="requests",
    row=RequestRow,
    key="request",
    aliases={
        "工单号": "request",
        "户号": "household",
        "渠道": "channel",
        "类型": "kind",
        "专业": "trade",
        "级别": "severity",
        "内容": "summary",
        "受理时间": "received_at",
        "应完成时间": "due_at",
        "完成时间": "closed_at",
        "报事人": "asked_by",
    },
    parts=("request", "closed"),
    facts=_facts,
    command=_command,
    identity=_identity,
    told_apart=("request",),
    mentions=_mentions,
    wrong=_wrong,
    blamed={
        "not_a_member": "asked_by",
        "policy_inactive": "received_at",
        "policy_unknown": "received_at",
        "promise_in_the_past": "due_at",
        "request_not_open": "closed_at",
        "too_early": "closed_at",
        "unknown_household": "household",
    },
)
