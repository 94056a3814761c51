"""Commands whose help and whose faults of usage are told from the catalogue.

What a command does stands in the family `cli-help` under its name, more about it under `NAME:more`,
and an option under `NAME.OPTION`, or under `*.OPTION` where it is the same for all commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import click

from crm_adapters.cli.language import help_of, say, word
from crm_adapters.cli.wrapping import ToldContext

PROGRAM = "crm"

_PLACEHOLDER = re.compile(r"(?<![\w-])[A-Z][A-Z_]+(?![\w])")
"""What stands in help where something is to be typed: `HOUSEHOLD`, `FILE`."""


def told_placeholders(text: str) -> str:
    """The text with its placeholders in the language that is spoken."""
    return _PLACEHOLDER.sub(
        lambda found: (
            found[0] if (told := word("metavar", found[0].lower())) == found[0].lower() else told
        ),
        text,
    )


def told_usage(error: click.ClickException) -> str:
    """What is wrong with a command line, in one sentence."""
    hint = getattr(error, "param_hint", None)
    parameter = getattr(error, "param", None)
    if hint is None and parameter is not None:
        hint = parameter.get_error_hint(getattr(error, "ctx", None))
    where = " ".join(hint) if isinstance(hint, list | tuple) else (hint or "").replace("'", "")
    where = told_placeholders(where.removesuffix("...").strip("[]"))
    match error:
        case click.MissingParameter():
            return say("missing_parameter", where=where)
        case click.BadParameter():
            return say("parameter_wrong", where=where, why=error.message)
        case click.NoSuchOption():
            like = error.possibilities
            code = "no_such_option_but" if like else "no_such_option"
            return say(code, option=error.option_name, like=like)
        case click.BadOptionUsage():
            return say("option_misused", option=error.option_name)
    return error.message


class Told(click.Command):
    """A command that takes the options of every command behind its name, too."""

    behind: Sequence[click.Option] = ()
    """The options that every command takes."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, of_help = super().get_params(ctx)
        return [*own, *self._behind(), of_help]

    def _behind(self) -> Sequence[click.Option]:
        return self.behind

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        allowed, ctx.allow_extra_args = ctx.allow_extra_args, True
        left = super().parse_args(ctx, args)
        ctx.allow_extra_args = allowed
        if ctx.args and not allowed and not ctx.resilient_parsing:
            ctx.fail(say("too_many_words", words=ctx.args))
        return left

    # --- help ----------------------------------------------------------------------------

    context_class = ToldContext

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [told_placeholders(piece) for piece in super().collect_usage_pieces(ctx)]

    def get_short_help_str(self, limit: int = 45) -> str:
        return help_of(self.name or "")

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        words = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, words, f"{say('help_usage')} ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for text in self.told(path_of(ctx)):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(text)

    def told(self, path: str) -> Iterable[str]:
        """What the command does, in paragraphs."""
        keys = (path, f"{path}:more") if path else (PROGRAM,)
        return [text for key in keys if (text := help_of(key))]

    def told_of(self, option: click.Parameter, path: str) -> str:
        """What an option does."""
        name = max(option.opts, key=len).lstrip("-")
        return help_of(f"{path}.{name}", f"*.{name}")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        path, behind = path_of(ctx), self._behind()
        options = [o for o in self.get_params(ctx) if isinstance(o, click.Option) and not o.hidden]
        own = [option for option in options if option not in behind]
        for title, shown in (("help_options", own), ("help_options_of_all", behind)):
            rows = [self._row(option, ctx, path) for option in shown]
            if rows:
                with formatter.section(say(title)):
                    formatter.write_dl(rows)

    def _row(self, option: click.Option, ctx: click.Context, path: str) -> tuple[str, str]:
        record = option.get_help_record(ctx)
        assert record is not None
        extra = option.get_help_extra(ctx)
        more = []
        if "default" in extra:
            more.append(say("help_default", value=extra["default"]))
        if option.required:
            more.append(say("help_required"))
        text = self.told_of(option, path)
        names = told_placeholders(record[0])
        return names, f"{text} {say('help_more', more=more)}" if more else text


class ToldGroup(Told, click.Group):
    """A group of such commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            if args[0].startswith("-"):
                return super().resolve_command(ctx, args)
            like = get_close_matches(args[0], self.list_commands(ctx), 1)
            code = "no_such_command_but" if like else "no_such_command"
            ctx.fail(say(code, command=args[0], like=like))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx._protected_args and not self.invoke_without_command:
            ctx.fail(say("command_missing"))
        return super().invoke(ctx)

    def told_shortly(self, ctx: click.Context, name: str) -> str:
        """What one of the commands does, in a line."""
        before = path_of(ctx)
        return help_of(f"{before} {name}" if before else name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in self.groups(ctx):
            rows = [(name, self.told_shortly(ctx, name)) for name in names]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def groups(self, ctx: click.Context) -> Sequence[tuple[str, Sequence[str]]]:
        """The commands by what they are there for, each group with its heading."""
        return [(say("help_commands"), self.list_commands(ctx))]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def path_of(ctx: click.Context) -> str:
    """The names that lead to a command, without that of the program."""
    names: list[str] = []
    at: click.Context | None = ctx
    while at is not None and at.parent is not None:
        names.insert(0, at.info_name or "")
        at = at.parent
    return " ".join(names)
