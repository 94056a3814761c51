"""The commands of `crm`. Exit status: 0 done, 1 the check found something, 2 bad usage or input."""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from attrs import asdict, define
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from crm_adapters.cli.output import Output
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.reading import ENCODINGS
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM, GradingRun
from crm_core.errors import CrmError, Failed, Invalid
from crm_core.gradings.explain import READERS
from crm_core.gradings.policy import GRADES
from crm_core.gradings.views import grading_row
from crm_core.gradings.words import LAYER, TYPE
from crm_core.history import visible
from crm_core.kernel.dates import (
    instant_text,
    local_date,
    parse_date,
    parse_instant,
    start_of_day,
    zone,
)
from crm_core.kernel.money import yuan_from_fen
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import PersonalValue, Place
from crm_core.owners.events import ContactChanged, MemberAdded
from crm_core.owners.state import Household
from crm_core.owners.views import household_file
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.ledger import Ledger
from crm_core.payments.views import account_view
from crm_core.policies import (
    DEFAULT_CREDIT,
    DEFAULT_GRADING,
    PolicyBook,
    parse_grading,
    shipped,
)
from crm_core.requests.state import Request
from crm_core.requests.views import request_view

ACTOR = Actor("cli", "specialist")

FOUND, BAD = 1, 2

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a year is written like `2011`")
    return _within(int(text))


def _within(year: int) -> int:
    if EARLIEST_YEAR <= year <= LATEST_YEAR:
        return year
    raise ValueError(f"the year is not between {EARLIEST_YEAR} and {LATEST_YEAR}")


