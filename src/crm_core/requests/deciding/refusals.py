"""What a request refuses for reasons that several commands share."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Refusal
from crm_core.kernel.refusals import unknown
from crm_core.kernel.trades import TRADES
from crm_core.requests.commands import CHANNELS, KINDS, SEVERITIES
from crm_core.requests.state import RequestState, status_of


def unknown_word(
    *,
    channel: str | None = None,
    kind: str | None = None,
    trade: str | None = None,
    severity: str | None = None,
) -> Refusal | None:
    """The first word said that is none of its list; the lists are those of a request (REQ-01)."""
    for what, value, known in (
        ("channel", channel, CHANNELS),
        ("kind", kind, KINDS),
        ("trade", trade, TRADES),
        ("severity", severity, SEVERITIES),
    ):
        if value is not None and value not in known:
            return unknown(what, value, known, rule="REQ-01")
    return None


def no_promise(rule: str, what: str) -> Refusal:
    """Nobody has promised anything that could be accepted, renegotiated or given up."""
    return Refusal("no_promise", rule, sentence=f"no_promise_to_{what}")


def outstanding() -> Refusal:
    """There is a promise already, or still."""
    return Refusal("promise_outstanding", "REQ-10")


def apology_open() -> Refusal:
    """No request closes before every apology that is owed was made (REQ-09)."""
    return Refusal("apology_open", "REQ-09")


def not_open(state: RequestState) -> Refusal:
    """It is not being worked on."""
    return _in_status("request_not_open", "REQ-08", state)


def not_paused(state: RequestState) -> Refusal:
    """Its clocks do not stand still."""
    return _in_status("not_paused", "REQ-12", state)


def not_done(state: RequestState) -> Refusal:
    """Nobody has reported the work done."""
    return _in_status("request_not_done", "REQ-08", state)


def too_early(what: str, earliest: datetime) -> Refusal:
    """It is said to have happened before it can have.

    Args:
        what: Last part of the sentence's code, e.g. `promise`.
    """
    return Refusal("too_early", "REQ-08", {"earliest": earliest.isoformat()}, f"too_early_{what}")


def _in_status(code: str, rule: str, state: RequestState) -> Refusal:
    status = status_of(state)
    return Refusal(code, rule, {"status": status}, f"{code}_{status}")
