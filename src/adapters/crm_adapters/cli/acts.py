"""`crm do`: every act of every slice by hand, or line by line for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from typing import IO, Any

import click

from crm_adapters.cli.fields import (
    OBJECT,
    PERSONAL,
    TRUTH,
    Field,
    fields_of,
    made,
    option_of,
    said_in_options,
)
from crm_adapters.cli.group import BAD, FOUND, App, crm
from crm_adapters.cli.helping import Told, ToldGroup
from crm_adapters.cli.language import act_told, event_told, say, spoken
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import listed
from crm_adapters.slices import installed
from crm_core.crm import CRM, Receipt
from crm_core.errors import (
    CommandReused,
    CommitUnknown,
    Conflict,
    CrmError,
    Fault,
    Invalid,
    PersonErased,
    Refused,
)
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.limits import LINE_BYTES_MAX, check_nesting
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.slice import Act as Declared

LINES = "-"
"""The name under which lines of JSON are read."""

_OF_A_LINE = ("act", "id", "fields", "concerns")
_WHO_ACTS = ("actor", "as", "by")

_OF_THE_LINE_ALONE = (CommandReused, CommitUnknown, Conflict, PersonErased)
"""Failures that say nothing about the lines behind."""


@cache
def acts() -> dict[str, type]:
    """Every command that somebody can give, by the act it is."""
    found = installed().acts.values()
    return {act.name: act.what for act in sorted(found, key=_name) if isinstance(act.what, type)}


def _name(act: Declared) -> str:
    return act.name


def slice_of(command: type) -> str:
    """The slice that a command belongs to."""
    return installed().slice_of(command)


# --- one act -----------------------------------------------------------------------------------


class Act(Told):
    """One act: an option for every field of its command."""

    def __init__(self, act: str, command: type) -> None:
        self.command = command
        self._fields = {_parameter(field): field for field in fields_of(command)}
        options = [
            option for name, field in self._fields.items() for option in _options(name, field)
        ]
        super().__init__(
            act,
            params=[
                *options,
                click.Option(["--id", "command_id"], metavar="ID"),
                click.Option(["--concerns"], metavar="ID", multiple=True),
            ],
            context_settings={
                "allow_extra_args": True,
                "ignore_unknown_options": True,
                "token_normalize_func": lambda said: said.replace("_", "-"),
            },
        )

    def invoke(self, ctx: click.Context) -> int:
        app: App = ctx.obj
        texts: dict[Field, Sequence[str]] = {}
        for name, field in self._fields.items():
            value = "no" if ctx.params.get(f"no__{name}") else ctx.params[name]
            if value is not None and value != ():
                texts[field] = value if field.many else (value,)
        said, faults = said_in_options(self.command, texts)
        known = [field.option for field in self._fields.values()]
        faults += [
            Fault("field_unexpected", word.partition("=")[0], {"accepted": known})
            for word in ctx.args
            if word.startswith("--")
        ]
        stray = ctx.args[0] if ctx.args and not ctx.args[0].startswith("--") else None
        if stray is not None:
            ctx.fail(say("too_many_words", words=[stray]))
        command = made(self.command, said, option_of, faults)
        with app.open() as opened:
            receipt = opened.do(
                command,
                by=app.by,
                id=ctx.params["command_id"],
                purpose=app.purpose,
                about=ctx.params["concerns"],
            )
        told = receipt_row(receipt)
        app.out.result(told, lambda: _show_receipt(app.out, told))
        return 0

    # --- help ----------------------------------------------------------------------------

    def told(self, path: str) -> Iterable[str]:
        table = _shipped_table()
        roles = list(table.roles.get(self.name or "", ()))
        yield act_told(self.name or "")
        yield say("who_may", roles=roles, table=table.ref) if roles else say("nobody_may")

    def told_of(self, option: click.Parameter, path: str) -> str:
        field = self._fields.get(option.name or "")
        if field is None:
            return super().told_of(option, "do")
        kind = say(f"type_{field.kind}", parts=list(field.parts))
        if field.many:
            kind = say("type_several", kind=kind)
        return say("field_required", kind=kind) if field.required else kind

    def get_short_help_str(self, limit: int = 45) -> str:
        return act_told(self.name or "")


def _parameter(field: Field) -> str:
    return "__".join(field.path)


def _options(name: str, field: Field) -> list[click.Option]:
    if field.kind != TRUTH:
        return [click.Option([field.option, name], multiple=field.many, metavar=_metavar(field))]
    yes = click.Option([field.option, name], is_flag=False, flag_value="yes", metavar="[yes|no]")
    no = click.Option(
        [f"--no-{field.option.removeprefix('--')}", f"no__{name}"],
        is_flag=True,
        hidden=True,
    )
    return [yes, no]


def _metavar(field: Field) -> str:
    return {OBJECT: "JSON", PERSONAL: "TEXT"}.get(field.kind, field.kind.upper())


def receipt_row(receipt: Receipt) -> dict[str, Any]:
    """A receipt as plain data: where the command's events stand, and their names."""
    names = installed().catalog.by_class
    return {
        "stream": receipt.stream,
        "version": receipt.version,
        "position": receipt.position,
        "events": [names[type(event)].stored for event in receipt.events],
    }


