"""`crm create` and `crm backup`: a new log, and a copy of one."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from crm_adapters.cli.group import FOUND, MEMORY, App, command
from crm_adapters.cli.language import say
from crm_adapters.cli.values import FILE
from crm_core.errors import Invalid


@command("create")
def create(app: App) -> int:
    """A new log, and a key file for it."""
    if app.url == MEMORY:
        raise Invalid.one("log_in_memory", "--db")
    try:
        app.open().close()
    except Invalid as error:
        if error.faults[0].code != "log_missing":
            raise
    else:
        raise Invalid.one("log_there", "--db", url=app.shown_url)
    with app.open(create=True) as opened:
        store: Any = opened.log.store  # type: ignore[attr-defined]
        told = {
            "log": getattr(store, "name", app.shown_url),
            "format": store.format_number,
            "revision": getattr(store, "revision", None),
        }
    app.out.result(told, lambda: app.out.print(say("log_made", **told)))
    return 0


@command("backup")
@click.option("--out", type=FILE, required=True)
@click.option("--with-keys", is_flag=True)
def backup(app: App, out: Path, with_keys: bool) -> int:
    """Copy the log while others go on, and verify the copy."""
    from crm_adapters.eventlog.backup import back_up, copy_keys  # Others need none of it.
    from crm_adapters.eventlog.sqlite import SqliteDatabase
    from crm_adapters.outputs import drafted
    from crm_adapters.register import BACKUP

    kept, keys = app.kept, app.key_file
    beside = out.with_name(f"{out.name}.keys")
    targets = [out, beside] if with_keys else [out]
    for target in targets:
        app.to_write(target)
    with app.open() as opened, ExitStack() as drafts:
        log: Any = opened.log
        if not isinstance(log.store, SqliteDatabase):
            raise Invalid.one("backup_elsewhere", "--db")
        made = [
            drafts.enter_context(drafted(one, kept=kept, where="--out", kind=BACKUP))
            for one in targets
        ]
        # Keys last: whoever is in the copy of the log has one in that of the keys.
        found = back_up(log.store, log.codec, made[0])
        if with_keys and keys is not None:
            copy_keys(keys, made[1])
    fault = found.first_fault
    told = {
        "file": str(out),
        "events": found.events,
        "root": found.root,
        "intact": found.intact,
        "first_fault": None
        if fault is None
        else {"position": fault.position, "stream": fault.stream, "kind": fault.kind},
        "keys": str(beside) if with_keys else None,
    }

    def show() -> None:
        app.out.print(say("backup_made", **told))
        if fault is not None:
            place = {"kind": fault.kind, "position": fault.position, "stream": fault.stream}
            app.out.print(say("not_intact", events=found.events, **place))
        app.out.print(say("backup_with_keys" if with_keys else "backup_without_keys", **told))

    app.out.result(told, show)
    return 0 if found.intact else FOUND
