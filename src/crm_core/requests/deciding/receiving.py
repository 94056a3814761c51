"""Taking in a request (REQ-01, REQ-02)."""

from __future__ import annotations

from crm_core.kernel.decider import Decision, Refusal
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import CLOSING, COMMITMENT, PROMISE
from crm_core.requests.commands import ReceiveRequest
from crm_core.requests.deciding.refusals import unknown_word
from crm_core.requests.events import CommitmentAccepted, RequestReceived
from crm_core.requests.state import NotReceived, RequestState


def receive(command: ReceiveRequest, state: RequestState) -> Decision:
    """It comes in, held to the policy in force; at times with a time that was agreed (REQ-04)."""
    if not isinstance(state, NotReceived):
        return Refusal("request_exists", "REQ-01", {"request": command.request})
    refused = _unfit(command)
    if refused is not None:
        return refused
    policy = command.policy
    targets = policy.targets(command.severity, command.channel)
    at = command.received_at
    received = RequestReceived(
        request=command.request,
        household=command.household,
        channel=command.channel,
        kind=command.kind,
        trade=command.trade,
        severity=command.severity,
        # Where within a home is as personal as the home; what is nobody's is counted by place.
        place="" if command.household else str(command.place),
        spot=command.place if command.household else "",
        summary=command.summary,
        owner=command.first_asked,
        received_at=at,
        policy=policy.ref,
        targets=targets,
        clocks=(
            timing.start(f"{CLOSING}-1", at, targets.close_seconds, policy),
            timing.start(f"{PROMISE}-1", at, targets.promise_seconds, policy),
        ),
        follows=command.follows,
        rings=command.rings,
        asked_by=command.asked_by,
        notices=tuple(notice.ref for notice in policy.notices),
    )
    due_at = command.agreed_due_at
    if due_at is None:
        return (received,)
    if due_at <= at and not command.imported:
        return Refusal("promise_in_the_past", "REQ-03")
    if command.agreed is None and not command.imported:
        return Refusal("evidence_missing", "REQ-04")
    if due_at <= at and not command.imported:
        return Refusal("promise_in_the_past", "REQ-03")
    # What another system agreed on for a time before is due at once: nothing is late before it is.
    accepted = CommitmentAccepted(
        request=command.request,
        due_at=due_at,
        word=command.agreed,
        accepted_at=at,
        on_site=False,
        clocks=(
            timing.start(f"{CLOSING}-1", at, 0, policy, agreed=max(due_at, at)),
            timing.start(f"{COMMITMENT}-1", at, 0, policy, agreed=max(due_at, at)),
        ),
        counts_from=at,
        entered_by=command.by.id,
        evidence=None,
    )
    return (received, accepted)


def _unfit(command: ReceiveRequest) -> Refusal | None:
    refused = unknown_word(
        channel=command.channel,
        kind=command.kind,
        trade=command.trade,
        severity=command.severity,
    )
    if refused is not None:
        return refused
    if not command.first_asked:
        return Refusal("owner_missing", "REQ-01", sentence="owner_missing_received")
    if not command.household and not command.place:
        return Refusal("place_missing", "REQ-01", sentence="place_missing_request")
    if command.rings is not None and (command.channel != "phone" or command.rings < 0):
        return Refusal("rings_without_phone", "REQ-02")
    return None
