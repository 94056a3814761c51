"""Renders `docs/reference/events.md` from the catalog of events.

`CRM_REWRITE_DOCS=1 pytest tests/docs` writes the page anew; without it the test compares.
"""

# ruff: noqa: E501 - it holds the text of a page, one sentence a line

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from crm_core.kernel.catalog import EventType
from crm_core.kernel.recorded import Envelope
from crm_core.kernel.registry import Registry
from crm_core.kernel.rules import Operator, Value
from crm_core.kernel.sealed import PersonalValue, Sealed
from crm_core.kernel.trades import TRADES
from crm_core.messages.commands import FAILURES
from crm_core.messages.template import LANGUAGES
from crm_core.opinions.commands import SOURCES as OPINION_SOURCES
from crm_core.owners.commands import KINDS as HOUSEHOLD_KINDS
from crm_core.owners.commands import ROLES, SOURCES
from crm_core.payments.acts import ACTS, EVIDENCE, MEANS
from crm_core.payments.collection.policy import ROLES as APPROVERS
from crm_core.payments.commands import CHARGE_KINDS, METHODS
from crm_core.requests.commands import CHANNELS, SEVERITIES
from crm_core.requests.commands import KINDS as REQUEST_KINDS

HEAD = """\
# Stored events

Every event that a log can hold, with its fields.
A name is `slice.fact/version`; names, fields and meanings are a promise ([compatibility](../../SECURITY.md#compatibility)).
An event of another name is an error, [`CRM-F006`](errors.md#crm-f006-unknownevent); it is neither imported nor dropped.
This page is rendered from the catalog, and a test keeps it so.

## How an event is stored

Each event is one row of the table `crm_events`.

| column | what it holds |
|---|---|
| `position` | place in the log, rising from 1; on PostgreSQL with gaps |
| `stream` | `kind/id`, for example `account/V00001` |
| `version` | place in the stream, from 1, without gaps |
| `name` | stored name with version |
| `household` | household the event concerns, or an empty text |
| `state` | the event as text |

The text in `state` is what is hashed ([decision 0005](../decisions/0005-stored-bytes-are-what-is-hashed.md)).
It is JSON with three members, in this order: `digest`, `event`, `household`.
`event` is the envelope; its members are sorted by name, and those that say nothing are left out.
"""

ENVELOPE = {
    "actor": "who caused it, as `role:id`",
    "causation": "id of the event that led to the command, if one did",
    "command": "id of the command it came from; an import's ids begin with `import:`",
    "command_digest": "digest of what the command said; only with the first event of a command",
    "correlation": "id of the matter it belongs to, if any",
    "data": "the fields of the event, as listed below",
    "effective": "the day it is true from, in the estate's zone",
    "imported": "moment of import, for imported facts only",
    "nth": "ordinal among the events of its command; `command:nth` is the id of the event",
    "purpose": "what it was done for, where the caller said so",
    "recorded": "when the company knew, in UTC",
}

VALUES = """\

## Values

| type | form |
|---|---|
| text | any script; without control characters and invisible direction characters |
| whole number | within ±2^53; amounts are whole fen |
| true or false | `true`, `false` |
| date | `YYYY-MM-DD`, a day of the estate's zone |
| instant | ISO 8601 in UTC, ending in `Z` |
| sealed text | `subject` and `token`: a personal value under the key of the person it is about ([decision 0007](../decisions/0007-personal-values-sealed-per-person.md)) |

"May be missing" means that the field holds `null`.
The effective day of an event is the field marked so.
An event without such a field, or with nothing in it, is effective on the day it was recorded.
"""

STREAMS = {
    "owners": "Streams `household/HOUSEHOLD`, and `place/ESTATE/BUILDING/UNIT/ROOM` for the claim of a place.",
    "payments": "Streams `account/HOUSEHOLD` for charges and money, and `collection/HOUSEHOLD` for the collection of arrears.",
    "requests": "Streams `request/REQUEST`, `incident/INCIDENT`, `finding/FINDING`, `improvement/PLAN`, `rotation/TRADE` for the turns of its operators, and `warning/WARNING`.",
    "opinions": "Streams `opinions/HOUSEHOLD`.",
    "plans": "Streams `plan/PLAN`, `assessment/ASSESSMENT`, `graded-list/YEAR`, `care/HOUSEHOLD`, `difficulty/DIFFICULTY`, and `care-calendar/company`.",
    "privacy": "Streams `erasures/company` (every erasure and every legal hold), "
    "`retention/HOUSEHOLD`, `staff_retention/STAFF`.",
    "gradings": "Streams `grading/HOUSEHOLD` for decisions and what people did about them, `grading-year/YEAR` for the runs of a year, and `policy/NAME` for policies.",
    "messages": "Streams `messages/HOUSEHOLD`, and `staff_messages/STAFF` for what members of staff are told.",
    "exports": "Streams `export/EXPORT`.",
    "signing": "Streams `paper/PAPER:ABOUT:DAY`, of everybody `paper/PAPER:all:DAY`.",
    "imports": "Stream `imports/all`: one record for each import, and one for each undo.",
    "staff": "Streams `roster/LINE` for duty cover, `register/company` for the register, `undertakings/company` for undertakings and training, `staff/STAFF` and `sanctions/STAFF` for members of staff, and `supplier/SUPPLIER` for suppliers.",
}