def _years(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return _year(first), _year(last or first)


def _date(text: str) -> date:
    day = parse_date(text)
    _within(day.year)
    return day


def _instant(text: str) -> datetime:
    instant = parse_instant(text)
    _within(instant.year)
    return instant


class _Text(click.ParamType[Any]):
    """A value that is written in one way only."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"`{value}`: {error}", param, ctx)


DATE, INSTANT = _Text("date", _date), _Text("instant", _instant)
YEAR, YEARS = _Text("year", _year), _Text("years", _years)


@define
class App:
    """What every command shares."""

    db: str
    keys: str | None
    zone: str
    out: Output

    def open(self, *, policies: Any = None, must_exist: bool = True) -> CRM:
        """The CRM behind `--db`; reading a log that is not there is an error, not an empty log."""
        if must_exist:
            _check_exists(self.db)
        return open_crm(self.db, keys=self.keys, zone=self.zone, policies=policies)


def _check_exists(url: str) -> None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return  # Opening it says what is wrong.
    missing = parsed.database and not Path(parsed.database).is_file()
    if parsed.get_backend_name() == "sqlite" and missing:
        raise Invalid.one("log_missing", f"there is no log at `{url}`; `crm import` makes one")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--db", default="sqlite:///crm.db", show_default=True, help="Database of the log.")
@click.option("--keys", default=None, help="Key vault file; by default beside the log.")
@click.option(
    "--zone", "zone_name", default="Asia/Shanghai", show_default=True, help="Estate's zone."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Tables for people or JSON for machines.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, wanted: _show_version(context) if wanted else None,
    help="Show the version and exit.",
)
@click.pass_context
def crm(context: click.Context, db: str, keys: str | None, zone_name: str, form: str) -> None:
    """Decide about households, and be able to prove it."""
    try:
        zone(zone_name)
    except ValueError as error:
        raise Invalid.one("zone_unknown", str(error), "--zone") from error
    context.obj = App(db, keys, zone_name, Output(form == "json"))


def _show_version(context: click.Context) -> None:
    try:
        found = version("crm-core")
    except PackageNotFoundError:
        found = "unknown: run from its source, not installed"
    click.echo(f"crm, version {found}")
    context.exit()


def _format(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--format` after the command's name, as well as before it."""

    def set_format(context: click.Context, _: Any, form: str | None) -> None:
        if form is not None:
            context.obj.out.json = form == "json"

    return click.option(
        "--format",
        type=click.Choice(["table", "json"]),
        callback=set_format,
        expose_value=False,
        help="Tables for people or JSON for machines.",
    )(command)


def _db(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--db` after the command's name, as well as before it."""

    def set_db(context: click.Context, _: Any, db: str | None) -> None:
        if db is not None:
            context.obj.db = db

    return click.option(
        "--db", callback=set_db, expose_value=False, default=None, help="Database of the log."
    )(command)


_used_policies = click.option(
    "--policy", multiple=True, help="A TOML file that a run used; may be given more than once."
)


def _command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    def decorate(function: Callable[..., Any]) -> click.Command:
        return crm.command(name)(_format(_db(click.pass_obj(function))))

    return decorate


# --- files in ---------------------------------------------------------------------------------


@_command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything, keep nothing.")
@click.option(
    "--encoding",
    type=click.Choice(ENCODINGS),
    default="utf-8",
    show_default=True,
    help="How the files are written; it is never guessed.",
)
@click.option("--skip-faulty", is_flag=True, help="Import the rows without a fault.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("crm-rejects.csv"),
    show_default=True,
    help="Where faulty rows go with --skip-faulty.",
)
def import_(
    app: App,
    paths: tuple[Path, ...],
    dry_run: bool,
    encoding: str,
    skip_faulty: bool,
    rejects: Path,
) -> int:
    """Import files or folders of them: all of it, or nothing."""
    with app.open(must_exist=False) as opened:
        report = _import(app.out, opened, paths, encoding, dry_run, skip_faulty, rejects)
    app.out.result(report.as_dict(), lambda: _show_import(app.out, report, dry_run))
    return BAD if report.faults and not skip_faulty else 0


def _import(
    out: Output,
    opened: CRM,
    paths: Sequence[Path],
    encoding: str = "utf-8",
    dry_run: bool = False,
    skip_faulty: bool = False,
    rejects: Path | None = None,
) -> ImportReport:
    with out.progress("reading", None) as reading:
        bars: list[Any] = []

        def planned(total: int) -> Callable[[int], None]:
            bars.append(out.progress("recording", total))
            return bars[-1].__enter__()  # type: ignore[no-any-return]

        try:
            return import_files(
                opened,
                paths,
                encoding=encoding,
                dry_run=dry_run,
                skip_faulty=skip_faulty,
                rejects=rejects,
                reading=reading,
                planned=planned,
            )
        finally:
            for bar in bars:
                bar.__exit__(None, None, None)


def _show_import(out: Output, report: ImportReport, dry_run: bool) -> None:
    out.table(
        ["file", "rows", "imported", "repeated", "faulty"],
        [[name, f.rows, f.imported, f.repeated, f.faulty] for name, f in report.files.items()],
    )
    for fault in report.faults[:50]:
        row = f"row {fault.row}" if fault.row else ""
        column = f"column {fault.column}"[:80] if fault.column else ""
        where = ", ".join(part for part in (row, column) if part)
        at = f"{fault.file}: {where}" if where else fault.file
        out.say(f"{at}: {fault.message} [{fault.code}]")
    if len(report.faults) > 50:
        out.say(f"… and {len(report.faults) - 50} more faults (all of them with --format json)")
    if dry_run:
        out.say("a dry run: nothing was imported")
    elif report.faults and not report.events:
        out.say("nothing was imported")
    out.print(f"{report.events} events")


@_command("generate")
@click.option(
    "--households",
    type=click.IntRange(1, 10_000_000),
    default=2000,
    show_default=True,
    help="How many.",
)
@click.option("--years", type=YEARS, default="2024", show_default=True, help="2023-2024 or 2024.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed writes the same files."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write them to.",
)
def generate(app: App, households: int, years: tuple[int, int], seed: int, out: Path) -> int:
    """Write the import files of a generated estate."""
    rows = _generate(app.out, out, households, years, seed)
    app.out.result(
        {"folder": str(out), "rows": rows},
        lambda: app.out.table(["file", "rows"], list(rows.items())),
    )
    return 0


def _generate(
    out: Output, folder: Path, households: int, years: tuple[int, int], seed: int
) -> dict[str, int]:
    with out.progress("generating", households) as advance:
        before = 0

        def progress(done: int, _total: int) -> None:
            nonlocal before
            advance(done - before)
            before = done

        try:
            return generate_estate(
                folder,
                households=households,
                first_year=years[0],
                last_year=years[1],
                seed=seed,
                progress=progress,
            )
        except ValueError as error:
            raise Invalid.one("estate_malformed", str(error)) from error
        except OSError as error:
            raise Invalid.one("folder_unusable", f"`{folder}`: {error.strerror}") from error


# --- credit and gradings ----------------------------------------------------------------------


@_command("credit")
@click.option("--on", type=DATE, required=True, help="The day.")
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option("--policy", default=DEFAULT_CREDIT, show_default=True, help="Credit table.")
@click.argument("households", nargs=-1)
def credit(
    app: App, on: date, known: datetime | None, policy: str, households: tuple[str, ...]
) -> int:
    """Credit grades on a day, as known at an instant."""
    with app.open() as opened:
        lines = [
            asdict(line)
            for line in opened.credit(
                on, known=known, households=sorted(set(households)) or None, policy=policy
            )
        ]
    app.out.result(
        lines,
        lambda: app.out.table(
            ["household", "grade", "days", "overdue yuan"],
            [
                [
                    line["household"],
                    line["grade"],
                    line["overdue_days"],
                    yuan_from_fen(line["overdue_fen"]),
                ]
                for line in lines
            ],
        ),
    )
    return 0


@_command("grade")
@click.argument("year", type=YEAR)
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option("--policy", default=DEFAULT_GRADING, show_default=True, help="Name, or a TOML file.")
def grade(app: App, year: int, known: datetime | None, policy: str) -> int:
    """Grade every household for a calendar year."""
    policies, name = _policies([policy])
    with app.open(policies=policies) as opened:
        run = _grade(app.out, opened, year, known, name)
    app.out.result(_run(run), lambda: _show_run(app.out, run))
    return 0


def _grade(
    out: Output,
    opened: CRM,
    year: int,
    known: datetime | None = None,
    policy: str = DEFAULT_GRADING,
) -> GradingRun:
    with out.progress("grading", None) as advance:
        return opened.grade(year, known=known, policy=policy, by=ACTOR, progress=advance)


@_command("grades")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id", default=None, help="A run; by default the latest of the year.")
@_used_policies
def grades(app: App, year: int, run_id: str | None, policy: tuple[str, ...]) -> int:
    """The recorded gradings of a year."""
    policies, _ = _policies(policy)
    with app.open(policies=policies) as opened:
        run = opened.grades(year, run=run_id)
    app.out.result(
        [grading_row(grading) for grading in run.gradings], lambda: _show_run(app.out, run)
    )
    return 0


def _policies(named: Sequence[str]) -> tuple[PolicyBook, str]:
    """The book to use and the name to look up: a path of a TOML file adds what it holds."""
    book, name = shipped(), ""
    for name in named:
        if name.endswith(".toml"):
            try:
                text = Path(name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise Invalid.one(
                    "policy_unreadable", f"`{name}` cannot be read", "--policy"
                ) from error
            parsed = parse_grading(text, name)
            book, name = book.add(parsed), str(parsed.ref)  # noqa: PLW2901
    return book, name


def _run(run: GradingRun) -> dict[str, Any]:
    return {
        "run": run.run,
        "year": run.year,
        "policy": str(run.policy),
        "policy_digest": run.policy.digest,
        "cutoff": {"position": run.cutoff.position, "known": instant_text(run.cutoff.known)},
        "gradings": [grading_row(grading) for grading in run.gradings],
    }


def _show_run(out: Output, run: GradingRun) -> None:
    out.print(f"run {run.run}, policy {run.policy}, known {instant_text(run.cutoff.known)}")
    _show_summary(out, run)


def _show_summary(out: Output, run: GradingRun) -> None:
    """The directory's summary: households by layer, type and credit."""
    total = len(run.gradings) or 1
    for title, names, found in (
        ("layer", LAYER["zh"], [g.outcome.layer for g in run.gradings]),
        ("type", TYPE["zh"], [g.outcome.type for g in run.gradings]),
        ("credit", dict.fromkeys(GRADES.values, ""), [g.facts.credit for g in run.gradings]),
    ):
        counts = Counter(found)
        out.print()
        out.table(
            [title, "", "households", "share"],
            [
                [
                    name,
                    names[name],
                    counts[name],
                    f"{counts[name] / total:.1%}",
                ]
                for name in names
            ],
        )


@_command("explain")
@click.argument("household")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id", default=None, help="A run; by default the household's latest.")
@click.option(
    "--for",
    "reader",
    type=click.Choice(READERS),
    default="clerk",
    show_default=True,
    help="Who reads it.",
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default="en",
    show_default=True,
    help="Language of the sentences.",
)
@_used_policies
def explain(
    app: App,
    household: str,
    year: int,
    run_id: str | None,
    reader: str,
    lang: str,
    policy: tuple[str, ...],
) -> int:
    """Why a household has its grade: criteria, values, thresholds, events."""
    policies, _ = _policies(policy)
    with app.open(policies=policies) as opened:
        said = opened.explain(household, year, run=run_id, reader=reader, lang=lang)  # type: ignore[arg-type]
    app.out.result(said, lambda: _show_explanation(app.out, said, reader))
    return 0


def _show_explanation(out: Output, said: dict[str, Any], reader: str) -> None:
    for sentence in said["sentences"]:
        out.print(sentence)
    if reader == "owner":
        return
    out.print()
    out.table(
        ["criterion", "value", "", "threshold", "met", "events"],
        [
            [
                criterion["name"],
                str(criterion["value"]),
                criterion["op"].replace("_", " "),
                str(criterion["threshold"]),
                "yes" if criterion["met"] else "no",
                _positions(criterion["evidence"]),
            ]
            for criterion in said["criteria"]
        ],
    )
    out.print()
    out.print(f"policy {said['policy']}, credit table {said['credit_policy']}, run {said['run']}")
    if reader == "auditor":
        cutoff = said["cutoff"]
        out.print(f"policy digest {said['policy_digest']}")
        out.print(f"cut-off: position {cutoff['position']}, known {cutoff['known']}")


def _positions(positions: Sequence[int]) -> str:
    shown = " ".join(str(position) for position in positions[:6])
    return f"{shown} … ({len(positions)})" if len(positions) > 6 else shown


@_command("replay")
@click.argument("year", type=YEAR, required=False)
@_used_policies
def replay(app: App, year: int | None, policy: tuple[str, ...]) -> int:
    """Decide recorded gradings again and compare the bytes."""
    policies, _ = _policies(policy)
    with app.open(policies=policies) as opened:
        result = _replay(app.out, opened, year)
    app.out.result(result, lambda: _show_replay(app.out, result))
    return FOUND if result["differing"] else 0


def _replay(out: Output, opened: CRM, year: int | None) -> dict[str, Any]:
    started = perf_counter()
    with out.progress("replaying", None) as advance:
        result = opened.replay(year, progress=advance)
    return {
        "gradings": result.gradings,
        "identical": result.identical,
        "differing": [
            {
                "household": finding.household,
                "year": finding.year,
                "run": finding.run,
                "first_difference": finding.first_difference,
            }
            for finding in result.differing
        ],
        "events": result.events,
        "seconds": round(perf_counter() - started, 3),
        "engine": result.engine,
    }


def _show_replay(out: Output, result: dict[str, Any]) -> None:
    if not result["gradings"]:
        out.print("no gradings are recorded")
        return
    for finding in result["differing"][:50]:
        out.print(
            f"household {finding['household']}, {finding['year']}: {finding['first_difference']}"
        )
    verdict = "all identical" if not result["differing"] else "NOT all identical"
    out.print(
        f"{verdict}: {result['identical']} of {result['gradings']} gradings, from"
        f" {result['events']} events in {result['seconds']} s"
    )


@_command("affected")
@click.argument("year", type=YEAR, required=False)
@_used_policies
def affected(app: App, year: int | None, policy: tuple[str, ...]) -> int:
    """Recorded gradings that facts known by now would change; nothing is changed."""
    policies, _ = _policies(policy)
    with app.open(policies=policies) as opened:
        found = [asdict(item) for item in opened.affected(year)]
    app.out.result(
        found,
        lambda: app.out.table(
            ["household", "year", "run", "layer", "now", "credit", "now", "because of"],
            [
                [
                    item["household"],
                    item["year"],
                    item["run"],
                    item["layer"],
                    item["layer_now"],
                    item["credit"],
                    item["credit_now"],
                    _positions(item["because"]),
                ]
                for item in found
            ],
        ),
    )
    return 0


# --- the log ----------------------------------------------------------------------------------


@_command("verify")
def verify(app: App) -> int:
    """Read every stored byte again: chain, versions, order, root."""
    with app.open() as opened:
        result = opened.verify()
    fault = result.first_fault
    data = {
        "events": result.events,
        "intact": result.intact,
        "first_fault": None
        if fault is None
        else {"position": fault.position, "stream": fault.stream, "kind": fault.kind},
        "root": result.root,
    }

    def show() -> None:
        if fault is None:
            app.out.print(f"intact: {result.events} events, root {result.root}")
        else:
            app.out.print(
                f"NOT intact: {fault.kind} at position {fault.position} in `{fault.stream}`"
                f" ({result.events} events)"
            )

    app.out.result(data, show)
    return 0 if result.intact else FOUND


@_command("history")
@click.argument("stream")
def history(app: App, stream: str) -> int:
    """Events of a stream (`account/V00001`) or about a household (`V00001`)."""
    with app.open() as opened:
        events = [_event(opened, recorded) for recorded in opened.history(stream)]
    if not events:
        raise Invalid.one("stream_unknown", f"there are no events of `{stream}`")
    app.out.result(
        events,
        lambda: app.out.table(
            ["position", "recorded", "effective", "event", "stream", "data"],
            [
                [
                    event["position"],
                    event["recorded"],
                    event["effective"],
                    event["name"],
                    event["stream"],
                    _short(event["data"]),
                ]
                for event in events
            ],
        ),
    )
    return 0


def _event(opened: CRM, recorded: Recorded[Any]) -> dict[str, Any]:
    envelope = recorded.envelope
    return {
        "position": recorded.position,
        "stream": recorded.stream,
        "version": recorded.version,
        "name": recorded.name,
        "household": recorded.household,
        "effective": recorded.effective.isoformat(),
        "recorded": instant_text(recorded.recorded),
        "imported": None if envelope.imported is None else instant_text(envelope.imported),
        "actor": envelope.actor,
        "purpose": envelope.purpose,
        "command": envelope.command,
        "causation": envelope.causation,
        "digest": recorded.digest,
        "data": json.loads(opened.log.canonical(recorded.event)),
    }


def _short(data: dict[str, Any]) -> str:
    flat = {k: v for k, v in data.items() if v is not None and not isinstance(v, dict | list)}
    text = ", ".join(f"{key} {value}" for key, value in flat.items())
    return text if len(text) <= 100 else text[:99] + "…"


@_command("show")
@click.argument("household")
@click.option("--on", type=DATE, default=None, help="As it stood on this day.")
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option("--purpose", default=None, help="Why personal values are opened; else they are not.")
def show(
    app: App, household: str, on: date | None, known: datetime | None, purpose: str | None
) -> int:
    """The file of a household as it stands, or as it stood."""
    with app.open() as opened:
        shown = _file(opened, household, on, known, purpose)
    app.out.result(shown, lambda: _show_file(app.out, shown))
    return 0


def _file(
    opened: CRM, household: str, on: date | None, known: datetime | None, purpose: str | None
) -> dict[str, Any]:
    state = opened.get(Household, household, by=ACTOR, purpose=purpose, on=on, known=known)
    if state is None:
        when = f" on {on}" if on else ""
        raise Invalid.one("household_unknown", f"household `{household}` has no file{when}")
    places = _places(opened, household)

    def reveal(value: PersonalValue | None) -> str | None:
        if value is None:
            return None
        if purpose is None:
            return "sealed"
        return opened.reveal(value, places[getattr(value, "token", "")], by=ACTOR, purpose=purpose)

    now = opened.clock.now()
    day = on or local_date(now, opened.zone)
    facts = [e for e in opened.history(household) if known is None or e.recorded <= known]
    credit = opened.policies.find(CreditPolicy, DEFAULT_CREDIT, day)
    end = min(start_of_day(day + timedelta(days=1), opened.zone), known or now, now)
    received = [
        opened.get(Request, identity, by=ACTOR, on=on, known=known)
        for identity in sorted(
            {e.stream.partition("/")[2] for e in facts if e.stream.startswith("request/")}
        )
    ]
    requests = [request_view(request, end) for request in received if request is not None]
    gradings = [
        {"year": e.event.year, "run": e.event.run, **grading_row(e.event)}
        for e in visible(facts, on=on)
        if e.name == "gradings.decided/1"
    ]
    return {
        **household_file(state, reveal),
        "on": day.isoformat(),
        "known": None if known is None else instant_text(known),
        "account": account_view(Ledger.of((e.event, e.position) for e in facts), day, credit),
        "requests": {
            "received": len(requests),
            "open": [request for request in requests if request["status"] != "closed"],
        },
        "gradings": gradings,
    }


def _places(opened: CRM, household: str) -> dict[str, Place]:
    """Where each sealed value of the household's file stands."""
    places = {}
    for recorded in opened.history(f"household/{household}"):
        if isinstance(recorded.event, MemberAdded | ContactChanged):
            for field in ("name", "phone"):
                value = getattr(recorded.event, field)
                if value is not None:
                    places[value.token] = Place(recorded.stream, recorded.version, field)
    return places


def _show_file(out: Output, shown: dict[str, Any]) -> None:
    place = " ".join(shown[part] for part in ("estate", "building", "unit", "room"))
    out.print(f"{shown['household']}  {place}  ({shown['kind']}, since {shown['moved_in']})")
    out.table(
        ["role", "member", "since", "until", "name", "phone"],
        [
            [r["role"], r["member"], r["since"], r["until"], r["name"], r["phone"]]
            for r in shown["roles"]
        ],
    )
    account = shown["account"]
    out.print(
        f"on {shown['on']}: credit {account['credit']}, {account['overdue_days']} days and"
        f" {yuan_from_fen(account['overdue_fen'])} yuan overdue,"
        f" {yuan_from_fen(account['advance_fen'])} yuan in advance"
    )
    for unpaid in account["unpaid"][:12]:
        out.print(
            f"  unpaid {yuan_from_fen(unpaid['unpaid_fen'])} of charge {unpaid['charge']},"
            f" due {unpaid['due']} (event {unpaid['position']})"
        )
    requests = shown["requests"]
    out.print(f"requests: {requests['received']} received, {len(requests['open'])} open")
    for grading in shown["gradings"]:
        out.print(
            f"graded {grading['year']}: {grading['layer']}, {grading['type']},"
            f" {grading['credit']} ({grading['status']}, run {grading['run']})"
        )


@_command("report")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id", default=None, help="A run; by default the latest of the year.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The HTML file to write.",
)
@_used_policies
def report(app: App, year: int, run_id: str | None, out: Path, policy: tuple[str, ...]) -> int:
    """Write a self-contained page about a year's gradings."""
    from crm_adapters.reports.html import write_report

    policies, _ = _policies(policy)
    with app.open(policies=policies) as opened:
        run = opened.grades(year, run=run_id)
        write_report(out, opened, run)
    app.out.result({"report": str(out), "run": run.run}, lambda: app.out.print(str(out)))
    return 0


# --- the main job -----------------------------------------------------------------------------


@_command("demo")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "--out",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("crm-demo"),
    show_default=True,
    help="Where log, keys and report are left.",
)
def demo(app: App, folder: Path | None, target: Path) -> int:
    """The main job: import an estate, grade its year, replay it, explain a grade."""
    from crm_adapters.cli.demo import run_demo

    return run_demo(app.out, folder, target, app.zone)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; every error is one clear line, never a traceback."""
    # A short process that makes many values and no cycles: collecting seldom saves a third.
    gc.set_threshold(100_000, 50, 100)
    try:
        result = crm.main(args=arguments, prog_name="crm", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        sys.stderr.write("crm: interrupted\n")
        return BAD
    except click.exceptions.NoArgsIsHelpError as error:
        error.show(sys.stderr)
        return BAD
    except click.ClickException as error:
        sys.stderr.write(f"crm: {_usage(error)} [{Invalid.code} usage_wrong]\n")
        return BAD
    except Invalid as error:
        for fault in error.faults:
            sys.stderr.write(f"crm: {fault} [{error.code} {fault.code}]\n")
        return BAD
    except CrmError as error:
        sys.stderr.write(f"crm: {error}\n")
        return BAD
    except OSError as error:
        what = f"`{error.filename}`: {error.strerror}" if error.filename else str(error)
        sys.stderr.write(f"crm: {what} [{Invalid.code} file_unusable]\n")
        return BAD
    except Exception as error:  # noqa: BLE001 - the last resort of a person without Python
        sys.stderr.write(f"crm: {_unexpected(error)} [{Failed.code} unexpected_error]\n")
        return BAD
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> str:
    """Where it went wrong; never the error's own words, which may hold personal data."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f" at {Path(frame.tb_frame.f_code.co_filename).name}"
    line = "" if frame is None else f":{frame.tb_lineno}"
    return (
        f"unexpected {type(error).__name__}{where}{line}; `crm verify` tells whether the log is"
        " damaged"
    )


def _usage(error: click.ClickException) -> str:
    """What is wrong with a command line, in one line, and where help is."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "crm"
    return f"{message[:1].lower()}{message[1:]}; see `{command} --help`"
