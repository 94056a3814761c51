"""Commands of `crm` that other packages bring by the entry point `crm_core.commands`.

@brought("empty-rooms", en="Rooms in which nobody lives.", zh="无人居住的房间。")
@click.option("--estate")
def empty_rooms(app: App, estate: str | None) -> int: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from crm_adapters.cli.group import App
from crm_adapters.cli.helping import Told
from crm_adapters.cli.language import say, spoken
from crm_adapters.cli.output import Output
from crm_adapters.extensions import COMMANDS, found
from crm_core.errors import Invalid

__all__ = ["App", "Output", "brought"]


class Brought(Told):
    """A command that says itself what it does, in both languages."""

    texts: dict[str, str]

    def told(self, path: str) -> Iterable[str]:
        return [self.texts[spoken()]]

    def get_short_help_str(self, limit: int = 45) -> str:
        return self.texts[spoken()].splitlines()[0]

    def told_of(self, option: click.Parameter, path: str) -> str:
        own = option.help if isinstance(option, click.Option) else None
        return own or super().told_of(option, path)


def brought(name: str, *, en: str, zh: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of another package; the function is given what all commands share, an `App`.

    `app.open()` opens the log, `app.by` is who acts, `app.asked` what every question takes, and
    `app.out` shows a result as a table or as JSON.

    Args:
        name: What it is called; an option of all commands, such as `--db`, it has anyway.
        en: What it does, in English.
        zh: The same in Chinese.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        made = click.command(name, cls=Brought)(click.pass_obj(function))
        made.texts = {"en": en, "zh": zh}
        return made

    return decorate


def command_of(name: str) -> click.Command | None:
    """The command that a package brings under that name; None if none does.

    Raises:
        Invalid: what it brings cannot be used.
    """
    loaded: click.Command | None = found(COMMANDS, name)
    return loaded


def shortly(name: str) -> str:
    """What such a command does, in a line; what is wrong with it, if something is."""
    try:
        loaded = command_of(name)
    except Invalid as error:
        return error.told(spoken())
    return say("not_installed") if loaded is None else loaded.get_short_help_str()
