"""A life as commands of the library, what the library makes of it, and where the two differ.

Whatever of the library's forms is needed stands in this module alone: how a command is made
(`COMMANDS`), who gives it (`actor`), and how plain data is read out (`Shown`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import attrs

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, PolicyBook, Refused, Request, shipped
from crm_core.application.work import Planned
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.owners.commands import owner_id
from crm_core.requests import (
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Arrive,
    CloseImported,
    ConfirmClosing,
    Dispatch,
    ExtendPause,
    GiveUpCommitment,
    MakeCommitment,
    NoteFailedAttempt,
    NoteProgress,
    PauseRequest,
    ReceiveRequest,
    Reclassify,
    Renegotiate,
    Reopen,
    ReportDone,
    ResumeRequest,
    SlaPolicy,
)
from crm_core.requests.clocks import COMMITMENT, Clock
from crm_core.requests.parts import PROMISE_BROKEN, PROMISE_KEPT, Taken
from crm_core.requests.views import request_view
from slow.calendar import SHIPPED, Rules, instant
from slow.model import CLOSED, Entry, Judged, Life, judge

REQUEST, HOUSEHOLD = "R1", "V1"
CUSTOMER = Word(owner_id(HOUSEHOLD), "phone", "call 77")
CLERK = Actor("S17", "specialist")

# --- a life as commands --------------------------------------------------------------------------


def _confirmed(entry: Entry, at: datetime) -> Any:
    said: dict[str, Any] = {"opinion": entry.opinion, "words": "as told"}
    if "opinion" not in attrs.fields_dict(ConfirmClosing):
        said = {"satisfied": entry.opinion == "satisfied"}
    return ConfirmClosing(request=REQUEST, confirmed_at=at, word=CUSTOMER, **said)


def _moved(entry: Entry, at: datetime) -> Any:
    return Renegotiate(
        request=REQUEST,
        outcome="fixed",
        due_at=_then(entry.due),
        renegotiated_at=at,
        reason="not all is at hand",
        form=str(entry.form),
        word=CUSTOMER if entry.kind == "moved_agreed" else None,
    )


def _then(at: int | None) -> datetime:
    assert at is not None
    return instant(at)


Made = Callable[[Entry, datetime], Any]

COMMANDS: dict[str, Made] = {
    "received": lambda entry, at: ReceiveRequest(
        request=REQUEST,
        household=HOUSEHOLD,
        channel=str(entry.channel),
        kind="repair",
        trade="engineering",
        severity=str(entry.severity),
        summary="水管漏水",
        received_at=at,
        first_asked=entry.by,
        place="厨房",
    ),
    "promised": lambda entry, at: MakeCommitment(
        request=REQUEST,
        outcome="fixed",
        due_at=_then(entry.due),
        made_at=at,
        form=str(entry.form),
    ),
    "accepted": lambda entry, at: AcceptCommitment(
        request=REQUEST,
        word=CUSTOMER,
        accepted_at=at,
        due_at=None if entry.due is None else instant(entry.due),
        on_site=entry.on_site,
    ),
    "moved_alone": _moved,
    "moved_agreed": _moved,
    "given_up": lambda _, at: GiveUpCommitment(
        request=REQUEST, given_up_at=at, reason="it cannot be had"
    ),
    "answered": lambda _, at: AnswerCustomer(request=REQUEST, answered_at=at),
    "noted": lambda entry, at: NoteProgress(
        request=REQUEST, note="going on", customer_told=entry.told, noted_at=at
    ),
    "ordered": lambda entry, at: Dispatch(
        request=REQUEST, to="E4", form="operator", dispatched_at=at, on_site=entry.on_site
    ),
    "arrived": lambda _, at: Arrive(request=REQUEST, arrived_at=at),
    "paused": lambda entry, at: PauseRequest(
        request=REQUEST,
        reason=str(entry.reason),
        paused_at=at,
        expected_end=_then(entry.end),
    ),
    "extended": lambda entry, at: ExtendPause(
        request=REQUEST,
        reason="not back yet",
        extended_at=at,
        expected_end=_then(entry.end),
    ),
    "resumed": lambda _, at: ResumeRequest(request=REQUEST, resumed_at=at),
    "done": lambda _, at: ReportDone(request=REQUEST, done_at=at),
    "attempted": lambda _, at: NoteFailedAttempt(request=REQUEST, attempted_at=at, channel="phone"),
    "confirmed": _confirmed,
    "apologised": lambda _, at: Apologise(
        request=REQUEST,
        apology="we are sorry",
        cause="the part came late",
        remedy="it is on its way",
        apologised_at=at,
    ),
    "reclassified": lambda entry, at: Reclassify(
        request=REQUEST, reason="looked at", reclassified_at=at, severity=entry.severity
    ),
    "imported_closing": lambda _, at: CloseImported(request=REQUEST, closed_at=at),
    "reopened": lambda _, at: Reopen(request=REQUEST, reopened_at=at, reason="it leaks again"),
}
"""How each kind of entry is given to the library."""


def command_of(entry: Entry) -> Any:
    return COMMANDS[entry.kind](entry, instant(entry.at))


def actor(entry: Entry) -> Actor:
    """Who gives it: ids of operators begin with an E; a leader may break another's promise."""
    if entry.kind in ("given_up", "moved_alone"):
        return Actor(entry.by, "supervisor")
    return Actor(entry.by, "operator" if entry.by.startswith("E") else "specialist")


