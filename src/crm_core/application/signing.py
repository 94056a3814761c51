"""What commands about whole papers must be told: which there are, and what each is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from crm_core.application.papers import PAPERS
from crm_core.application.papers.base import EVERYBODY, is_year
from crm_core.application.sight import WorkSight
from crm_core.kernel.decider import Refusal
from crm_core.kernel.refusals import unknown
from crm_core.signing import ApprovePaper, ReviewPaper

SIGNED_PAPERS = tuple(name for name, paper in PAPERS.items() if paper.is_signed)
"""The papers that are reviewed and approved as a whole."""


def _wrong(command: ReviewPaper | ApprovePaper) -> Refusal | None:
    if command.paper not in SIGNED_PAPERS:
        return unknown("paper", command.paper, SIGNED_PAPERS, rule="REP-01")
    fits = not command.about if PAPERS[command.paper].about == EVERYBODY else is_year(command.about)
    if fits:
        return None
    return Refusal("paper_about_other", "REP-01", {"paper": command.paper, "about": command.about})


def _with_paper(command: ReviewPaper | ApprovePaper, _state: Any, _sight: WorkSight) -> Any:
    return evolve(command, wrong=_wrong(command))


def _from_here(command: ReviewPaper, _state: Any, sight: WorkSight) -> Any:
    return evolve(command, wrong=_wrong(command), position=sight.log.head())


SIGNING_LOOK_UPS: dict[type, Callable[..., Any]] = {
    ApprovePaper: _with_paper,
    ReviewPaper: _from_here,
}
