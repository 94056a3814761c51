"""What the slices publish as facts: explicit lists, and nothing enters them by itself (GRD-15)."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from types import ModuleType

import pytest
from attrs import frozen

from crm_core.gradings import facts as gradings
from crm_core.kernel.catalog import EventType
from crm_core.opinions import events as opinion_events
from crm_core.opinions import facts as opinions
from crm_core.owners import events as owner_events
from crm_core.owners import facts as owners
from crm_core.payments import events as payment_events
from crm_core.payments import facts as payments
from crm_core.payments import ledger
from crm_core.requests import events as request_events
from crm_core.requests import facts as requests
from crm_core.slices import catalog

PAYMENTS = {
    "payments.charge_cancelled/1",
    "payments.charge_disputed/1",
    "payments.charge_raised/1",
    "payments.charge_waived/1",
    "payments.clause_agreed/1",
    "payments.clause_ended/1",
    "payments.credit_refunded/1",
    "payments.debt_acknowledged/1",
    "payments.dispute_decided/1",
    "payments.dispute_withdrawn/1",
    "payments.charge_corrected/1",
    "payments.waiver_taken_back/1",
    "payments.late_charge_claimed/1",
    "payments.payment_moved_in/1",
    "payments.payment_moved_out/1",
    "payments.payment_promised/1",
    "payments.payment_received/1",
    "payments.payment_reversed/1",
    "payments.purchase_made/1",
    "payments.purchase_refunded/1",
}
OPINIONS = {"opinions.recorded/1", "opinions.withdrawn/1"}
OWNERS = {"owners.conduct_confirmed/1", "owners.interest_recorded/1"}
CONDITIONS = {"owners.condition_recorded/1"}
"""No facts: an uplift may rest on them (GRD-05)."""
AUDITED = {"owners.household_registered/1", "owners.member_added/1", "owners.role_ended/1"}
TENURES = {
    "owners.debtor_agreed/1",
    "owners.debtor_released/1",
    "owners.member_added/1",
    "owners.role_ended/1",
}
"""No facts: they say whose dealings the facts of a day are (PAY-16)."""
REQUESTS = {
    "requests.duplicate_undone/1",
    "requests.marked_duplicate/1",
    "requests.received/1",
    "requests.reclassified/1",
}

VOIDS = {
    "owners.household_voided/1",
    "owners.role_end_voided/1",
    "owners.role_voided/1",
    "payments.purchase_voided/1",
    "requests.voided/1",
}
"""No facts: they take facts back as if they had never been (IMP-01)."""

SLICES = [
    (payments, payment_events, "ACCOUNT_EVENTS"),
    (opinions, opinion_events, "EVENTS"),
    (owners, owner_events, "EVENTS"),
    (requests, request_events, "EVENTS"),
]


@pytest.mark.rule("GRD-15")
def test_whoever_publishes_another_fact_writes_its_name_here_too() -> None:
    """A new name in a list of facts is a new line here: somebody has looked at it."""
    assert payments.FACT_NAMES == PAYMENTS
    assert opinions.FACT_NAMES == OPINIONS
    assert owners.FACT_NAMES == OWNERS
    assert owners.CONDITION_NAMES == CONDITIONS
    assert requests.FACT_NAMES == REQUESTS
    assert owners.AUDIT_NAMES == AUDITED
    assert owners.TENURE_NAMES == TENURES
    assert owners.VOID_NAMES | payments.VOID_NAMES | requests.VOID_NAMES == VOIDS
    assert gradings.EVENT_NAMES == OPINIONS | PAYMENTS | OWNERS | REQUESTS | TENURES | VOIDS


@pytest.mark.rule("GRD-15")
@pytest.mark.parametrize("module", [payments, opinions, owners, requests])
def test_every_fact_of_a_list_is_an_event_with_a_stored_name(module: ModuleType) -> None:
    names = {catalog().by_class[cls].stored for cls in module.FACTS}
    assert names == module.FACT_NAMES
    assert len(names) == len(module.FACTS)


@frozen
class _Invented:
    """An event that a slice has since yesterday."""

    household: str


@pytest.mark.rule("GRD-15")
@pytest.mark.parametrize(("module", "events", "name"), SLICES)
def test_a_new_event_of_a_slice_does_not_enter_the_facts_by_itself(
    module: ModuleType, events: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = EventType("elsewhere.invented", 1, _Invented)
    monkeypatch.setattr(events, name, (*getattr(events, name), kind))
    again = runpy.run_path(module.__file__ or "")
    assert again["FACTS"] == module.FACTS
    assert again["FACT_NAMES"] == module.FACT_NAMES


@pytest.mark.rule("GRD-15")
def test_whatever_moves_a_ledger_is_published() -> None:
    """Else gradings would see another account than the household's own."""
    [steps] = [
        found
        for found in vars(ledger).values()
        if isinstance(found, dict) and payment_events.ChargeRaised in found
    ]
    assert {*steps} <= {*payments.FACTS}


@pytest.mark.rule("GRD-15")
def test_what_the_file_says_of_persons_is_read_by_fairness_alone() -> None:
    """Beside who owned when: `narrow` tells the days of owners' roles, and nothing of a person."""
    folder = Path(gradings.__file__ or "").parent
    persons = {"AUDITED", "AUDIT_NAMES", "MemberAdded", "RoleEnded"}
    reading = {
        path.stem
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and persons & {alias.name for alias in node.names}
    }
    assert reading == {"fairness", "narrow"}