# --- what the library makes of it ----------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """What the library says of a life, as plain data.

    Args:
        view: `request_view`.
        promises: Each promise as its events tell: clock, by, status and since.
        broken: Clocks of promises that are broken and not lifted, with who is to apologise.
        refused: What was refused, by the number of the entry: reason and rule.
    """

    view: dict[str, Any]
    promises: list[dict[str, Any]]
    broken: list[dict[str, Any]]
    refused: dict[int, str]
    events: list[Any]
    taken: tuple[Taken, ...]


def opened(rules: Rules = SHIPPED) -> CRM:
    """A log in memory with the household of all lives."""
    policies = None
    if rules is not SHIPPED:
        sla = SlaPolicy.parse(rules.text)
        day = instant(0).date()
        policies = PolicyBook([sla, shipped().find(AuthorityPolicy, DEFAULT_AUTHORITY, day)])
    crm = open_crm("memory:") if policies is None else open_crm("memory:", policies=policies)
    file = RegisterHousehold(
        HOUSEHOLD, "星河", "1", "2", "301", owner=Personal(owner_id(HOUSEHOLD), "张三")
    )
    crm.do(file, by=CLERK, at=instant(0))
    return crm


def give(crm: CRM, entry: Entry, at: datetime) -> str | None:
    """Give an entry to the library when it becomes known; what refuses it, if it does."""
    command = command_of(entry)
    if entry.kind != "imported_closing":
        try:
            crm.do(command, by=actor(entry), at=at)
        except Refused as refused:
            return f"{refused.reason} ({refused.rule})"
        return None
    said: list[str] = []
    crm.batch(
        [Planned(command, f"import-{entry.at}-{at:%s}", at)],
        by=CLERK,
        imported=at,
        on_refusal=lambda _, refusal: said.append(f"{refusal.code} ({refusal.rule})"),
    )
    return said[0] if said else None


def lived(
    life: Life,
    now: int,
    rules: Rules = SHIPPED,
    ticks: Iterable[int] = (),
    known: Sequence[int] | None = None,
) -> Shown:
    """Live a life through the library, in the order in which it became known.

    Args:
        ticks: The numbers of the entries before which the clock is asked; at `now` it always is.
        known: The minute at which each entry became known; by default when it happened.
    """
    asked = set(ticks)
    minutes = [entry.at for entry in life] if known is None else list(known)
    refused = {}
    with opened(rules) as crm:
        for number in sorted(range(len(life)), key=lambda n: (minutes[n], n)):
            at = instant(minutes[number])
            if number in asked:
                crm.tick(at)
            said = give(crm, life[number], at)
            if said is not None:
                refused[number] = said
        crm.tick(instant(now))
        return shown(crm, instant(now), refused)


def shown(crm: CRM, now: datetime, refused: dict[int, str]) -> Shown:
    """What the library says of the request."""
    state = crm.get(Request, REQUEST)
    assert state is not None
    events = [recorded.event for recorded in crm.log.read(f"request/{REQUEST}")]
    broken = [
        {"clock": duty.commitment, "by": duty.promised_by, "since": _since(state, duty.commitment)}
        for duty in state.duties
    ]
    return Shown(
        view=request_view(state, now, crm.requests.pinned),
        promises=[_promise(state, clock.name) for clock in _commitments(state)],
        broken=broken,
        refused=refused,
        events=events,
        taken=tuple(state.taken),
    )


def _commitments(state: Request) -> list[Clock]:
    return [clock for clock in state.clocks() if clock.kind == COMMITMENT]


def _promise(state: Request, clock: str) -> dict[str, Any]:
    """A promise as the steps that stand tell of it."""
    for step in state.taken:
        if step.clock == clock and step.what in (PROMISE_BROKEN, PROMISE_KEPT):
            status = "kept" if step.what == PROMISE_KEPT else "broken"
            return {"clock": clock, "by": step.by, "status": status, "since": step.at}
    by = "" if state.promise is None else state.promise.by
    return {"clock": clock, "by": by, "status": "running", "since": None}


def _since(state: Request, clock: str) -> datetime:
    found: datetime = _promise(state, clock)["since"]
    return found


# --- where the two differ ------------------------------------------------------------------------

NOT_JUDGED = ("confirmation",)
"""Clocks of the library of which the model says nothing."""


def differences(
    judged: Judged,
    verdicts: list[dict[str, Any]],
    *,
    promises: list[dict[str, Any]] | None = None,
    owed: list[dict[str, Any]] | None = None,
    view: dict[str, Any] | None = None,
    doubts: bool = False,
) -> list[str]:
    """Where the model and the library differ, one line each; none where they agree.

    Args:
        verdicts: Of `request_view(...)["verdicts"]`; superseded ones are passed over.
        promises: Each with `clock`, `by`, `status` and `since`, in their order.
        owed: Apologies still owed, each with `by` and `since`.
        view: With it `status`, `outcome` and `apology_owed` are compared.
        doubts: Whether to compare what the rules leave open as well.
    """
    found = _of_clocks(judged, verdicts, doubts=doubts)
    if promises is not None:
        found += _of_promises(judged, promises, doubts=doubts)
    if owed is not None:
        found += _of_duties(judged, owed, doubts=doubts)
    if view is not None:
        found += _of_view(judged, view, doubts=doubts)
    return found


def compared(
    life: Life,
    now: int,
    rules: Rules = SHIPPED,
    ticks: Iterable[int] = (),
    known: Sequence[int] | None = None,
    *,
    doubts: bool = False,
) -> list[str]:
    """Live a life through the library, judge it, and tell where the two differ."""
    said = lived(life, now, rules, ticks, known)
    judged = judge(life, now, rules)
    for number in sorted({*said.refused, *judged.refused}):
        library, rule = said.refused.get(number), judged.refused.get(number)
        if life[number].kind == "given_up" and library is None:
            # What is given up after its time is broken already: the library records that.
            continue
        if (library is None) != (rule is None):
            before = judge(life[:number], life[number].at, rules).status
            # From here on they tell of two different lives.
            what = f"refused: entry {number} {life[number].kind} in {before}"
            return [f"{what}: library {library}, model {rule}"]
    return differences(
        judged,
        said.view["verdicts"],
        promises=said.promises,
        owed=said.broken,
        view=said.view,
        doubts=doubts,
    )


def _of_clocks(judged: Judged, verdicts: list[dict[str, Any]], *, doubts: bool) -> list[str]:
    theirs = {v["clock"]: v for v in verdicts if not v["superseded"]}
    not_judged = set(NOT_JUDGED)
    if not doubts and any(
        c.doubts.get("exists") == "silence_heard" for c in judged.clocks.values()
    ):
        not_judged.add("progress")
    found = []
    for name in sorted({*judged.clocks, *theirs}):
        if name.rpartition("-")[0] in not_judged:
            continue
        ours, library = judged.clocks.get(name), theirs.get(name)
        if ours is None or library is None:
            if ours is None or doubts or "exists" not in ours.doubts:
                found.append(f"{name}: library {_there(library)}, model {_there(ours)}")
            continue
        due_at = library["due_at"] and datetime.fromisoformat(library["due_at"])
        stopped = library["stopped_at"] and datetime.fromisoformat(library["stopped_at"])
        aspects = [
            ("kept", library["kept"], ours.kept),
            # What was left over is told below zero; the model tells what was too much alone.
            ("late", max(0, library["late_seconds"]), ours.late),
            ("stopped", stopped, None if ours.stopped is None else instant(ours.stopped)),
            ("basis", library["basis"], ours.basis),
        ]
        if ours.due_at is not None:
            aspects.append(("due", due_at, ours.due_at))
        if name.startswith(COMMITMENT) and ours.kept is False:
            # How long a promise was late that is broken, the rules do not say.
            aspects = [one for one in aspects if one[0] not in ("late", "stopped")]
        found += [
            f"{name} {aspect}: library {_text(a)}, model {_text(b)}"
            for aspect, a, b in aspects
            if a != b and (doubts or aspect not in ours.doubts)
        ]
    return found


def _of_promises(judged: Judged, promises: list[dict[str, Any]], *, doubts: bool) -> list[str]:
    found = []
    if len(judged.promises) != len(promises):
        found.append(f"promises: library {len(promises)}, model {len(judged.promises)}")
    for ours, library in zip(judged.promises, promises, strict=False):
        name = f"promise {ours.number}"
        status = library["status"]
        if "status" in ours.doubts and not doubts:
            continue
        # Moved with the customer's word, it is kept (REQ-10).
        judged_as = "kept" if ours.status == "moved" else ours.status
        if judged_as != status:
            found.append(f"{name} status: library {status}, model {judged_as}")
        elif ours.status != "running" and library["since"] != instant(ours.since or 0):
            clock = judged.clocks.get(f"commitment-{ours.number}")
            if clock is None or clock.doubts.get("due") != "pause_at_the_end":
                since = instant(ours.since or 0)
                found.append(
                    f"{name} since: library {_text(library['since'])}, model {_text(since)}"
                )
        if ours.by != library["by"] and (doubts or "by" not in ours.doubts):
            found.append(f"{name} by: library {library['by']}, model {ours.by}")
    return found


def _of_duties(judged: Judged, owed: list[dict[str, Any]], *, doubts: bool) -> list[str]:
    if any(duty.doubt for duty in judged.duties) and not doubts:
        return []
    named = doubts or not any("by" in promise.doubts for promise in judged.promises)
    ours = sorted((duty.by if named else "?", instant(duty.since)) for duty in judged.owed)
    theirs = sorted((duty["by"] if named else "?", duty["since"]) for duty in owed)
    return [] if ours == theirs else [f"owed: library {_duties(theirs)}, model {_duties(ours)}"]


def _of_view(judged: Judged, view: dict[str, Any], *, doubts: bool) -> list[str]:
    found = []
    if view["status"] != judged.status:
        found.append(f"status: library {view['status']}, model {judged.status}")
    elif judged.status == CLOSED and view["outcome"] != judged.outcome:
        found.append(f"outcome: library {view['outcome']}, model {judged.outcome}")
    if any(duty.doubt for duty in judged.duties) and not doubts:
        return found
    if view["apology_owed"] != bool(judged.owed):
        found.append(f"apology owed: library {view['apology_owed']}, model {bool(judged.owed)}")
    return found


def _there(found: object) -> str:
    return "none" if found is None else "one"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return (value.astimezone(instant(0).tzinfo)).strftime("%m-%d %H:%M:%S")
    return str(value)


def _duties(found: list[tuple[str, datetime]]) -> str:
    return ", ".join(f"{by} since {_text(since)}" for by, since in found) or "nothing"
