"""Which options of which commands name a file or a folder that is written."""

from __future__ import annotations

from collections.abc import Iterator

import click

from crm_adapters.cli.app import crm
from crm_adapters.cli.values import Place


def options() -> Iterator[tuple[str, str, str]]:
    """Command, option and kind of every option of a file or a folder to be written."""

    def walk(command: click.Command, path: str) -> Iterator[tuple[str, str, str]]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from walk(found, f"{path} {name}".strip())
        for option in command.params:
            if isinstance(option.type, Place):
                assert option.name is not None
                yield path, option.name, option.type.name

    return walk(crm, "")