def _show_receipt(out: Output, told: dict[str, Any]) -> None:
    if not told["events"]:
        out.print(say("done_before"))
        return
    columns = ["stream", "version", "position"]
    out.table(
        [*columns, "events"],
        [[*(told[column] for column in columns), listed(map(event_told, told["events"]))]],
    )


# --- the list ----------------------------------------------------------------------------------


@cache
def _shipped_table() -> AuthorityPolicy:
    return AuthorityPolicy.parse(installed().authority)


def _table(app: App) -> AuthorityPolicy:
    """The table in force; where there is no log yet, the one that is shipped."""
    if app.missing:
        return _shipped_table()
    with app.open() as opened:
        return opened.authority().policy


def act_rows(table: AuthorityPolicy, slice: str = "") -> list[dict[str, Any]]:
    """The acts, who may give them, and what they are made of.

    Raises:
        Invalid: there is no such slice.
    """
    slices = sorted({slice_of(command) for command in acts().values()})
    if slice and slice not in slices:
        raise Invalid.one("slice_unknown", "--list", slice=slice, accepted=slices)
    return [
        {
            "act": act,
            "slice": slice_of(command),
            "roles": list(table.roles.get(act, ())),
            "fields": [
                {
                    "name": field.name,
                    "type": field.kind,
                    "required": field.required,
                    "several": field.many,
                }
                for field in fields_of(command)
            ],
        }
        for act, command in acts().items()
        if slice in ("", slice_of(command))
    ]


def _show_acts(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["act", "slice", "fields", "roles"],
        [
            [row["act"], row["slice"], _listed(row["fields"]), ", ".join(row["roles"])]
            for row in rows
        ],
    )


def _listed(fields: list[dict[str, Any]]) -> str:
    return " ".join(f["name"] if f["required"] else f"[{f['name']}]" for f in fields)


# --- lines of JSON -----------------------------------------------------------------------------


class Lines(Told):
    """Reads commands as lines of JSON, and answers each with a line."""

    def __init__(self) -> None:
        super().__init__(LINES, params=[])

    def invoke(self, ctx: click.Context) -> int:
        app: App = ctx.obj
        worst = 0
        if sys.stdin is None:
            raise Invalid.one("input_closed")
        with app.open() as opened:
            for number, line in enumerate(_lines(sys.stdin.buffer), start=1):
                if not line.strip():
                    continue
                answer, status = _answered(opened, app, line)
                app.out.line({"line": number, **answer})
                worst = max(worst, status)
        return worst

    def told(self, path: str) -> Iterable[str]:
        return super().told("do -")

    def get_short_help_str(self, limit: int = 45) -> str:
        return say("lines_shortly")


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """The lines; of one that is too long no more than tells that it is."""
    while line := source.readline(LINE_BYTES_MAX + 1):
        rest = line
        while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
            rest = source.readline(LINE_BYTES_MAX + 1)
        yield line


