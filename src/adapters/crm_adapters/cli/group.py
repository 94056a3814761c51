"""The group `crm` and what its commands share: parameters, options, policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from attrs import define

from crm_adapters.cli.commands import COMMANDS
from crm_adapters.cli.output import Output
from crm_core.crm import CRM, EARLIEST_YEAR, LATEST_YEAR
from crm_core.errors import Invalid
from crm_core.grading import EVENTS
from crm_core.kernel.dates import parse_date, parse_instant, zone
from crm_core.kernel.recorded import Actor
from crm_core.kernel.text import check_id
from crm_core.policies import PolicyBook, parse_grading, shipped

ACTOR = Actor("cli", "specialist")

FOUND, BAD = 1, 2


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


def _person(text: str) -> Actor:
    role, colon, person = text.partition(":")
    if not (role and colon and person):
        raise ValueError("a person is written `role:id`, like `director:D1`")
    return Actor(check_id(person), check_id(role))


class Text(click.ParamType[Any]):
    """A value that is written in one way only."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"`{value}`: {error}", param, ctx)


DATE, INSTANT = Text("date", _date), Text("instant", _instant)
YEAR, YEARS = Text("year", _year), Text("years", _years)
PERSON, ID = Text("person", _person), Text("id", check_id)


@define
class App:
    """What every command shares."""

    db: str
    tenant: str
    keys: str | None
    zone: str
    out: Output

    def open(self, *, policies: Any = None, must_exist: bool = True) -> CRM:
        """The CRM behind `--db`; reading a log that is not there is an error, not an empty log."""
        from crm_adapters.wiring import open_crm  # Half of all loading, and help needs no store.

        if must_exist:
            check_exists(self.db)
        return open_crm(
            self.db, tenant=self.tenant, keys=self.keys, zone=self.zone, policies=policies
        )


def check_exists(url: str) -> None:
    """Refuse an SQLite file that is not there: opening would make one."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return  # Opening it says what is wrong.
    missing = parsed.database and not Path(parsed.database).is_file()
    if parsed.get_backend_name() == "sqlite" and missing:
        raise Invalid.one("log_missing", f"there is no log at `{url}`; `crm import` makes one")


class Commands(click.Group):
    """Loads the module of a command when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            import_module(f"crm_adapters.cli.{COMMANDS[cmd_name].module}")
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--db", default="sqlite:///crm.db", show_default=True, help="Database of the log.")
@click.option(
    "--tenant", default="", help="Whose log it is, where several share a database; none by default."
)
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
def crm(
    context: click.Context, db: str, tenant: str, keys: str | None, zone_name: str, form: str
) -> None:
    """Decide about households, and be able to prove it."""
    try:
        zone(zone_name)
    except ValueError as error:
        raise Invalid.one("zone_unknown", str(error), "--zone") from error
    context.obj = App(db, tenant, keys, zone_name, Output(form == "json"))


def _show_version(context: click.Context) -> None:
    from importlib.metadata import PackageNotFoundError, version

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


used_policies = click.option(
    "--policy", multiple=True, help="A TOML file that a run used; may be given more than once."
)


by_person = click.option("--by", type=PERSON, required=True, help="Who, as ROLE:ID.")


used_engine = click.option(
    "--engine",
    default=EVENTS,
    show_default=True,
    help="What computes the facts; the result is the same.",
)


def command(name: str, within: click.Group = crm) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of `crm`, or of a group in it, that takes `--db` and `--format` after its name."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return within.command(name)(_format(_db(click.pass_obj(function))))

    return decorate


def policies_of(named: Sequence[str]) -> tuple[PolicyBook, str]:
    """The book to use and the name to look up: a path of a TOML file adds what it holds."""
    book, name = shipped(), ""
    for name in named:
        if name.endswith(".toml"):
            parsed = parse_grading(policy_file(name), name)
            book, name = book.add(parsed), str(parsed.ref)  # noqa: PLW2901
    return book, name


def policy_file(path: str) -> str:
    """The text of a policy file.

    Raises:
        Invalid: it is not there, or is not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.one("policy_unreadable", f"`{path}` cannot be read", "--policy") from error
