"""What other packages bring by entry points: each is loaded when it is used, a broken one is named.

`docs/how-to/extend.md` has an example of each. Slices have a module of their own, `slices`, since
every log needs all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from crm_core.errors import Invalid
from crm_core.kernel.values import frozen

COMMANDS = "crm_core.commands"
"""Commands of `crm`, by their names."""

EVENT_LOGS = "crm_core.event_logs"
"""Makers of stores for logs, by the first word of their URLs."""

NOTIFIERS = "crm_core.notifiers"
"""Makers of notifiers, by the scheme of their URLs."""

GROUPS = (COMMANDS, EVENT_LOGS, NOTIFIERS)

_CALLED = {COMMANDS: "make_context"}
"""What is called of what is brought, where it is not the thing itself."""


@frozen
class Brought:
    """Something that a package brings.

    Args:
        group: The entry point's group.
        name: Its name in the group.
        package: The package that brings it.
        error: What is wrong with it, or None.
    """

    group: str
    name: str
    package: str
    error: Invalid | None


def names(group: str) -> list[str]:
    """The names that packages bring in a group, sorted; nothing is loaded."""
    return sorted({point.name for point in entry_points(group=group)})


def found(group: str, name: str) -> Any:
    """What a package brings under that name, loaded; None if none does.

    Raises:
        Invalid: it cannot be loaded, is no such thing, or two packages bring it.
    """
    points = [point for point in entry_points(group=group) if point.name == name]
    if not points:
        return None
    packages = sorted({_package(point) for point in points})
    if len(packages) > 1:
        raise Invalid.one("extension_twice", group=group, name=name, packages=packages)
    return _loaded(points[0])


def everything() -> Iterator[Brought]:
    """All that packages bring, by group and name, each loaded to see whether it can be."""
    for group in GROUPS:
        for name in names(group):
            packages = sorted({_package(p) for p in entry_points(group=group) if p.name == name})
            error = None
            try:
                found(group, name)
            except Invalid as wrong:
                error = wrong
            yield Brought(group, name, ", ".join(packages), error)


def _loaded(point: EntryPoint) -> Any:
    told = {"group": point.group, "name": point.name, "package": _package(point)}
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:
        # Whatever a foreign package does while it is imported is told as its own fault.
        raise Invalid.one("extension_unusable", **told, reason=type(error).__name__) from error
    if not callable(getattr(loaded, _CALLED.get(point.group, "__call__"), None)):
        raise Invalid.one("extension_unusable", **told, reason=type(loaded).__name__)
    return loaded


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"
