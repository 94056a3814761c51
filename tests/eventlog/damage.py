"""Damage to the file of a log: none may give a wrong answer while `verify` says intact.

`python tests/eventlog/damage.py RANDOM AIMED` does so many changes and prints what came of them;
an answer is what every reading command prints.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same damage in every run
from typing import Any

from crm_adapters.cli.app import run as run_command
from crm_adapters.wiring import open_crm
from crm_core.errors import CrmError

PAGE = 4096

READING = (
    ("credit", "--on", "2024-12-31"),
    ("arrears", "--on", "2024-12-31"),
    ("grades", "2024"),
    ("explain", "H00001", "2024"),
    ("replay", "2024"),
    ("history", "H00001"),
    ("history", "account/H00002"),
    ("show", "H00002", "--on", "2024-12-31"),
    ("ageing", "--on", "2024-12-31"),
)
"""Commands that answer from the log; of views `verify` says that it did not look at them."""

SECONDS = 60
"""How long one change may take to be judged."""


def make(folder: Path) -> Path:
    """A log of two households and a graded year, closed."""
    path = folder / "crm.db"
    estate = str(folder / "estate")
    size = ["--households", "2", "--years", "2024-2024", "--seed", "5"]
    for line in (
        ["generate", *size, "--out", estate],
        ["--db", str(path), "import", estate],
        ["--db", str(path), "grade", "2024"],
        ["--db", str(path), "projections", "--catch-up"],
    ):
        assert asked(line)[0] == 0, line
    # As little empty space as there can be: damage there says nothing.
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def asked(line: list[str]) -> tuple[int, str]:
    """Exit status and output of a command."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = run_command(line)
    return status, out.getvalue()


def answers(path: Path, keys: Path) -> dict[str, Any]:
    at = ["--db", str(path), "--keys", str(keys), "--format", "json"]
    found: dict[str, Any] = {}
    for line in READING:
        status, out = asked([*at, *line])
        # How long it took is no part of an answer.
        parts = [part for part in out.split(",") if '"seconds"' not in part]
        found[" ".join(line)] = status, ",".join(parts)
    return found


# --- changes --------------------------------------------------------------------------------------


