"""How each way out is asked in the town, and in any company with the same numbers."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from access.town import NOW
from crm_core.gradings.uses import Use
from crm_core.kernel.dates import Period, parse_date
from crm_core.slices import registry

DAY = timedelta(days=1)


@cache
def asked_in() -> dict[str, Any]:
    """How each way is asked in the town."""
    day, end = parse_date("2024-02-01"), parse_date("2023-12-31")
    year = Period(parse_date("2023-01-01"), end)
    return {
        "accounts.arrears": lambda c, **a: c.accounts.arrears(day, **a),
        "accounts.changes": lambda c, **a: c.accounts.changes("V1", end, day, **a),
        "accounts.credit": lambda c, **a: c.accounts.credit(day, **a),
        "accounts.credit_table": lambda c, **a: c.accounts.credit_table(day, **a),
        "accounts.limitation": lambda c, **a: c.accounts.limitation(day, **a),
        "accounts.owing": lambda c, **a: c.accounts.owing(day, **a),
        "accounts.purchases": lambda c, **a: c.accounts.purchases(2023, **a),
        "accounts.statement": lambda c, **a: c.accounts.statement("V1", day, **a),
        "care.assessments": lambda c, **a: c.care.assessments("V1", **a),
        "care.plan": lambda c, **a: c.care.plan("P1", **a),
        "care.plans": lambda c, **a: c.care.plans(**a),
        "care.suggestions": lambda c, **a: c.care.suggestions("V1", **a),
        "care.versions": lambda c, **a: c.care.versions("P1", **a),
        "care.visits.drawn": lambda c, **a: c.care.visits.drawn("W1", **a),
        "care.visits.due": lambda c, **a: c.care.visits.due(**a),
        "care.visits.of": lambda c, **a: c.care.visits.of("V1", **a),
        "care.visits.redraw": lambda c, **a: c.care.visits.redraw("W1", **a),
        "crm.todo": lambda c, by, purpose: c.todo(by=by),
        "crm.explain": lambda c, **a: c.explain("V1", 2023, **a),
        "crm.get": lambda c, **a: [c.get(kind, "V1", **a) for kind in registry().by_state],
        "crm.history": lambda c, **a: c.history("V1", **a),
        "crm.outcome": lambda c, **a: c.outcome("told-1", **a),
        "crm.replay": lambda c, **a: c.replay(2023, **a),
        "gradings.affected": lambda c, **a: c.gradings.affected(2023, **a),
        "gradings.directory": lambda c, **a: c.gradings.directory(**a),
        "gradings.explain": lambda c, **a: c.gradings.explain("V1", 2023, **a),
        "gradings.grades": lambda c, **a: c.gradings.grades(2023, **a),
        "gradings.history": lambda c, **a: c.gradings.history("V1", **a),
        "gradings.preview": lambda c, **a: c.gradings.preview(2023, **a),
        "gradings.replacing": lambda c, **a: c.gradings.replacing(
            2023, c.gradings.records().by_year[2023], **a
        ),
        "gradings.replay": lambda c, **a: c.gradings.replay(2023, **a),
        "gradings.runs": lambda c, **a: c.gradings.runs(2023, **a),
        "gradings.waiting": lambda c, **a: c.gradings.waiting(**a),
        "gradings.year": lambda c, **a: c.gradings.year(2023, **a),
        "imports.every": lambda c, **a: c.imports.every(**a),
        "owners.file": lambda c, **a: c.owners.file("V1", **a),
        "owners.sampled": lambda c, **a: c.owners.sampled("Q1", **a),
        "owners.unkept": lambda c, **a: c.owners.unkept(**a),
        "owners.sheet": lambda c, **a: c.owners.sheet("V1", **a),
        "owners.find": lambda c, **a: c.owners.find("1", **a),
        "requests.calls": lambda c, **a: c.requests.calls(year, **a),
        "requests.cover": lambda c, **a: c.requests.cover("desk", NOW, NOW + DAY, **a),
        "requests.provisional": lambda c, **a: c.requests.provisional(all=True, **a),
        "requests.raised": lambda c, **a: c.requests.raised(**a),
        "requests.statistics": lambda c, **a: c.requests.statistics(year, **a),
        "requests.warnings": lambda c, **a: c.requests.warnings(day, **a),
        "studies.drift": lambda c, **a: c.studies.drift(2023, **a),
        "studies.fairness": lambda c, **a: c.studies.fairness(2023, **a),
        "studies.retaliation": lambda c, **a: c.studies.retaliation(2023, **a),
        "studies.what_if": lambda c, **a: c.studies.what_if(
            [2023], c.studies.candidate("grade-cn-monotone"), **a
        ),
        "studies.influence": lambda c, **a: c.studies.influence("V1", next(iter(Use)), **a),
    }
