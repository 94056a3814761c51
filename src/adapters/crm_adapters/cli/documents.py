"""`crm document`: the papers of the method, written and checked (REP-01)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crm_adapters.cli.group import FOUND, App, command, version_of
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.values import DATE, FILE, INSTANT, PATH

if TYPE_CHECKING:
    from crm_core.application.papers.model import Document
    from crm_core.crm import CRM


@command("document")
@click.argument("name", required=False)
@click.argument("about", default="")
@click.option("--on", type=DATE)
@click.option("--known", type=INSTANT)
@click.option("--since", type=DATE)
@click.option("--out", type=FILE)
@click.option("--template", type=PATH, metavar="FILE.docx")
@click.option("--list", "listed", is_flag=True)
@click.option("--check", type=PATH, metavar="FILE")
@click.option("--write-template", "model", type=FILE, metavar="FILE.docx")
@click.option("--owing", is_flag=True)
@click.option("--places", is_flag=True)
@click.option("--policy", metavar="NAME")
def document(
    app: App,
    name: str | None,
    about: str,
    on: date | None,
    known: datetime | None,
    since: date | None,
    out: Path | None,
    template: Path | None,
    listed: bool,
    check: Path | None,
    model: Path | None,
    owing: bool,
    places: bool,
    policy: str | None,
) -> int:
    """Write a paper of the method as it stood on any day, or check one."""
    if (name is not None) + listed + (check is not None) + (model is not None) != 1:
        raise click.UsageError(say("document_one"), click.get_current_context())
    if listed:
        return _list(app)
    if model is not None:
        return _write_template(app, model)
    if check is not None:
        return _check(app, check, template)
    if out is None:
        raise click.UsageError(say("document_out_missing"), click.get_current_context())
    return _write(
        app,
        name or "",
        about,
        out,
        template,
        {
            "on": on,
            "known": known,
            "since": since,
            "options": options_of(owing=owing, places=places, policy=policy),
        },
    )


def options_of(*, owing: bool, places: bool, policy: str | None) -> tuple[str, ...]:
    """What is asked for besides, as papers name it."""
    said = (owing and "owing", places and "places", policy and f"policy={policy}")
    return tuple(one for one in said if one)


def write_asked(
    app: App,
    opened: CRM,
    paper: str,
    out: Path,
    about: str = "",
    *,
    template: bytes | None = None,
    **asked: Any,
) -> Document:
    """Write a paper as somebody asks for it."""
    from crm_adapters.reports.papers.writing import check_form, marked, write_paper

    check_form(out, paper)
    made = opened.papers.paper(paper, about, **app.asked, **asked)
    made = marked(opened, made, **app.asked)
    write_paper(out, made, spoken(), version(), template=template, kept=app.kept)
    return made


def _write(
    app: App, name: str, about: str, out: Path, template: Path | None, asked: dict[str, Any]
) -> int:
    from crm_adapters.reports.papers.page import named, title_of
    from crm_adapters.reports.papers.writing import read_file

    paper = named(name)
    app.to_write(out, *(() if template is None else (template,)))
    own = None if template is None else read_file(template, "--template")
    with app.open() as opened:
        made = write_asked(app, opened, paper, out, about, template=own, **asked)
    rows = sum(len(part.rows) for part in made.parts)
    told = {
        "paper": paper,
        "about": made.asked.about,
        "on": made.asked.on,
        "known": made.asked.known,
        "since": made.asked.since,
        "file": str(out),
        "rows": rows,
        "changes": made.changes,
        "withheld": made.withheld,
        "position": made.position,
        "root": made.root,
        "digest": made.digest,
    }

    def show() -> None:
        title = title_of(paper, spoken())
        app.out.print(
            say("document_written", paper=title, file=out, rows=rows, position=made.position)
        )

    app.out.result(told, show)
    return 0


def _list(app: App) -> int:
    from crm_adapters.reports.papers.page import title_of
    from crm_adapters.reports.papers.writing import CSV, FORMS
    from crm_core.application.papers import PAPERS

    rows = [
        {
            "paper": one.name,
            "title": title_of(one.name, "zh"),
            "title_en": title_of(one.name, "en"),
            "about": one.about,
            "forms": [form[1:] for form in (*FORMS, *([CSV] if one.main else []))],
        }
        for one in PAPERS.values()
    ]

    def show() -> None:
        app.out.table(
            ["paper", "title", "about", "forms"],
            [
                [
                    one["paper"],
                    title_of(str(one["paper"]), spoken()),
                    word("about", str(one["about"])),
                    ", ".join(one["forms"]),
                ]
                for one in rows
            ],
        )

    app.out.result(rows, show)
    return 0


def _write_template(app: App, path: Path) -> int:
    from crm_adapters.outputs import written_whole
    from crm_adapters.reports.papers.words import own_template

    app.to_write(path, option="--write-template")
    written_whole(path, own_template(lang=spoken()), kept=app.kept, where="--write-template")
    app.out.result(
        {"template": str(path)}, lambda: app.out.print(say("template_written", file=path))
    )
    return 0


def _check(app: App, path: Path, template: Path | None) -> int:
    from crm_adapters.reports.papers.page import title_of
    from crm_adapters.reports.papers.writing import DIFFERS, SAME, check_paper, read_file

    own = None if template is None else read_file(template, "--template")
    with app.open() as opened:
        found = check_paper(path, opened.papers, version(), template=own, **app.asked)
    block, now = found.block, found.document
    told = {
        "result": found.result,
        "paper": block.paper,
        "file": str(path),
        "position": block.position,
        "root": block.root,
        "digest": block.digest,
        "digest_now": now.digest,
    }

    def show() -> None:
        if found.result == SAME:
            title = title_of(block.paper, spoken())
            app.out.print(
                say(
                    "document_same",
                    file=path,
                    paper=title,
                    position=block.position,
                    root=block.root,
                )
            )
        elif found.result == DIFFERS:
            differ = {"then": block.digest[:16], "now": now.digest[:16]}
            app.out.print(say("document_differs", file=path, position=block.position, **differ))
        else:
            app.out.print(say("document_other_form", file=path, version=block.made_by))

    app.out.result(told, show)
    return 0 if found.result == SAME else FOUND


def version() -> str:
    """The version of the library, whose form a file is of; `0` where it is not installed."""
    return version_of("crm-core") or "0"
