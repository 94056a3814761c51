"""`crm survey`: slips, anonymous answers, what surveys say, and reports to owners."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from crm_adapters.cli.group import FOUND, App, command, crm
from crm_adapters.cli.helping import ToldGroup
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import listed, money
from crm_adapters.cli.values import DATE, FILE, ID, PATH, OneOf, Whole
from crm_core.errors import Invalid
from crm_core.surveys.commands import CHANNELS
from crm_core.surveys.publications import FEN, KINDS, SHARE, Figure, Publication

if TYPE_CHECKING:
    from crm_core.application.surveys import Ballot, SurveyResult
    from crm_core.crm import CRM
    from crm_core.surveys.questionnaire import Choice, Item
    from crm_core.surveys.statistics import Share

BALLOTS_MAX = 100_000
"""Rows of a file of answers."""

SLIP, SECONDS = "slip", "seconds"
"""Columns of a file of answers besides its items."""


@crm.group("survey", cls=ToldGroup)
def survey() -> None:
    """Surveys without names and with them, and what is published to owners."""


_SURVEY = click.argument("survey", type=ID)


@command("list", survey)
def every(app: App) -> int:
    """All surveys, open ones first."""
    with app.open() as opened:
        rows = [asdict(row) for row in opened.care.surveys.listed()]
    for row in rows:
        row |= {name: row[name].isoformat() for name in ("opens_on", "closes_on")}
    names = ("survey", "estate", "opens_on", "closes_on", "households", "reached", "returned")
    app.out.result(
        rows,
        lambda: app.out.table(
            [*names, "state"],
            [[*(row[n] for n in names), word("survey", row["state"])] for row in rows],
        ),
    )
    return 0


@command("form", survey)
@click.argument("name", metavar="SURVEY")
def form(app: App, name: str) -> int:
    """What a survey asks, or a questionnaire by its name: to be read out, or printed."""
    with app.open() as opened:
        asked = opened.care.surveys.questionnaire(name)
    lang = spoken()
    data = {
        "questionnaire": str(asked.ref),
        "title": asked.title,
        "items": [asdict(item) for item in asked.items],
    }

    def show() -> None:
        app.out.print(asked.title[lang])
        app.out.table(
            ["item", "question", "accepted"],
            [[one.item, one.zh if lang == "zh" else one.en, _accepted(one)] for one in asked.items],
        )

    app.out.result(data, show)
    return 0


def _asked(opened: CRM, survey: str) -> dict[str, Item]:
    return {item.item: item for item in opened.care.surveys.questionnaire(survey).items}


def _text(one: Item | Choice) -> str:
    """A question, or an answer to it, in the language that is spoken."""
    return one.zh if spoken() == "zh" else one.en


def _choice(item: Item, code: str) -> str:
    return next((_text(one) for one in item.choices if one.choice == code), code)


def _accepted(item: Item) -> str:
    if not item.choices:
        return f"1-{item.steps}" if item.steps else ""
    lang = spoken()
    told = (f"{one.choice}: {one.zh if lang == 'zh' else one.en}" for one in item.choices)
    return "\n".join(told)


@command("slip", survey)
@_SURVEY
@click.argument("household", type=ID)
@click.option("--channel", type=OneOf(CHANNELS), required=True)
def slip(app: App, survey: str, household: str, channel: str) -> int:
    """Take the slip of a household: it is shown once, and good for one answer."""
    with app.open() as opened:
        taken = opened.care.surveys.take_slip(survey, household, channel, by=app.by)
    app.out.result({"slip": taken}, lambda: app.out.print(taken))
    return 0


@command("cast", survey)
@click.argument("slip", required=False)
@click.option("--answer", "answers", multiple=True, metavar="ITEM=ANSWER")
@click.option("--seconds", type=Whole(0))
@click.option("--file", "file", type=PATH)
def cast(
    app: App, slip: str | None, answers: tuple[str, ...], seconds: int | None, file: Path | None
) -> int:
    """Cast an anonymous answer with its slip, or many of one survey from a file."""
    from crm_core.application.surveys import Ballot

    if (slip is None) == (file is None):
        raise Invalid.one("slip_or_file")
    ballots = [Ballot(slip, answers, seconds)] if slip is not None else _ballots(file or Path())
    with app.open() as opened:
        number = opened.care.surveys.cast_all(ballots, by=app.by)
    app.out.result({"cast": number}, lambda: app.out.print(say("survey_cast", number=number)))
    return 0


def _ballots(file: Path) -> list[Ballot]:
    """The answers of a CSV file: `slip`, perhaps `seconds`, and a column for each item."""
    from crm_core.application.surveys import Ballot

    found = []
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        if SLIP not in (rows.fieldnames or ()):
            raise Invalid.one("column_missing", "--file", missing=SLIP)
        for number, row in enumerate(rows, 2):
            seconds = (row.pop(SECONDS, "") or "").strip()
            taken = (row.pop(SLIP) or "").strip()
            if (seconds and not seconds.isdecimal()) or None in row or number > BALLOTS_MAX:
                raise Invalid.one("ballot_malformed", f"--file:{number}")
            said = tuple(f"{item}={value}" for item, value in row.items() if value)
            found.append(Ballot(taken, said, int(seconds) if seconds else None))
    if not found:
        raise Invalid.one("ballot_malformed", "--file:2")
    return found


@command("result", survey)
@_SURVEY
def result(app: App, survey: str) -> int:
    """What a survey that is over says: rates, index, intervals, and what was dropped."""
    with app.open() as opened:
        found = opened.care.surveys.result(survey, by=app.by)
        asked = _asked(opened, survey)
    app.out.result(asdict(found), lambda: _show(app.out, found, asked))
    return 0


def _show(out: Output, found: SurveyResult, asked: dict[str, Item]) -> None:
    said = found.said
    out.print(
        say(
            "survey_reach",
            households=found.households,
            reached=_percent(found.reach.value),
            returned=_percent(found.returned.value),
        )
    )
    out.print(
        say("survey_dropped", answers=said.answers, dropped=said.dropped, **said.by_rule),
    )
    if found.withheld:
        out.print(say("survey_withheld", number=found.withheld))
    if found.surplus:
        out.print(say("survey_surplus", number=found.surplus))
    if said.satisfied.value is None:
        out.print(say("survey_too_few"))
        return
    index = said.index
    out.print(
        say(
            "survey_satisfied",
            rate=_percent(said.satisfied.value),
            interval=_interval(said.satisfied.low, said.satisfied.high),
            index=_points(index.value),
            index_interval=_interval(index.low, index.high),
        )
    )
    rows = []
    for item in said.items:
        rate, points = ("", ""), ""
        if item.satisfied is not None and item.index is not None:
            rate, points = _rate(item.satisfied), _points(item.index.value)
        counts = listed(
            say("named_value", name=_choice(asked[item.item], code), value=number)
            for code, number in item.counts.items()
        )
        rows.append([_text(asked[item.item]), item.valid, item.left_out, *rate, points, counts])
    out.table(["question", "valid", "left_out", "satisfied", "interval", "index", "counts"], rows)


def _rate(share: Share) -> tuple[str, str]:
    return _percent(share.value), _interval(share.low, share.high)


def _percent(value: int | None) -> str:
    return "" if value is None else f"{_points(value)} %"


def _points(value: int | None) -> str:
    return "" if value is None else f"{value // 100}.{value % 100:02d}"


def _interval(low: int | None, high: int | None) -> str:
    return "" if low is None else f"{_points(low)}-{_points(high)}"


@command("comments", survey)
@_SURVEY
def comments(app: App, survey: str) -> int:
    """What was written in a survey that is over, sorted: never by whom."""
    with app.open() as opened:
        found = opened.care.surveys.comments(survey, by=app.by, purpose=app.purpose)
        asked = _asked(opened, survey)
    app.out.result(
        found,
        lambda: app.out.table(
            ["question", "text"],
            [[_text(asked[item]), text] for item, texts in found.items() for text in texts],
        ),
    )
    return 0


# --- what is published -------------------------------------------------------------------------


@command("draft", survey)
@click.argument("publication", type=ID)
@click.argument("kind", type=OneOf(KINDS), metavar="KIND")
@click.option("--from", "start", type=DATE, required=True)
@click.option("--to", "end", type=DATE, required=True)
@click.option("--estate", default="")
def draft(app: App, publication: str, kind: str, start: date, end: date, estate: str) -> int:
    """Draft a service report, or a statement of income and spending; somebody else approves it."""
    with app.open() as opened:
        drafted = opened.care.publications.draft(publication, kind, estate, start, end, by=app.by)
    figures = drafted.figures
    data = {"publication": publication, "figures": [asdict(one) for one in figures]}
    app.out.result(data, lambda: _show_figures(app.out, figures))
    return 0


@command("report", survey)
@click.argument("publication", type=ID)
@click.option("--out", type=FILE)
def report(app: App, publication: str, out: Path | None) -> int:
    """A report to owners: its figures, derived from the log again; as a page once published."""
    if out is not None:
        app.to_write(out)
    with app.open() as opened:
        if out is not None:
            opened.care.publications.published(publication)
        found = opened.care.publications.derived(publication, by=app.by)
    state = found.publication
    assert state.drafted is not None
    if out is not None:
        from crm_adapters.reports.publication import write_publication

        write_publication(out, state)
    figures = state.drafted.figures
    data = {
        "publication": publication,
        "state": _state_of(state),
        "figures": [asdict(one) for one in figures],
        "differing": [asdict(one) for one in found.differing],
    }

    def show() -> None:
        if out is not None:
            app.out.print(str(out))
            return
        app.out.print(say("publication_state", state=word("publication", _state_of(state))))
        _show_figures(app.out, figures)
        for one in found.differing:
            app.out.print(say("figure_differs", figure=word("figure", one.figure), of=one.of))

    app.out.result(data, show)
    return FOUND if found.differing else 0


def _state_of(state: Publication) -> str:
    if state.withdrawn is not None:
        return "withdrawn"
    if state.approved is not None:
        return "published"
    return "drafted" if state.rejected is None else "rejected"


def _show_figures(out: Output, figures: tuple[Figure, ...]) -> None:
    rows: list[list[Any]] = [
        [word("figure", one.figure), one.of, _value(one), word("unit", one.unit)] for one in figures
    ]
    out.table(["figure", "of", "value", "unit"], rows)


def _value(one: Figure) -> Any:
    if one.unit == FEN:
        return money(one.value)
    return _points(one.value) if one.unit == SHARE else str(one.value)