def _one_of(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


WORDS = {
    "VisitCalledOff.why": "`matter`, `file`, `tenure`, `erased`, `refused`, `nobody` or `draw`: what is gone",
    "VisitGivenUp.why": "`unreached` or `refused`",
    "VisitWithdrawn.withdrawn_by": "id of who said so",
    "OccasionWithdrawn.withdrawn_by": "id of who said so",
    "VisitGivenUp.attempts": "how often somebody was tried, as far as it counts",
    "VisitMade.words": "what the member said",
    "VisitMade.means": "by which means it was made, as `visits.scheduled` lists them",
    "VisitAttempted.means": "by which means it was tried, as `visits.scheduled` lists them",
    "seed_position": "position of the event whose digest is the seed",
    "called_off_by": "id of who called it off",
    "attempted_by": "id of who tried",
    "visited_at": "when the visit was made",
    "appointed_at": "the time that a member named",
    "occasion": "number of the occasion within the household",
    "hands": "ids of who did the work it is about",
    "must": "whether the visit has to be made: the lot fell on it, or no lot is asked",
    "draw": "number of the draw",
    "visit": "number of the visit within the household",
    "lapses_at": "from when on nobody is asked to make it any more",
    "latest_at": "at the latest until when it is made",
    "from_at": "from when on the visit may be made",
    "ImportRecorded.corrects": "why, where it corrected what was known before",
    "ImportRecorded.entered_by": "id of who had the files taken in",
    "ImportRecorded.events": "how many events it brought: those right before this one",
    "ImportRecorded.files": "the files",
    "ImportRecorded.mapping": "how the files were read, where a mapping file said so",
    "ImportRecorded.moment": "the moment of import",
    "ImportRecorded.number": "its number; imports are counted from 1",
    "ImportUndone.events": "how many compensating events it took: those right before this one",
    "ImportUndone.number": "number of the import",
    "ImportUndone.undone_by": "id of who undid it",
    "ImportedFile.digest": "SHA-256 of its bytes",
    "ImportedFile.faulty": "how many rows were faulty",
    "ImportedFile.imported": "how many rows were taken in",
    "ImportedFile.kind": "what its rows are, e.g. `charges`",
    "ImportedFile.name": "as it was called",
    "ImportedFile.repeated": "how many rows were known",
    "ImportedFile.rows": "how many rows it has",
    "Mapping.digest": "SHA-256 of the mapping file",
    "Mapping.text": "the mapping file",
    "Apologised.lifts": "clocks of the apologies that were owed by then",
    "Apologised.new_due_at": "the new time, promised by who apologised",
    "Assignment.form": "`department` or `operator`",
    "AutomaticAccepted.tenure": "key of the tenure for which it is said: that of the day",
    "AutomaticRefused.tenure": "key of the tenure for which it is said: that of the day",
    "AwardGranted.amount_fen": "amount in fen; nothing is a word of thanks",
    "AwardGranted.case": "number of the case",
    "AwardGranted.on": "day of the award",
    "CallAnswered.answered_by": "who answered it",
    "CallAnswered.request": "number of the request it led to, where that was known at once",
    "ChangeDecided.accepted": "whether it holds from now on",
    "ChangeDecided.decided_by": "who decided it",
    "ChargeCorrected.kind": _one_of(CHARGE_KINDS),
    "ChargeDisputed.amount_fen": "amount in dispute, in fen",
    "ChargeRaised.kind": _one_of(CHARGE_KINDS),
    "ClauseAgreed.on": "first day it holds",
    "ClauseAgreed.subject": "`late_charge` or `allocation`",
    "ClauseAgreed.until": "last day it holds, if the contract says one",
    "ClauseEnded.until": "last day it holds; before the first it never held",
    "Clock.broken": "whether what it measured was given up, whenever that was",
    "Clock.set": "the clock as an event set it",
    "ClockSet.clock": "kind and ordinal of the clock, e.g. `closing-2`",
    "ClockSet.step": "its next step, or an empty text",
    "ClosedUnanswered.attempts": "how often they were asked",
    "CollectionHeld.until": "last day of the hold",
    "CommitmentBroken.why": "`passed`, `given_up`, or `moved` by staff alone",
    "CommitmentMade.form": "`outcome` or `answer`",
    "CommitmentMade.outcome": "what was promised",
    "CommitmentRenegotiated.form": "`outcome` or `answer`",
    "CommitmentRenegotiated.outcome": "what is promised now",
    "CommitmentRenegotiated.replaces": "clock of the promise that was replaced; empty where its time had passed",
    "ConditionRecorded.evidence": "what it was seen by",
    "ConditionRecorded.on": "the day on which it was seen",
    "ConductConfirmed.kind": _one_of(("bad_record", "disturbance")),
    "ConfirmationDue.attempt": "ordinal of the attempt",
    "CoverPlanned.end": "first instant after the shift",
    "CoverPlanned.start": "first instant of the shift",
    "DefectsChecked.reference": "where the look is recorded",
    "DeliveryFailed.reason": _one_of(FAILURES),
    "DuplicateUndone.kind": "kind of the request",
    "EntryConfirmed.counts_from": "the instant from which it counts now",
    "EntryConfirmed.entry": "number of the entry among those of the request, from 1",
    "Evidence.attention": "requests counted",
    "Evidence.complaints": "complaints among them",
    "Evidence.conduct": "confirmations counted",
    "Evidence.credit": "charges and settlements that the credit grades of the window follow from",
    "Evidence.interests": "interests counted",
    "Evidence.previous_purchases": "purchases and refunds of the year before",
    "Evidence.purchases": "purchases and refunds of the year",
    "ExecutionSupervised.on": "day of the look",
    "Facts.conduct": "confirmed bad records and disturbances in the year",
    "Facts.interests": "interests recorded with consent in the year",
    "GradingConfirmed.confirmed_by": "who stands for it",
    "GradingConfirmed.layer": "the layer that they stand for, and no other",
    "GradingConfirmed.role": "in which role",
    "GradingConfirmed.run": "run of the grading that they had before them",
    "GradingContested.reason": "what is wrong with it, as the owner says",
    "GradingContested.run": "run of the grading that they had before them",
    "GradingDecided.evidence": "log positions behind each fact",
    "GradingDecided.outcome": "what follows from the facts",
    "GradingDecided.tenure": "key of the tenure whose dealings were graded: `first`, or its first day",
    "HouseholdMerged.household": "the duplicate, whose file redirects from then on",
    "HouseholdMerged.into": "the household whose file survives",
    "HouseholdMerged.on": "day from which the facts of the duplicate count for the surviving file",
    "HouseholdRegistered.kind": _one_of(HOUSEHOLD_KINDS),
    "HouseholdRegistered.source": _one_of(SOURCES),
    "ImprovementProposed.measure": "what is to be done",
    "ImprovementProposed.metric": "`volume`, `late_share`, `dissatisfied_share`, `broken_share` or `reopened_share`",
    "ImprovementProposed.value": "of the dimension, e.g. `engineering`",
    "ItemRecorded.basis": "`consent` or `contract` of an item to count by; else empty",
    "ItemRecorded.document": "where the contract is on record, if that is the basis",
    "ItemRecorded.kept_for": "what such an item is kept for, and may be counted for",
    "ItemRecorded.on": "day on which it was told",
    "ItemVerified.result": "`confirmed`, `unreachable` or `wrong`",
    "KeeperAssigned.on": "day from which they keep it",
    "LateChargeClaimed.of": "the charge that was late",
    "LateChargeClaimed.policy": "the policy it was computed by",
    "LayerUplifted.layer": "the layer that holds until the next run",
    "LayerUplifted.policy": "what an uplift needed",
    "LayerUplifted.role": "role of who approved it",
    "LayerUplifted.run": "run of the grading that they had before them",
    "LineRetired.since": "instant from which on nobody answers",
    "MemberAdded.role": _one_of(ROLES),
    "MergeUndone.household": "the file that was merged by mistake",
    "MergeUndone.into": "the household into whose file it had been merged",
    "MessageDeferred.reason": _one_of(("off_duty", "over_cap", "quiet_hours")),
    "MessageDeferred.until": "first instant at which it may be sent",
    "MessageQueued.cause": "id of the event it is about",
    "MessageQueued.channel": "channel it is meant for",
    "MessageQueued.language": _one_of(LANGUAGES),
    "MessageQueued.neutral": "its neutral twin, for who refused personalisation",
    "MessageQueued.parameters": "what the template is filled with",
    "MessageQueued.purpose": "what it is for; the policy says what follows from that",
    "MessageQueued.recipient": "member to be told; empty where the household has none",
    "MessageReleased.day": "the day it counts on",
    "MessageReleased.template": "the template used",
    "MessageSent.day": "the day it was taken",
    "MessageWithheld.reason": _one_of(
        (
            "erased",
            "expired",
            "no_consent",
            "no_recipient",
            "not_on_the_staff",
            "opted_out",
            "over_cap",
            "purpose_ended",
            "recipient_not_of_household",
        )
    ),
    "Moved.layer": "layer that held; empty where it was not graded",
    "Moved.layer_then": "layer that holds from then on; empty where it is not graded",
    "Moved.type": "type that held",
    "Moved.type_then": "type that holds from then on",
    "NoticeMissing.begins": "its first day",
    "NoticeMissing.country": "whose notice, e.g. `cn`",
    "NoticesTakenUp.country": "whose notices, e.g. `cn`",
    "NoticesTakenUp.notices": "those that were not in force before",
    "OpinionRecorded.about": "number of the request it is about, if it is about one",
    "OpinionRecorded.member": "pseudonymous id of the member whose it is",
    "OpinionRecorded.on": "day of the thread, of the answer or of the meeting",
    "OpinionRecorded.opinion": "number of the opinion, one of the household's",
    "OpinionRecorded.reference": "the thread, the survey or the meeting",
    "OpinionRecorded.source": _one_of(OPINION_SOURCES),
    "OpinionWithdrawn.on": "the day on which it was found to be a mistake",
    "OpinionWithdrawn.opinion": "number of the opinion",
    "OpinionWithdrawn.withdrawn_by": "who said so",
    "OrderDispatched.form": "`department` or `operator`",
    "OrderDispatched.turn": "which turn of its trade it was, if it was given by turns",
    "OrderGivenBack.form": "`department` or `operator`",
    "Outcome.type": "customer type as the rule suggests it",
    "Parameter.name": "name of the parameter",
    "Parameter.value": "fen, a day, an instant, a reference, or one of a list of words",
    "PauseEnded.ended_at": "when it ended",
    "PolicyApproved.policy": "the version",
    "PolicyAssessed.compared": "gradings compared",
    "PolicyAssessed.policy": "the version",
    "PolicyDrafted.policy": "the version, with the digest of its contents",
    "PolicyListed.kind": "what its file says under `kind`",
    "PolicyListed.name": "its name",
    "PolicyMadeEffective.policy": "the version",
    "PolicyRef.name": "its name",
    "PolicyRef.version": "its version",
    "PolicySuperseded.policy": "the version",
    "PreferenceChanged.about": "a purpose, `any` that can be refused, or `personalisation`",
    "PreferenceChanged.allowed": "agreed to, or refused",
    "PreferenceChanged.channel": "only for this channel",
    "Promise.by": "who promised",
    "Promise.form": "`outcome` or `answer`",
    "Proof.kind": _one_of(EVIDENCE),
    "Proof.means": f"how it was delivered: {_one_of(MEANS)}; empty for everything but a delivery",
    "Proof.on": "the day it is of; a delivery has one",
    "Proof.reference": "its number, or where it is kept; for `reason_code` the code",
    "ProposalRejected.number": "number of the proposal",
    "ProposalRejected.what": "what was proposed: `refund`, `waiver`, `dispute_decision` or `promise`",
    "ProspectStatusChanged.status": "`new`, `contacted`, `interested` or `lost`",
    "QuotaAllotted.households": "how many were allotted",
    "QuotaAllotted.policy": "the expected shares",
    "RateApproved.on": "first day of the claims that it is for",
    "Reclassified.kind": "what it is now",
    "RecordReplaced.decided_by": "the director",
    "RecordReplaced.instead_of": "the run that held; missing where the year had none",
    "RecordReplaced.moved": "households that it moves",
    "RecordReplaced.run": "the run that holds from now on",
    "RequestClosed.outcome": _one_of(("confirmed", "unconfirmed")),
    "RequestClosed.words": "what they said, as they said it; empty from who is satisfied or said nothing",
    "RequestReceived.channel": _one_of(CHANNELS),
    "RequestReceived.kind": _one_of(REQUEST_KINDS),
    "RequestReopened.kind": "kind of the request",
    "RequestRetold.standing": "where it stands",
    "RequestRetold.told_until": "all that happened before this instant is told",
    "ReviewDecided.decided_by": "who decided it; nobody who had a part in the grading",
    "ReviewDecided.layer": "for an override: the layer that holds instead",
    "ReviewDecided.role": "role of who decided it",
    "ReviewDecided.run": "run of the grading that was under review",
    "ReviewDecided.until": "for an override: the last day on which it holds",
    "SampleDrawn.algorithm": "how they were drawn; see [sampling](sampling.md)",
    "SampleDrawn.households": "those drawn, in the order of the draw",
    "Standing.assignment": "who does the work",
    "Standing.attempts": "how often the customer was asked in vain since the work was done",
    "Standing.duties": "apologies that are owed",
    "Standing.finished": "clocks that have stopped, in that order",
    "Standing.hands": "who arrived or reported the work done since it was last opened",
    "Standing.kind": "kind of the request",
    "Standing.last_attempt_at": "when the customer was asked in vain last",
    "Standing.ordered": "whether the work was given out",
    "Standing.outcome": "`confirmed` or `unconfirmed`; empty while it is not closed",
    "Standing.pause": "the pause that lasts",
    "Standing.pauses": "the pauses that are over",
    "Standing.reopened": "how often it was opened again",
    "Standing.running": "clocks that run",
    "Standing.superseded": "clocks as they stood before another target replaced theirs",
    "Standing.words": "what the customer said of it",
    "StepApproved.role": "the approver's role",
    "StepDone.confirmed_by": "the second member of staff who was there, where a step needs two persons",
    "StepOpened.approver": _one_of(APPROVERS),
    "StepOpened.due": "day by which it is to be done",
    "StepOpened.needs": "evidence without which it is not done",
    "TradesAssigned.since": "first day on which they work in them",
    "TurnGiven.staff": "whose turn it was",
    "TurnGiven.turn": "ordinal of the turn, from 1",
    "TypeConfirmed.confirmed_by": "who confirmed it",
    "TypeConfirmed.run": "run of the grading that they had before them",
    "TypeProposed.run": "run of the grading that they had before them",
    "UpliftProposed.run": "run of the grading that they had before them",
    "UpliftRejected.run": "run of the grading that they had before them",
    "WarningRaised.measure": "`volume` or `dissatisfaction`",
    "Word.channel": "how it was said: `phone`, `counter`, `letter`, ...",
    "Word.member": "pseudonymous id of the member who said it",
    "Word.reference": "where it is on record",
    "WrongSuffered.case": "number of the case",
    "WrongSuffered.on": "day on which it happened",
    "WrongWithdrawn.case": "number of the case",
    "accepted_at": "when the customer accepted",
    "accepted_by": "who accepts it",
    "acknowledgement": "number of the acknowledgement",
    "act": _one_of(ACTS),
    "agreement": "number of the contract by which a tenant owes",
    "allocations": "the allocation policies of its money, where one is another than oldest first",
    "amount_fen": "amount in fen, above zero",
    "answer_rings": "rings within which the phone is answered",
    "answered_at": "when the customer got the answer",
    "answered_by": "who gave it",
    "apologised_at": "when the apology was made",
    "apologised_by": "who made it",
    "apology": "the words of regret",
    "apology_seconds": "from a broken promise to the apology",
    "approved_by": "who approved it",
    "approver": "who approved it",
    "arrival_seconds": "from an accepted promise or an order to arrival",
    "arrived_at": "when somebody was on site",
    "arrived_by": "who arrived",
    "assessed_by": "who assessed it",
    "asked_by": "the member who asks, where that is known",
    "assessment": "reference of the assessment",
    "assigned_by": "who assigned it",
    "at": "when it fell due",
    "attempt": "which attempt, from 1",
    "attempted_at": "when the customer was asked",
    "attention": "distinct matters raised in the year",
    "b2_entries": "how often B2 or worse was entered in the year",
    "baseline_end": "last day of the comparison",
    "baseline_start": "first day of the comparison",
    "basis": "`target` or `commitment`",
    "because": "what says otherwise: the event that came to be known",
    "because_at": "when that happened",
    "broken_at": "when the promise was broken",
    "building": "building (楼栋)",
    "carried_out": "whether it is carried out as planned",
    "case": "number of the case of the household, from 1",
    "cause": "the concrete reason",
    "change": "number of the change, one of the household's",
    "change_per_mille": "how far the metric is to move, in thousandths of what it was",
    "channel": "how the customer was asked",
    "charge": "number of the charge",
    "charges": "numbers of the charges it is about",
    "charges_due": "charges due in the year",
    "checked_by": "who looked",
    "claimed_by": "who asked for it",
    "clause": "number of the clause",
    "clock": "clock it is about",
    "clocks": "clocks that are set, or set anew",
    "close_seconds": "from receipt to done",
    "closed_at": "when it was closed",
    "cohort_digest": "digest of every household of the cohort and all that its place depends on",
    "compared": "gradings compared",
    "complaints": "those of them that are complaints",
    "conclusion": "what came of it",
    "condition": "position of the sound condition on record of a commercial customer that is lifted by it; else missing",
    "confirm_attempts": "attempts before it may close as unconfirmed",
    "confirm_days": "days over which the attempts are spread",
    "confirmed_by": "the manager or director who confirmed it",
    "contact": "how they are reached",
    "contested_by": "who disputes it",
    "corrected": "for a correction: run of the grading that stands in its place",
    "count": "how often",
    "counts_from": "from when it counts: when it happened, or when it became known where nobody showed that; missing where it makes no sense by then",
    "credit": "credit grade on the last day of the year",
    "credit_policy": "credit table it was graded with",
    "criteria": "digest of every condition that was looked at, with value, threshold and result, and of what is missing to the next better layer",
    "customer_told": "whether the customer was told",
    "cutoff_known": "instant up to which facts were known",
    "cutoff_position": "position up to which facts were seen",
    "debtor": "the member who owes it, if not who owns the household when it falls due",
    "decided_by": "`rule`",
    "digest": "SHA-256 of its contents",
    "dimension": "`trade`, `kind`, `place` or `staff`",
    "disclosable": "digests of salted parts that can be shown to an outsider one by one; none as long as nothing is disclosed so",
    "dispatched_at": "when the order was given",
    "dispute": "number of the dispute",
    "document": "the document it is in",
    "done_at": "when the work was done",
    "done_by": "who did it",
    "drafted_by": "who drafted it",
    "drawn_by": "who had them drawn",
    "due": "due date; overdue from the day after",
    "due_at": "when it is due",
    "effective_from": "first day of its use",
    "ended_by": "who ended it",
    "entered_by": "the member of staff who entered it",
    "entry": "which of several of that name; empty for the only one",
    "estate": "estate (小区)",
    "evidence": "what it rests on",
    "expected_end": "when the pause ends at the latest",
    "expires_at": "from then on it makes no sense to be told",
    "extended_at": "when it was extended",
    "facts": "the facts it was decided on",
    "finding": "number of the finding",
    "follows": "number of the request whose outcome it is about",
    "found_at": "when it was found",
    "found_by": "who found it",
    "from_assignee": "who had the order",
    "from_household": "the household it was booked to before",
    "from_layer": "the layer that was computed",
    "from_owner": "who owned it before",
    "gathered_at": "when it was gathered",
    "gathered_by": "who gathered it",
    "given_back_at": "when it was given back",
    "given_up": "whether it was given up before its time",
    "given_up_at": "when it was said",
    "grade": "credit grade",
    "gradings": "how many households were graded",
    "granted_by": "who granted it",
    "hold": "number of the hold",
    "hours": "when the member is reached there",
    "household": "household (户号)",
    "households": "how many",
    "how": "`refused` or `returned`",
    "incident": "id of the incident",
    "instalments": "what is to be paid by when",
    "into": "number of the request that goes on",
    "item": "item of the record card; or `name`, `phone`",
    "keeper": "who keeps the file",
    "kept_at": "when it was kept",
    "language": "in which language to speak there",
    "last_day": "last day of its use",
    "late": "whether it came to be known after it had been judged otherwise",
    "layer": "layer of the pyramid, or `insufficient`",
    "leased_until": "until then no other attempt begins",
    "lifted": "clock of an apology that is not owed after all, or an empty text",
    "line": "the line that is answered",
    "made_at": "when the promise was made",
    "member": "pseudonymous id of the person",
    "merged_at": "when it was merged",
    "merged_by": "who merged them",
    "message": "id of the message: hash of cause, template and recipient",
    "method": _one_of(METHODS),
    "mode": "`order`, `grab` or `round_robin`",
    "moved": "households that would be in another layer",
    "moved_in": "day of moving in (入住日期)",
    "name": "name of the person",
    "next_at": "when its next step falls due",
    "not_before": "first instant at which it may be sent",
    "note": "what was noted",
    "noted_at": "when it was noted",
    "noted_by": "who noted it",
    "notices": "official notices of public holidays that its calendars go by",
    "of": "the request it duplicates",
    "on": "the day it is about",
    "on_duty": "operators it lay between, by id",
    "on_site": "whether somebody is to come",
    "open_defects": "open defects of the company's own service",
    "opened_at": "when it was opened",
    "opened_by": "who opened it",
    "opinion": "what the customer thinks of it: `satisfied`, `partly` or `dissatisfied`; missing where nobody asked said anything",
    "overdue_days": "days since the oldest unpaid overdue charge was due",
    "overdue_fen": "unpaid principal of overdue charges",
    "owner": "the person first asked, who owns the request",
    "paid_on": "day of payment",
    "parts": "the charges that it names and how much of it is for each",
    "passed_over": "operators whose turn came before, but who were off duty",
    "paused_at": "when the clocks stopped",
    "payee": "the member whose credit it was, if not that of who owes on the day",
    "payer": "the member who paid, if that is known",
    "payment": "number of the payment",
    "percent": "share of the target that was used up",
    "period": "period it is for",
    "phone": "telephone number (电话)",
    "place": "place: in a claim its normalised key, in a request as told",
    "places_digest": "digest of the places",
    "plan": "number of the plan",
    "policy": "policy that applies",
    "positions": "log positions of the events behind it",
    "previous_purchases_fen": "purchases less refunds of the year before",
    "promise": "number of the promise",
    "promise_seconds": "from receipt to a commitment",
    "promised_by": "who promised",
    "promises": "log positions of the charges that were paid as promised",
    "proofs": "the evidence",
    "proposed_by": "who proposed it",
    "prospect": "pseudonymous id of the potential customer, and of the member they become",
    "purchase": "number of the purchase",
    "purchases_fen": "purchases less refunds of the year",
    "reading": "which events counted how",
    "reason": "why",
    "rebased_at": "when it was re-based",
    "receipt": "what the channel answered",
    "received_at": "when it was received",
    "reclassified_at": "when it was put right",
    "declined_by": "who decided not to",
    "ended": "day on which what they were kept for had ended",
    "erased_by": "who decided it",
    "ground": "why, as a code that stays",
    "keys": "ids of the keys that are destroyed",
    "lifted_by": "who lifted it",
    "members": "members, by id",
    "placed_by": "who placed it",
    **{
        f"{cls}.purpose": "what for, in the words of who erased"
        for cls in ("HouseholdErased", "MemberErased", "StaffErased")
    },
    "recorded_by": "who recorded it",
    "refund": "number of the refund",
    "refused_by": "who refused it",
    "rejected_by": "who rejected it",
    "remedy": "the concrete remedy",
    "renegotiated_at": "when the other promise was agreed on",
    "renewed_at": "from when on",
    "reopened_at": "when it was opened again",
    "replaces": "the promise it takes the place of",
    "reported_by": "who reported it",
    "request": "number of the request",
    "requests": "numbers of its requests",
    "resolved_at": "when it was over",
    "resolved_by": "who reported it",
    "respond_by": "day by which the household is to pay or to answer",
    "respond_days": "reasonable period the household is given, in days",
    "responsible": "who carries it out",
    "result": "`upheld`, `corrected` or `overridden`",
    "resumed_at": "when the clocks went on",
    "retry_at": "when it is tried again; without it the message is given up",
    "review": "number of the review",
    "rings": "how often the phone rang",
    "role": "role it is about",
    "room": "room (房号)",
    "run": "id of the run",
    "runs": "recorded runs it was tried over",
    "runs_from": "first day of the plan",
    "runs_to": "last day of the plan",
    "said_at": "when the customer said so",
    "sample": "number of the sample",
    "seconds": "how long it may run",
    "service": "value-added service",
    "severity": _one_of(SEVERITIES),
    "spot": "where within the home",
    "shift": "number of the shift",
    "side": "`customer` or `third_party`",
    "since": "first day of the role",
    "skipped_by": "who left it out",
    "sound": "whether the business is in a sound condition",
    "source": "channel it came from",
    "staff": "member of staff",
    "started_at": "when it started",
    "status": "`computed` or `awaiting_confirmation`",
    "step": "number of the step in the household's collection, from 1",
    "successor": "number of the request that follows",
    "summary": "what it is about",
    "superseded_by": "the version that takes its place",
    "supervised_by": "who looked",
    "supervisor": "who supervises it",
    "taken_back_by": "who took it back",
    "taken_up_at": "when they all did",
    "targets": "targets pinned to it",
    "template": "the wording it is made from",
    "tenure": "key of the tenure it is about: `first`, or its first day",
    "to": "who has the work now",
    "to_household": "the household it belongs to",
    "to_owner": "who owns it now",
    "told": "role that is told",
    "toml": "the text of the policy file",
    "trade": _one_of(TRADES),
    "trades": "what they work in, and nothing else",
    "type": "customer type",
    "undone_at": "when that was found",
    "undone_by": "who undid it",
    "unit": "unit (单元)",
    "until": "last day of the role",
    "upheld_fen": "amount that was never owed, in fen; 0 for a rejection",
    "usual_per_mille": "number of an earlier window on average, in thousandths",
    "value": "what was told",
    "verified_by": "who checked it",
    "waiver": "number of the waiver",
    "warned_at": "when it was found missing",
    "warning": "id of the warning",
    "way": "how it was checked: `phone`, `questionnaire`, `home_visit` or `community_event`",
    "what": "what happened",
    "window_end": "last day that was looked at",
    "window_start": "first day that was looked at",
    "word": "what the member of the household said, and where that is on record",
    "worse": "those of them that would be in a worse one",
    "worst_credit": "worst credit grade on any day of the year",
    "write_off": "whether what stays owed was given up",
    "year": "calendar year",
    "ClearanceEnded.kind": "`undertaking` or `training`",
    "ClearanceEnded.on": "day from which it counts no more",
    "SanctionDecided.case": "number of the case",
    "SanctionDecided.step": "`bad_record`, `dismissal` or `legal_action`",
    "SanctionDecided.taken": "whether it was taken",
    "SanctionProposed.case": "number of the case",
    "SanctionProposed.step": "`bad_record`, `dismissal` or `legal_action`",
    "SupplierEnded.data_was": "what became of the data: `returned` or `deleted`",
    "SupplierEnded.on": "last day of the contract as it ended",
    "SupplierEngaged.contract": "number of the contract",
    "SupplierEngaged.name": "name of the supplier",
    "SupplierEngaged.since": "first day of the contract",
    "TrainingCompleted.since": "day of the training",
    "TrainingCompleted.topic": "what it was about",
    "TrainingCompleted.until": "last day on which it counts",
    "UndertakingSigned.undertaking": "number of what was signed",
    "UndertakingSigned.since": "day on which it was signed",
    "UndertakingSigned.until": "last day on which it holds",
    "supplier": "number of the supplier",
    "taken_by": "the member of staff who took it",
    "Answer.seconds": "how long answering took, if that is known, and no more than makes a difference",
    "AnswerWithdrawn.opinion": "under which number what was written in it was heard, if anything was",
    "AnsweredByName.channel": "by what it was answered",
    "AnsweredByName.entered_by": "id of who entered it: the member, or one of the staff",
    "AnsweredByName.opinion": "under which number what was written is heard (GRD-02); empty where nothing was",
    "AnsweredByName.seconds": "how long answering took, if that is known",
    "AnswersCounted.answers": "in an order that follows from them alone",
    "AnswersCounted.comments": "likewise",
    "AnswersCounted.withheld": "how many answers there were, where they were too few to be told of: they were destroyed",
    "AttendanceWithdrawn.opinion": "under which number it was heard",
    "Comment.item": "code of the question",
    "Comment.text": "what was written",
    "Figure.of": "the survey or the category, where it is one of several",
    "Figure.unit": "`count`, `fen` or `share` (ten-thousandths)",
    "Figure.value": "the figure",
    "ForumChecked.checked_at": "when somebody looked",
    "ForumChecked.posts": "how many posts were new",
    "ForumDayMissed.watcher": "who should have looked",
    "ForumWatched.estate": "whose owners write there",
    "ForumWatched.set_by": "who designated them",
    "ForumWatched.since": "first day of the watch",
    "HouseholdReached.channel": "by what it was reached",
    "HouseholdReached.reached_by": "who reached it",
    "MeetingAttended.opinion": "under which number it is heard (GRD-02)",
    "MeetingHeld.held_by": "who recorded it",
    "MeetingHeld.subject": "what it was about",
    "MissExplained.explained_by": "who said why",
    "PostRecorded.opinion": "under which number it is heard (GRD-02); empty where it is not, or was already",
    "PostRecorded.summary": "what it says",
    "PostTurned.kind": "kind of the request",
    "PostTurned.opinion": "under which number the post was heard before",
    "PostTurned.place": "where it is, of what is nobody's",
    "PostTurned.received_at": "when the company knew of it",
    "PostTurned.summary": "what the post says",
    "PostTurned.turned_by": "who made a request of it",
    "PostWithdrawn.opinion": "under which number it was heard, if it was",
    "PublicationDrafted.end": "last day of its period",
    "PublicationDrafted.figures": "its figures",
    "PublicationDrafted.kind": "`service` or `statement`",
    "PublicationDrafted.known": "as known when",
    "PublicationDrafted.position": "position of the last fact that was seen",
    "PublicationDrafted.start": "first day of its period",
    "SpendingRecorded.category": "what money is spent on",
    "SurveyCancelled.cancelled_by": "who gave it up",
    "SurveyOpened.channels": "by what households are asked",
    "SurveyOpened.households": "how many households there are to be asked",
    "SurveyOpened.opens_on": "first day",
    "SurveyOpened.policy": "policy it is counted by",
    "SurveyOpened.questionnaire": "what is asked",
    "SurveyOpened.reason": "why it is by name, where it is",
    "TookPart.channel": "by what it answers",
    "WatchEnded.last": "last day of the watch",
    "forum": "name of the forum",
    "meeting": "number of the meeting",
    "post": "number of the post",
    "posted_on": "day of the post",
    "publication": "number of the publication",
    "spending": "number of what was spent",
    "survey": "number of the survey",
    "thread": "the thread it stands in: one matter, however often its author writes",
    "withdrawn_by": "who withdrew it",
}
"""What fields hold; `Class.field` where one name means two things."""

PLANS = {
    "advice": "what was advised",
    "advised_by": "id of who advised",
    "archived_by": "id of who filed it",
    "assessment": "number of the assessment",
    "because": "why",
    "begun_by": "id of who let the calendar hold",
    "budget_fen": "what it may cost at most, in fen",
    "cancelled_by": "id of who cancelled it",
    "care": "number of the occasion or the offer, one of the household's",
    "checked_by": "id of who checked it; never who did it",
    "compiled_by": "id of who compiled it",
    "consulted_by": "id of who asked",
    "decided_by": "id of who decided; never who proposed it",
    "difficulty": "number of the difficulty",
    "done_by": "id of who says that it is done",
    "dropped_by": "id of who gave it up",
    "due": "last day on which it is in time",
    "effective": "whether it had its effect",
    "ended_by": "id of who ended it",
    "entry": "number of the entry within the assessment",
    "evaluated_by": "id of who evaluated it",
    "feedback": "number of the feedback, or how often customers were heard",
    "findings": "what was found",
    "gathered_by": "id of who gathered it",
    "goal": "what is to be reached",
    "guidance": "the guidance",
    "guided_by": "id of who gave it; never who evaluated",
    "handed_by": "id of who handed it over",
    "heard_by": "id of who heard it",
    "held_by": "id of who recorded that it was held",
    "improved_by": "id of who said so",
    "improvement": "what is to become better, or why nothing has to",
    "kind": "what it is of a closed list",
    "learned_by": "id of who learned it",
    "measure": "number of the measure",
    "measures": "the measures",
    "needs": "what the household needs",
    "nth": "how often it had stopped before",
    "occasion": "name of the occasion in the policy",
    "offered_by": "id of who offered it",
    "opened_by": "id of who began it",
    "person": "id of the member of staff whose it is",
    "planned_by": "id of who planned it",
    "planned_for": "day on which it is to be",
    "report": "number of the report",
    "reported_by": "id of who reported",
    "responsible": "id of who carries it out",
    "returned_by": "id of who gave it back",
    "reviewed_by": "id of who reviewed it; never who had a part in it",
    "solved": "whether that solved it",
    "spending": "number of the spending",
    "suggested_by": "id of who suggested it",
    "suggestion": "what was suggested",
    "suggestions": "what to change",
    "summarised_by": "id of who wrote it",
    "suspended_by": "id of who suspended it",
    "task": "number of the task",
    "version": "number of the version of the plan, from 1",
    "what": "what it is, or what was said",
    "withdrawn_by": "id of who withdrew it; never who recorded it",
}
"""Words of the slice of plans, where its events do not say more."""

PRIVACY = {
    "approved": "whether they agreed",
    "asked_at": "when it was asked",
    "authority": "which authority",
    "case": "number of the case",
    "checked_by": "who looked",
    "clocks": "by when whom is told",
    "closed_by": "who closed it",
    "confirmed": "whether they are who they say, and may ask",
    "deadline": "by when it is answered now",
    "decided_at": "when it was decided",
    "decided_by": "who decided; never who proposed it",
    "declined_by": "who refused it",
    "determined_by": "who found it out",
    "discovered_at": "when it was found; its clocks run from then",
    "duty": "`internal`, `authority` or `persons`",
    "en": "text in English; empty where none is shown",
    "entered_by": "who entered it",
    "extended_by": "who put it off",
    "fulfilled_by": "who did it",
    "how": "by what: a document that was shown, a call back",
    "kind": "kind of right: `know`, `copy`, `correct`, `delete`, `object`, `explain` or `port`",
    "kinds": "classes of the [data map](data-map.md)",
    "leak": "number of the leak",
    "on": "day on which it was said",
    "ordered_at": "when it was ordered",
    "policy": "policy that applies",
    "published_by": "who published it",
    "purpose": "a purpose of the closed list",
    "reassessed_by": "who judged it",
    "receiver": "who receives data, as it was agreed to; empty for all there are",
    "reference": "where that is on record",
    "refused_at": "when it was refused",
    "said_at": "when it was said",
    "severity": "`general`, `serious`, `grave` or `extreme`",
    "stated_by": "who said so",
    "step": "`warn-1`, `warn-2` and so on, or `overdue`",
    "summary": "what happened",
    "text": "what is said",
    "text_version": "version of that text; 0 where an objection is lifted",
    "told_at": "when they were told",
    "told_by": "who entered that they were",
    "warns_at": "when each of these shares is reached",
    "word": "what the member of staff was told; nothing from who acts in person",
    "zh": "text in Chinese",
}
"""What fields of the privacy slice hold, where their class does not say it itself."""

PLAIN = {
    bool: "true or false",
    date: "date",
    datetime: "instant",
    int: "whole number",
    str: "text",
    PersonalValue: "sealed text",
    Operator: "text",
}


def render(of: Registry) -> str:
    """The whole page."""
    lines = [HEAD, "| member | what it holds |", "|---|---|"]
    members = sorted(field.name for field in attrs.fields(Envelope))
    lines += [f"| `{name}` | {ENVELOPE[name]} |" for name in members]
    lines.append(VALUES)
    shapes: dict[str, type] = {}
    for name in sorted(of.slices, key=[*STREAMS, *of.slices].index):
        events = of.slices[name].events
        if events:
            lines += [f"## {name.capitalize()}", "", STREAMS.get(name) or _about(of, name), ""]
        for kind in events:
            lines += _event(kind, shapes)
    lines += ["## Shapes", "", "Values with fields of their own.", ""]
    done: set[str] = set()
    while rest := sorted(set(shapes) - done):
        for shape in rest:
            done.add(shape)
            lines += _shape(shapes[shape], shapes)
    return "\n".join(lines).rstrip() + "\n"


def _event(kind: EventType, shapes: dict[str, type]) -> Iterator[str]:
    yield f"### `{kind.stored}`"
    yield ""
    yield _said(kind.cls)
    yield ""
    yield from _table(kind.cls, shapes, kind.effective)


def _shape(cls: type, shapes: dict[str, type]) -> Iterator[str]:
    yield f"### {cls.__name__}"
    yield ""
    yield _said(cls)
    yield ""
    yield from _table(cls, shapes)


def _said(cls: object) -> str:
    first = (cls.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(first.split())


def _about(of: Registry, name: str) -> str:
    """What a slice says of itself, and its streams."""
    package = import_module(of.slices[name].package)
    streams = ", ".join(f"`{one.decider.name}/...`" for one in of.slices[name].aggregates)
    return f"{_said(package)} Streams {streams}."


def _arguments(cls: type) -> dict[str, str]:
    """What a class says of its fields itself; else `WORDS` says it."""
    found = re.findall(r"^ +(\w+): (\w.*)\.$", cls.__doc__ or "", re.MULTILINE)
    return {name: text[0].lower() + text[1:] for name, text in found}


def _table(cls: type, shapes: dict[str, type], effective: str | None = None) -> Iterator[str]:
    yield "| field | type | what it holds |"
    yield "|---|---|---|"
    for name, hint in get_type_hints(cls).items():
        said = _arguments(cls)
        words = WORDS.get(f"{cls.__name__}.{name}")
        if words is None and cls.__module__.startswith("crm_core.privacy."):
            words = said.get(name) or PRIVACY.get(name)
        if words is None and cls.__module__.startswith("crm_core.plans."):
            words = said.get(name) or PLANS.get(name)
        words = words or WORDS.get(name) or said[name]
        mark = "; the effective day" if name == effective else ""
        yield f"| `{name}` | {_kind(hint, shapes)} | {words}{mark} |"
    yield ""


def _kind(hint: Any, shapes: dict[str, type]) -> str:
    if hint == Value:
        return "whole number, text or truth value"
    if hint == Value | tuple[str, ...]:
        return "whole number, text, truth value or list of texts"
    if hint in PLAIN:
        return PLAIN[hint]
    if get_origin(hint) in (types.UnionType, Union):
        inner = [kind for kind in get_args(hint) if kind is not type(None)]
        if Sealed in inner:
            return "typed text, sealed" + (
                ", may be missing" if type(None) in get_args(hint) else ""
            )
        assert len(inner) == 1
        return f"{_kind(inner[0], shapes)}, may be missing"
    if get_origin(hint) is tuple:
        return f"list: {_kind(get_args(hint)[0], shapes)}"
    shapes[hint.__name__] = hint
    return f"[{hint.__name__}](#{hint.__name__.lower()})"
