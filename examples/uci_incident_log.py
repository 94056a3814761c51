"""The UCI incident log (dataset 498, CC BY 4.0) as requests: states, waiting times, reopenings.

A row is what an incident looked like after one update. Only what was known at that moment is read:
the columns `resolved_at`, `closed_at`, `resolved_by`, `closed_code` and `made_sla` hold, in every
row, what came out in the end, so no command is made of them.

    with open_crm("memory:", policies=policies()) as crm:
        faults = import_log(crm, rows)

By the shipped table an import brings what came in and what was closed. Here it also brings what
happened in between, so the example has a table of its own that says so (LOG-08).

Waiting for the caller, for evidence of theirs or for a vendor stops the clock; waiting for our own
problem management does not (REQ-12). The state `-100` is no state: such a row is a fault and
changes nothing. Times have no zone in the data; they are taken as UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from crm_core import CRM, Actor, Planned, PolicyBook, shipped
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.owners import RegisterHousehold
from crm_core.requests import (
    CloseImported,
    PauseRequest,
    ReceiveRequest,
    Reopen,
    ReportDone,
    ResumeRequest,
    SlaPolicy,
)
from crm_core.slices import registry

BY = Actor("uci-498", "host")

POLICY = SlaPolicy.parse("""
kind = "sla"

[policy]
name = "sla-cn-default"
version = 498
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA-UCI"

[calendars]
apology = "24x7"
arrival = "24x7"
closing = "office"
confirmation = "office"
progress = "office"
promise = "office"

[hours.office]
zone = "UTC"
[hours.office.week]
mon = ["08:00-18:00"]
tue = ["08:00-18:00"]
wed = ["08:00-18:00"]
thu = ["08:00-18:00"]
fri = ["08:00-18:00"]

[answer]
rings = 2
[promise_seconds]
other = 3600
[arrival_seconds]
general = 14400
major = 3600
[close_seconds]
general = 144000
major = 14400
[progress]
percent = 50
seconds_max = 36000
seconds_min = 900
[confirmation]
attempts = 3
days = 3
[apology]
seconds = 1800
[early_warning]
window_days = 7
usual_windows = 8
percent = 200
at_least = 5
[escalation]
warn_percents = [50, 80]
roles = ["specialist", "supervisor", "manager", "director"]
step_percent = 50
[pauses]
customer = ["awaiting_user_info", "awaiting_evidence"]
third_party = ["awaiting_vendor"]
""")

MEANWHILE = ("pause-request", "reopen", "report-done", "resume-request")
"""What an import brings here besides what the shipped table lets it bring."""

WORKING = {"New", "Active", "Awaiting Problem"}
WAITING = {
    "Awaiting User Info": "awaiting_user_info",
    "Awaiting Evidence": "awaiting_evidence",
    "Awaiting Vendor": "awaiting_vendor",
}
OVER = {"Resolved", "Closed"}
CHANNELS = {"Phone": "phone", "IVR": "phone", "Self service": "app", "Direct opening": "counter"}
LONGEST_WAIT = timedelta(days=365)
"""The data does not say how long somebody expected to wait."""


class RowFault(NamedTuple):
    """A row that says something impossible: its line in the file, its incident, and what."""

    line: int
    incident: str
    message: str


def policies() -> PolicyBook:
    """The shipped policies, with the targets and the table of this example."""
    return shipped().add(POLICY).add(authority())


def authority() -> AuthorityPolicy:
    """The shipped table of who may do what, by which an import brings more."""
    text = registry().authority
    for shipped_as, here in (
        ("version = 1\n", "version = 498\n"),
        ("1900-01-01", "2000-01-01"),
        ("PIA-AUTHORITY-1", "PIA-UCI"),
        ("imports = [", "imports = [" + "".join(f'"{act}", ' for act in MEANWHILE)),
    ):
        text = text.replace(shipped_as, here)
    return AuthorityPolicy.parse(text)


def import_log(crm: CRM, rows: Iterable[Mapping[str, str]]) -> list[RowFault]:
    """Import rows in the order of the file; what they say of the same moment stays in order."""
    faults: list[RowFault] = []
    crm.batch(planned(rows, faults), by=BY, imported=crm.clock.now())
    return faults


def planned(rows: Iterable[Mapping[str, str]], faults: list[RowFault]) -> Iterator[Planned]:
    """Commands for all rows, each with the moment at which it was known."""
    incidents: dict[str, _Incident] = {}
    callers: set[str] = set()
    for line, row in enumerate(rows, 2):
        number, state = row["number"], row["incident_state"]
        if state not in WORKING | OVER | set(WAITING):
            faults.append(RowFault(line, number, f"`{state}` is not a state"))
            continue
        at = _instant(row["sys_updated_at"])
        commands: list[Any] = []
        incident = incidents.get(number)
        if incident is None:
            caller = _caller(row["caller_id"])
            if caller and caller not in callers:
                callers.add(caller)
                commands.append(RegisterHousehold(caller, "uci", "-", "-", caller))
            received_at = _instant(row["opened_at"])
            commands.append(_received(row, caller, received_at))
            incident = incidents[number] = _Incident(number, max(at, received_at))
        commands.extend(incident.becomes(state, at))
        for n, command in enumerate(commands):
            yield Planned(command, f"uci:{line}:{n}", incident.at)


class _Incident:
    """What must be remembered of an incident from row to row."""

    def __init__(self, number: str, at: datetime) -> None:
        self.number = number
        self.at = at
        self.status = "open"
        self.reason = ""

    def becomes(self, state: str, at: datetime) -> Iterator[Any]:
        """Commands that lead from the state before to this one."""
        self.at = max(self.at, at)
        if state == "Resolved" and self.status in ("open", "paused"):
            yield ReportDone(self.number, self.at)
            self.status = "done"
        elif state == "Closed" and self.status != "closed":
            if self.status == "paused":
                yield ResumeRequest(self.number, self.at)
            yield CloseImported(self.number, self.at)
            self.status = "closed"
        elif state not in OVER:
            yield from self._goes_on(WAITING.get(state, ""))

    def _goes_on(self, reason: str) -> Iterator[Any]:
        if self.status in ("done", "closed"):
            yield Reopen(self.number, self.at, "open again in the log")
            self.status = "open"
        if self.status == "paused" and reason != self.reason:
            yield ResumeRequest(self.number, self.at)
            self.status = "open"
        if reason and self.status == "open":
            yield PauseRequest(self.number, reason, self.at, self.at + LONGEST_WAIT)
            self.status = "paused"
        self.reason = reason


def _received(row: Mapping[str, str], caller: str, received_at: datetime) -> ReceiveRequest:
    return ReceiveRequest(
        row["number"],
        caller,
        CHANNELS.get(row["contact_type"], "other"),
        "repair",
        "service",
        "major" if row["priority"].startswith(("1", "2")) else "general",
        row["u_symptom"],
        received_at,
        "-".join(row["opened_by"].split()) if row["opened_by"] != "?" else "service-desk",
        row["location"],
    )


def _caller(text: str) -> str:
    return "" if text == "?" else "C" + text.removeprefix("Caller").strip()


def _instant(text: str) -> datetime:
    day, time = text.split(" ")
    d, m, y = day.split("/")
    hour, minute = time.split(":")
    return datetime(int(y), int(m), int(d), int(hour), int(minute), tzinfo=UTC)