def _answered(opened: CRM, app: App, line: bytes) -> tuple[dict[str, Any], int]:
    """The answer to a line, and the exit status that it asks for."""
    try:
        command, command_id, concerns = _of_line(line)
        receipt = opened.do(command, by=app.by, id=command_id, purpose=app.purpose, about=concerns)
    except Invalid as error:
        faults = [
            {"code": f.code, "where": f.where, "message": f.told(spoken())} for f in error.faults
        ]
        return {"invalid": faults}, BAD
    except Refused as error:
        told = {"rule": error.rule, "message": error.told(spoken()), "details": error.details}
        return {"refused": error.reason, **told}, FOUND
    except _OF_THE_LINE_ALONE as error:
        return _failed(error), FOUND
    return receipt_row(receipt), 0


def _failed(error: CrmError) -> dict[str, Any]:
    told = error.told(spoken())
    return {"failed": error.code, "retry_safe": error.retry_safe, "message": told}


def _of_line(line: bytes) -> tuple[Any, str | None, list[str]]:
    """The command in a line, its id if it has one, and whom it is about besides.

    Raises:
        Invalid: everything that is wrong with it.
    """
    if len(line.rstrip(b"\r\n")) > LINE_BYTES_MAX:
        raise Invalid.one("line_malformed", sentence="line_too_long", most=LINE_BYTES_MAX)
    try:
        said = json.loads(line)
        check_nesting(said)
    except Malformed as error:
        raise Invalid([Fault.of("line_malformed", error)]) from error
    except (ValueError, RecursionError) as error:
        raise Invalid.one("line_malformed") from error
    if not isinstance(said, dict):
        raise Invalid.one("line_malformed")
    faults = [Fault("actor_said", key) for key in said if key in _WHO_ACTS]
    faults += [
        Fault("field_unexpected", key, {"accepted": list(_OF_A_LINE)})
        for key in said
        if key not in (*_OF_A_LINE, *_WHO_ACTS)
    ]
    command_id = said.get("id")
    if command_id is not None and not isinstance(command_id, str):
        faults.append(Fault("value_malformed", "id", sentence="text_expected"))
    concerns = said.get("concerns", [])
    if not isinstance(concerns, list) or not all(isinstance(one, str) for one in concerns):
        faults.append(Fault("value_malformed", "concerns", sentence="texts_expected"))
    act = said.get("act")
    kind = acts().get(act) if isinstance(act, str) else None
    if kind is None:
        like = get_close_matches(str(act), acts(), 1)
        sentence = "act_unknown_but" if like else ""
        faults.append(Fault("act_unknown", "act", {"act": str(act), "like": like}, sentence))
        raise Invalid(faults)
    return made(kind, said.get("fields", {}), _in_fields, faults), command_id, concerns


def _in_fields(path: str) -> str:
    return f"fields.{path}" if path else "fields"


# --- the command -------------------------------------------------------------------------------


class Acts(ToldGroup):
    """The acts as commands, each made when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [LINES, *acts()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == LINES:
            return Lines()
        name = cmd_name.replace("_", "-")
        return Act(name, acts()[name]) if name in acts() else None

    def told_shortly(self, ctx: click.Context, name: str) -> str:
        return say("lines_shortly") if name == LINES else act_told(name)


@crm.group("do", cls=Acts, invoke_without_command=True)
@click.option("--list", "listed", is_flag=False, flag_value="", metavar="[SLICE]")
@click.pass_context
def do(context: click.Context, listed: str | None) -> int:
    """Do something by hand: every act of every slice, as whoever acts."""
    if context.invoked_subcommand is not None:
        return 0
    if listed is None:
        click.echo(context.get_help(), err=True)
        return BAD
    app: App = context.obj
    rows = act_rows(_table(app), listed)
    app.out.result(rows, lambda: _show_acts(app.out, rows))
    return 0
