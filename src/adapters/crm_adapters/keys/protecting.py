"""A key file's protection: how it stands, put on it, and put on it anew (decision record 0054)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag

from crm_adapters.keys import files
from crm_adapters.keys.guards import Guard, Master, kept_of, master_of, protected
from crm_adapters.keys.local import BUSY_SECONDS
from crm_adapters.keys.suites import DEFAULT, SECRET_BYTES, SUITES
from crm_core.errors import Invalid, KeysLocked, NotALog
from crm_core.kernel.values import frozen

_SHOWN = ("n", "r", "p", "mount", "key")
"""What is kept of a master key that is no secret and says something to people."""


@frozen
class Standing:
    """How a key file stands.

    Args:
        suite: Of the values and keys that are written from now on.
        guard: What protects the keys, if anything.
        parameters: Of that, what is no secret.
        persons: How many have a key, by the suite of its row.
        erased: How many had one.
        opened: Whether the guard at hand opens them; None where none is needed and none is given.
    """

    suite: str
    guard: str | None
    parameters: dict[str, Any]
    persons: dict[str, int]
    erased: int
    opened: bool | None


def standing(path: Path, guard: Guard | None) -> Standing:
    """How a key file stands; nothing is written.

    Raises:
        FileNotFoundError: there is none.
        KeyFileRefused, NotALog, StoreUnreachable: it cannot be used.
    """
    vault = str(path)
    with (
        files.errors_but_missing(vault),
        closing(files.connect(path, BUSY_SECONDS, reading=True)) as file,
    ):
        settings = files.settings_of(file, vault)
        rows = file.execute(
            "SELECT suite, count(key), count(*) FROM crm_keys GROUP BY 1"
        ).fetchall()
    kept = settings.get("master")
    parameters, kind, opened = {}, None, None
    if kept is None and guard is not None:
        opened = False
    elif kept is not None:
        told = kept_of(kept, vault)
        kind = told["guard"]
        parameters = {name: told[name] for name in _SHOWN if name in told}
        try:
            opened = master_of(kept, guard, vault) is not None
        except KeysLocked:
            opened = False
    return Standing(
        settings.get("suite", DEFAULT.name),
        kind,
        parameters,
        {suite: keys for suite, keys, _ in rows if keys},
        sum(there - keys for _, keys, there in rows),
        opened,
    )


def protect(path: Path, guard: Guard, suite: str | None = None) -> int:
    """Put what is not protected under a guard; how many keys there are.

    Raises:
        Invalid: it is protected, or there is no such suite.
        Others as `rotate`.
    """

    def of(settings: dict[str, str]) -> tuple[Master | None, Guard]:
        if "master" in settings:
            raise Invalid.one("keys_protected", vault=str(path))
        return None, guard

    return _wrap_anew(path, of, suite)


def rotate(
    path: Path, guard: Guard | None, new: Guard | None = None, suite: str | None = None
) -> int:
    """Wrap all keys under a new master key; how many there are.

    Where nothing protects them and a suite is named, that alone is changed.

    Other processes that have the file open need the new guard from their next new key on.

    Args:
        guard: What protects them so far.
        new: What protects them from now on; by default the same.
        suite: Of what is written from now on; by default the one that it was.

    Raises:
        Invalid: nothing protects them, or there is no such suite.
        FileNotFoundError: there is no such file.
        KeysLocked: it is not the guard of this file.
        NotALog: a row is not what was kept there; nothing was changed.
        KeyFileRefused, StoreUnreachable: the file cannot be used.
    """

    def of(settings: dict[str, str]) -> tuple[Master | None, Guard | None]:
        if "master" not in settings:
            if suite is not None and guard is None and new is None:
                return None, None
            raise Invalid.one("keys_not_protected", vault=str(path))
        master = master_of(settings["master"], guard, str(path))
        assert guard is not None
        return master, new or guard

    return _wrap_anew(path, of, suite)


def _wrap_anew(
    path: Path,
    of: Callable[[dict[str, str]], tuple[Master | None, Guard | None]],
    suite: str | None,
) -> int:
    """Wrap all keys, in one transaction; of what was there before no byte is left in the file."""
    if suite is not None and suite not in SUITES:
        raise Invalid.one("suite_unknown", suite=suite, suites=[*SUITES])
    vault = str(path)
    with files.errors_but_missing(vault), closing(files.connect(path, BUSY_SECONDS)) as file:
        file.execute("BEGIN IMMEDIATE")
        settings = files.settings_of(file, vault)
        before, guard = of(settings)
        after, wanted = Master(), suite or settings.get("suite", DEFAULT.name)
        if guard is None:
            files.keep_settings(file, {"suite": wanted})
            file.execute("COMMIT")
            return 0
        rows = file.execute(
            "SELECT subject, key, suite FROM crm_keys WHERE key IS NOT NULL"
        ).fetchall()
        wrapped = []
        for subject, key, name in rows:
            if name not in SUITES:
                raise NotALog("not_a_vault", vault=vault)
            try:
                secret = key if before is None else before.unwrap(subject, SUITES[name], key)
            except InvalidTag:
                raise NotALog("key_row_tampered", vault=vault, person=subject) from None
            if type(secret) is not bytes or len(secret) != SECRET_BYTES:
                raise NotALog("key_row_tampered", vault=vault, person=subject)
            wrapped.append((after.wrap(subject, SUITES[name], secret), subject))
        file.executemany("UPDATE crm_keys SET key = ? WHERE subject = ?", wrapped)
        master = protected(after, guard, SUITES[wanted])
        files.keep_settings(file, {"suite": wanted, "master": master})
        file.execute("COMMIT")
        # As for an erasure: copies of rows that once moved between pages go with it.
        file.execute("VACUUM")
    return len(wrapped)
