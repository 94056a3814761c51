"""The HTML report of a year: one page that needs nothing but itself.

It says who owes most and since when, which promises broke and which requests are late, who moved
and why, what waits for whom, what was visited, one household's life, and who is in which layer, in
English and Chinese: one language at a time, with a switch that needs no script. It is a function of
what `CRM.reports` answers, which is what whoever asked may see; no name is opened.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from crm_adapters.outputs import written_whole
from crm_adapters.reports import graded, telling
from crm_adapters.reports.figures import bars, share, span
from crm_adapters.reports.graded import layer_word, type_word, value_word
from crm_adapters.reports.speech import LANGUAGES, Speech, known, local, same, sentence
from crm_core.application.reporting.model import GRADED_MAX, MOVED_MAX, Graded, YearReport
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.policy import GRADES, INSUFFICIENT, TYPES
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import Lang
from crm_core.kernel.yuan import yuan_shown
from crm_core.payments.credit import CreditPolicy


def write_report(
    path: Path, crm: CRM, report: YearReport, lang: Lang = "en", mark: str = ""
) -> None:
    """Write the report as one self-contained page.

    Args:
        path: Where to; a page that is there is replaced, whole or not at all.
        crm: The log it is of, with the policies that its run pins.
        report: What `CRM.reports.year` answered.
        lang: The language that is shown first, `en` or `zh`; the page has both.
        mark: Who had it made, when, and what for (PRV-10).

    Raises:
        Invalid: the page cannot be written there, or the language is another.
        UnknownPolicy, PolicyDigestMismatch: the run's policy is not at hand.
    """
    write_whole(Path(path), render_report(crm, report, lang, mark).encode("utf-8"))


def render_report(crm: CRM, report: YearReport, lang: Lang = "en", mark: str = "") -> str:
    """The page as text."""
    if lang not in LANGUAGES:
        raise Invalid.one("language_unknown", "lang", lang=lang, accepted=list(LANGUAGES))
    credit = _credit(crm, report)
    zone = crm.zone
    moved = telling.moved(report)
    return _template().render(
        say=Speech(lang),
        words=sentence,
        lang=lang,
        report=report,
        zone=zone,
        known=instant_text(report.known),
        known_local=local(report.known, zone),
        made=instant_text(report.made_at),
        made_local=local(report.made_at, zone),
        ticked=None if report.ticked_at is None else instant_text(report.ticked_at),
        ticked_local="" if report.ticked_at is None else local(report.ticked_at, zone),
        position=f"{report.position:,}",
        mark=mark,
        money_withheld=_withheld(report.owing),
        grades_withheld=_withheld(report.graded),
        places=not isinstance(report.owing, Withheld)
        and any(not isinstance(row.room, Withheld) for row in report.owing.rows),
        owing=telling.owing(report),
        by_grade=_by_grade(report, credit),
        by_age=telling.by_age(report, credit),
        promises=telling.promises(report),
        late=telling.late(report, zone),
        broken=telling.broken(report, zone),
        moved=moved,
        waits=telling.waits(report, zone),
        visits=telling.visits(report.coverage),
        not_due=telling.not_due(report.coverage),
        reached=telling.reached,
        life=telling.life(report),
        grade_spans=[(b.grade, span(credit, n)) for n, b in enumerate(credit.buckets)],
        columns=[same(grade) for grade in GRADES.values],
        graded_max=GRADED_MAX,
        moved_max=MOVED_MAX,
        **_money(report),
        **_graded(crm, report),
    )


def _credit(crm: CRM, report: YearReport) -> CreditPolicy:
    return crm.policies.pinned(CreditPolicy, report.credit_ref)


def _withheld(value: Any) -> Any:
    """Why a part is not shown, in words; None where it is."""
    return known(value.reason) if isinstance(value, Withheld) else None


def _by_grade(report: YearReport, credit: CreditPolicy) -> list[Any]:
    return [] if isinstance(report.owed, Withheld) else telling.by_grade(report.owed, credit)


def _money(report: YearReport) -> dict[str, str]:
    """The sums of what is owed; empty where they are not for whoever asked."""
    if isinstance(report.owed, Withheld) or isinstance(report.owing, Withheld):
        return dict.fromkeys(
            ("households", "owing_homes", "owing_share", "paid_up", "paid_up_share", "overdue",
             "all_overdue", "earlier"), ""
        )  # fmt: skip
    total = sum(count for count, _ in report.owed.values())
    paid_up = report.owed[GRADES.values[0]][0]
    overdue = sum(fen for _, fen in report.owed.values())
    return {
        "households": f"{total:,}",
        "owing_homes": f"{total - paid_up:,}",
        "owing_share": share(total - paid_up, total),
        "paid_up": f"{paid_up:,}",
        "paid_up_share": share(paid_up, total),
        "overdue": yuan_shown(overdue),
        "all_overdue": yuan_shown(report.owing.fen),
        "earlier": yuan_shown(report.owing.fen - overdue) if report.owing.fen != overdue else "",
    }


def _graded(crm: CRM, report: YearReport) -> dict[str, Any]:
    """What the page says of gradings; nothing where they are not for whoever asked."""
    found = report.graded
    if isinstance(found, Withheld):
        return {"graded": None, "run": None}
    run, gradings = found.run, found.run.gradings
    policy = crm.gradings.policy(run.policy)
    layers = (*policy.layers, INSUFFICIENT)
    total = len(gradings)
    money = not isinstance(report.owing, Withheld)
    return {
        "graded": found,
        "run": run,
        "standing": known(f"run_{run.standing}"),
        "total": f"{total:,}",
        "awaiting": f"{sum(1 for g in gradings if run.of(g).status == AWAITING):,}",
        "confirmed": value_word("layer", policy.needs_confirmation),
        "by_layer": bars(Counter(g.outcome.layer for g in gradings), layers, layer_word, total),
        "by_type": bars(Counter(g.outcome.type for g in gradings), TYPES, type_word, total),
        "course": graded.course(gradings),
        **graded.course_counts(gradings),
        "layers": [layer_word(layer) for layer in layers],
        "estates": graded.estates(crm, run, layers),
        "movement": graded.movement(crm, found, layers, policy),
        "explained": [graded.explained(run, one, policy) for one in found.examples if money],
        "listed": _listed(found, money),
        "unlisted": f"{max(total - GRADED_MAX, 0):,}",
        "money": money,
    }


def _listed(found: Graded, money: bool) -> telling.Table:
    """The graded list; without what is owed where that is not for whoever asked."""
    heads = {"household": False, "layer": False, "status": False, "type": False,
             "credit_at_end": False, "worst_credit": False, "purchases_yuan": True,
             "matters": True}  # fmt: skip
    if money:
        heads |= {"days_overdue": True, "yuan_overdue": True}
    rows = (
        (
            *(one.household, one.layer, one.status, one.type, one.credit, one.worst_credit),
            *(one.purchases, one.attention),
            *((one.overdue_days, one.overdue) if money else ()),
        )
        for one in graded.lines(found)
    )
    return telling.table("list", heads, rows, len(found.run.gradings))


# --- page and file -----------------------------------------------------------------------------


@cache
def _template() -> Template:
    source = (files(__package__) / "report.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def write_whole(path: Path, page: bytes) -> None:
    """Put the page there at once: a reader sees the old one or the new one, never a part.

    Raises:
        Invalid: something lies there that may not be replaced, or it cannot be written.
    """
    try:
        written_whole(path, page, where="--out")
    except OSError as error:
        raise Invalid.one(
            "report_unwritable", "--out", file=str(path), why=error.strerror or ""
        ) from error
