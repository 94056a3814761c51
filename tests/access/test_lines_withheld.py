"""No command falls over what is withheld: it says so, or refuses (PRV-01)."""

from __future__ import annotations

from pathlib import Path

import pytest

from access.town import CLERK, REQUEST, told
from cli.office import Office
from crm_adapters import open_crm
from crm_core.kernel.dates import parse_instant

pytestmark = pytest.mark.rule("PRV-01")

DAY = ("--on", "2024-02-01")
PAPERS = (
    *(("customer-file", ("V1",)), ("customer-status", ("V1",)), ("record-card", ("V1",))),
    *(("work-record", ("2024",)), ("graded-list", ()), ("credit-table", ())),
    *(("return-visits", ("2024",)), ("assessment-scheme", ()), ("maintenance-rules", ())),
)
LINES = (
    ("account", "V1", *DAY), ("affected",), ("ageing", *DAY), ("arrears", *DAY),
    ("changes", "2023-01-01", "2024-01-01", "V1"),
    ("credit", *DAY), ("directory", *DAY), ("explain", "V1", "2023"), ("fairness", "2023"),
    ("find", "V1"), ("grades", "2023"), ("history", "V1"), ("imports",), ("limitation", *DAY),
    ("messages",), ("preferences", "V1"), ("provisional",), ("purchases", "2023"),
    ("quota", "2023"), ("replay", "2023"), ("request", REQUEST.request), ("runs", "2023"),
    ("sample", "Q1"), ("segments", "interest"), ("shares", "2023"), ("show", "V1"),
    ("statistics", "--from", "2024-01-01", "--to", "2024-02-01"), ("todo",), ("unkept",),
    ("waiting",),
    ("warnings", *DAY), ("who-saw", "V1"),
    ("export", "charges", "--out", "{}/charges.csv"), ("report", "2023", "--out", "{}/2023.html"),
    ("arrears", *DAY, "--out", "{}/arrears.csv"), ("directory", *DAY, "--out", "{}/list.html"),
    ("credit-table", *DAY, "--out", "{}/table.html", "--places"),
    *(("document", paper, *about, *DAY, "--out", f"{{}}/{paper}.html") for paper, about in PAPERS),
)  # fmt: skip
WHO = (
    *("specialist:S1", "supervisor:U1", "finance:F1", "cleaning:C1", "custodian:K1", "sales:L1"),
    *("auditor:A1", "owner:V1#owner", "owner:V2#owner"),
)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, monkeypatch)
    with open_crm(f"sqlite:///{office.path}") as crm:
        for command, at in told():
            crm.do(command, by=CLERK, at=parse_instant(at))
        crm.do(REQUEST, by=CLERK)
        crm.grade(2023)
    return office


@pytest.mark.parametrize("purpose", ["", "collection", "marketing"])
def test_no_command_falls_over_what_is_withheld(office: Office, purpose: str) -> None:
    broken = []
    for who in WHO:
        for line in LINES:
            said = [part.format(office.path.parent) for part in line]
            stated = ("--purpose", purpose) if purpose else ()
            for form in ("json",) if purpose else ("table", "json"):
                status, _, err = office.run("--format", form, *said, "--as", who, *stated)
                if status not in (0, 1, 2) or "unexpected" in err or "usage_wrong" in err:
                    broken.append((who, " ".join(line), err.strip()))
    assert broken == [], "\n".join(map(str, broken))