def anywhere(data: bytes, random: Random) -> tuple[str, bytes]:
    """A change somewhere in the file."""
    at = random.randrange(len(data))
    match random.randrange(6):
        case 0 | 1 | 2:
            bit = 1 << random.randrange(8)
            return f"bit {bit} at {at}", _put(data, at, bytes([data[at] ^ bit]))
        case 3:
            value = random.randbytes(1)
            return f"byte {value!r} at {at}", _put(data, at, value)
        case 4:
            value = random.randbytes(random.randrange(2, 40))
            return f"{len(value)} bytes at {at}", _put(data, at, value)[: len(data)]
        case _:
            one, other = (random.randrange(len(data) // PAGE) * PAGE for _ in range(2))
            return f"page {one} over page {other}", _put(data, other, data[one : one + PAGE])


def aimed(data: bytes, random: Random) -> tuple[str, bytes]:
    """A change of what leads to rows: header, heads of pages, places of cells, their heads."""
    pages = len(data) // PAGE
    start = random.randrange(pages) * PAGE
    head = start + (100 if start == 0 else 0)
    match random.randrange(5):
        case 0:
            at = random.randrange(100)
        case 1:
            at = head + random.randrange(12)
        case 2:
            at = head + 8 + random.randrange(120)
        case 3:
            # The head of a cell: how long it is, where it leads, of what kind its values are.
            count = max(int.from_bytes(data[head + 3 : head + 5], "big"), 1)
            size = 12 if data[head] in (2, 5) else 8
            cell = head + size + 2 * random.randrange(min(count, 400))
            at = start + int.from_bytes(data[cell : cell + 2], "big") % PAGE + random.randrange(16)
        case _:
            at = random.randrange(PAGE)
    value = random.choice((bytes([data[at] ^ (1 << random.randrange(8))]), random.randbytes(1)))
    return f"{value!r} at {at}, aimed", _put(data, at, value)


def _put(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def by_statement(path: Path, random: Random) -> str:
    """A value of some row, of whatever table, made another by SQL."""
    values: list[Any] = [0, 1, -1, 7, 2**40, "", "x", b"", b"\xff\xfe", 1.5, None]
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        guards = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in guards:
            connection.execute(f'DROP TRIGGER "{name}"')
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        table = random.choice(tables)
        info = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
        column = random.choice([row[1] for row in info])
        rows = connection.execute(f'SELECT DISTINCT "{column}" FROM "{table}"').fetchall()
        if not rows:
            return f"nothing in {table}"
        old = random.choice(rows)[0]
        new = random.choice([*values, *[row[0] for row in rows], f"{old}x", f"CAST {old}"])
        blob = isinstance(old, str) and random.randrange(4) == 0
        with contextlib.suppress(sqlite3.Error):
            connection.execute(
                f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" IS ?',
                (old.encode() if blob else new, old),
            )
        # As somebody would who does not want it to be seen.
        for _, sql in guards:
            connection.execute(sql)
        return f"{table}.{column}: {old!r} made {'a blob' if blob else repr(new)}"
    finally:
        connection.close()


def changes(path: Path, random: Random, somewhere: int, at_aims: int) -> Iterator[tuple[str, Path]]:
    """Changed copies, one after another under one name."""
    data = path.read_bytes()
    copy = path.parent / "changed" / "crm.db"
    copy.parent.mkdir(exist_ok=True)
    for number in range(somewhere + at_aims):
        for file in copy.parent.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        if number < somewhere:
            what, changed = anywhere(data, random)
            copy.write_bytes(changed)
        elif number % 2:
            what, changed = aimed(data, random)
            copy.write_bytes(changed)
        else:
            copy.write_bytes(data)
            what = by_statement(copy, random)
        yield what, copy


# --- judging --------------------------------------------------------------------------------------


class Judge:
    """Knows the answers of the whole log."""

    def __init__(self, path: Path) -> None:
        self.keys = path.with_name("crm.db.keys")
        with open_crm(f"sqlite:///{path}", keys=self.keys) as crm:
            found = crm.verify(deep=True)
        assert found.intact
        self.kept = found.events, found.root
        self.answers = answers(path, self.keys)
        assert all(status == 0 for status, _ in self.answers.values())

    def judge(self, path: Path) -> str:
        """`refused`, `found`, `root`, `harmless`, `fails` or `wrong`."""
        try:
            with open_crm(f"sqlite:///{path}", keys=self.keys) as crm:
                found = crm.verify()
        except CrmError:
            return "refused"
        if not found.intact:
            return "found"
        if (found.events, found.root) != self.kept:
            return "root"
        given = answers(path, self.keys)
        different = {line for line, answer in given.items() if answer != self.answers[line]}
        if not different:
            return "harmless"
        # An error is no answer, and none is a wrong one.
        failed = all(given[line][0] not in (0, 1) or not given[line][1] for line in different)
        return "fails" if failed else "wrong"


def try_out(
    folder: Path, random: Random, somewhere: int, at_aims: int
) -> tuple[Counter[str], list[str]]:
    """What came of so many changes, and the changes after which something failed or was wrong."""
    path = make(folder)
    judge = Judge(path)
    seen: Counter[str] = Counter()
    bad = []
    for what, changed in changes(path, random, somewhere, at_aims):
        signal.alarm(SECONDS)
        try:
            came = judge.judge(changed)
        finally:
            signal.alarm(0)
        seen[came] += 1
        if came in ("wrong", "fails"):
            bad.append(f"{came}: {what}")
    return seen, bad


def main() -> None:
    somewhere, at_aims = (int(text) for text in sys.argv[1:3])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 11
    with tempfile.TemporaryDirectory() as folder:
        seen, bad = try_out(Path(folder), Random(seed), somewhere, at_aims)
    sys.stdout.write(f"seed {seed}: {dict(sorted(seen.items()))}\n")
    sys.stdout.write("".join(f"{line}\n" for line in bad))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
