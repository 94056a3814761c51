"""The papers of the method (REP-01): each a declaration, and a pure function of the log.

A paper prints fields, and every field names the event fields that it comes from. What is printed of
them, whoever may see it, is a neutral `Document`; adapters give it a form (decision 0066).
"""

from __future__ import annotations

from collections.abc import Mapping

from crm_core.application.papers.base import Paper
from crm_core.application.papers.customer_card import RECORD_CARD, STATUS
from crm_core.application.papers.customer_file import FILE
from crm_core.application.papers.lists import CREDIT_TABLE, GRADED_LIST
from crm_core.application.papers.plans import (
    MAINTENANCE_PLAN,
    RELATION,
    REPORT,
    STRENGTHENING,
    SUMMARY,
)
from crm_core.application.papers.rules import RULES
from crm_core.application.papers.scheme import SCHEME
from crm_core.application.papers.visits import VISITS
from crm_core.application.papers.work import WORK_RECORD

PAPERS: Mapping[str, Paper] = {
    paper.name: paper
    for paper in (
        *(FILE, STATUS, RECORD_CARD, SCHEME),
        *(RELATION, GRADED_LIST, CREDIT_TABLE),
        *(MAINTENANCE_PLAN, STRENGTHENING, RULES, REPORT, SUMMARY, WORK_RECORD, VISITS),
    )
}
"""Every paper by its name, in the order of the method."""

__all__ = ["PAPERS", "Paper"]
