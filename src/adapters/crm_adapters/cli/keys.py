"""`crm keys`: how the key file stands, its protection, and drills of its recovery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import click

from crm_adapters.cli.group import FOUND, MEMORY, App, command, crm
from crm_adapters.cli.helping import ToldGroup
from crm_adapters.cli.language import say, word
from crm_adapters.cli.values import OneOf
from crm_core.errors import Invalid


@crm.group("keys", cls=ToldGroup)
def keys() -> None:
    """The key file: how it stands, its protection, and drills of recovery."""


_suite = click.option("--suite", type=OneOf(("aes-256-gcm", "sm4-gcm")), metavar="NAME")


@command("status", keys)
def status(app: App) -> int:
    """How the key file stands; no key is shown."""
    from crm_adapters.keys.environment import guard_of  # Help needs no cryptography.
    from crm_adapters.keys.protecting import standing

    path = _file(app)
    with _missing(path):
        found = standing(path, guard_of())
    told = {"file": str(path), **attrs.asdict(found)}

    def show() -> None:
        persons = sum(found.persons.values())
        code = "keys_plain" if found.guard is None else "keys_guarded"
        app.out.print(say(code, **{**told, "persons": persons, "guard": _guard(found.guard)}))
        if found.opened is not None:
            unopened = "keys_not_opened" if found.guard else "keys_given_in_vain"
            app.out.print(say("keys_opened" if found.opened else unopened))

    app.out.result(told, show)
    return FOUND if found.opened is False else 0


@command("protect", keys)
@_suite
def protect(app: App, suite: str | None) -> int:
    """Protect the key file by a passphrase, a key or HashiCorp Vault."""
    from crm_adapters.keys import protecting
    from crm_adapters.keys.environment import guard_of

    path, guard = _file(app), guard_of()
    if guard is None:
        raise Invalid.one("guard_missing")
    with _missing(path):
        _wrapped(app, path, protecting.protect(path, guard, suite), guard.kind)
    return 0


@command("rotate", keys)
@_suite
def rotate(app: App, suite: str | None) -> int:
    """Wrap all keys under a new master key."""
    from crm_adapters.keys import protecting
    from crm_adapters.keys.environment import NEW_GUARD, guard_of

    path, guard, new = _file(app), guard_of(), guard_of(start=NEW_GUARD)
    with _missing(path):
        persons = protecting.rotate(path, guard, new, suite)
    kind = new or guard
    _wrapped(app, path, persons, None if kind is None else kind.kind)
    return 0


@command("recover", keys)
@click.argument("copy", type=click.Path(path_type=Path))
@click.option("--restore", is_flag=True)
def recover(app: App, copy: Path, restore: bool) -> int:
    """Open every sealed value of the log by a copy of the key file."""
    from crm_adapters.keys import LocalVault, drill
    from crm_adapters.keys.environment import guard_of

    path = _file(app)
    if restore and path.exists():
        raise Invalid.one("keys_there", vault=str(path))
    with (
        _missing(copy),
        closing(LocalVault.copied(copy, guard=guard_of)) as vault,
        app.open() as opened,
    ):
        found = drill.drill(opened.log, vault, opened.host.vault)
    if restore:
        drill.restore(copy, path)
    told = {"copy": str(copy), **attrs.asdict(found), "restored": restore}

    def show() -> None:
        kinds = list(found.values)
        rows = [
            [word("drill", what), *counts.values()]
            for what, counts in (("values", found.values), ("persons", found.persons))
        ]
        app.out.table(["what", *kinds], rows)
        if found.returning:
            app.out.print(say("keys_returning", persons=list(found.returning)))
        if restore:
            app.out.print(say("keys_restored", copy=str(copy), file=str(path)))

    app.out.result(told, show)
    unopened = sum(found.values[kind] for kind in ("missing", "tampered"))
    return FOUND if unopened or found.returning else 0


def _file(app: App) -> Path:
    from crm_adapters.wiring import beside

    if app.keys is not None:
        return Path(app.keys)
    if app.url == MEMORY:
        raise Invalid.one("keys_in_memory", "--db")
    return beside(app.url, app.tenant, "keys")


@contextmanager
def _missing(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Invalid.one("keys_file_missing", file=str(path)) from error


def _wrapped(app: App, path: Path, persons: int, kind: str | None) -> None:
    told: dict[str, Any] = {"file": str(path), "persons": persons, "guard": kind}
    app.out.result(
        told,
        lambda: app.out.print(
            say("keys_wrapped" if kind else "suite_chosen", **{**told, "guard": _guard(kind)})
        ),
    )


def _guard(kind: str | None) -> str:
    return "" if kind is None else word("guard", kind)
