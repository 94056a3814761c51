"""What `verify` finds in an SQLite file that somebody has changed, and what it cannot find."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same damage in every run
from typing import Any, cast

import pytest

from crm_adapters.codec import Codec
from crm_adapters.eventlog.database import COLUMNS
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.opening import open_database
from crm_adapters.keys import LocalVault
from crm_core.errors import CrmError, NotALog
from crm_core.kernel.canonical import REST_START, first_link, link
from crm_core.kernel.recorded import Commit, Envelope, StreamAppend, Tip
from crm_core.ports import Verification
from crm_core.testing.contracts.events import CATALOG, Amount, Counted, Noted
from faults.logs import guard, lift

Row = tuple[int, str, int, str, str, str]

pytestmark = [pytest.mark.rule("LOG-01", "LOG-03")]

STREAMS = ("account/V1", "account/V2", "request/R1")
_NOON = datetime(2011, 7, 1, 4, 0, tzinfo=UTC)


def open_log(path: Path) -> CodecEventLog:
    return CodecEventLog(
        open_database(f"sqlite:///{path}", create=True), Codec(CATALOG, LocalVault())
    )


def fill(log: CodecEventLog, commands: int = 12) -> None:
    """Events at positions 1 to `commands`, in turn of three streams."""
    for n in range(commands):
        stream = STREAMS[n % 3]
        data: Any = Noted(f"星 {n}") if n % 2 else Counted(n * 100, date(2011, 7, 1), "paid")
        envelope = Envelope("system:test", f"c{n}", data, date(2011, 7, 1), _NOON)
        tip = log.tips([stream]).get(stream, Tip())
        household = f"V{n % 3 + 1}" if n % 3 < 2 else ""
        log.append([Commit(f"c{n}", "d", (StreamAppend(stream, tip, household, (envelope,)),))])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "crm.db"
    log = open_log(path)
    fill(log)
    log.close()
    return path


class Tampering:
    """Changes a closed log behind its back, and asks what is found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = self.verify()
        assert self.before.intact
        assert self.before.events == 12

    def verify(self) -> Verification:
        log = open_log(self.path)
        try:
            return log.verify()
        finally:
            log.close()

    def rows(self) -> list[Row]:
        connection = sqlite3.connect(self.path)
        rows = connection.execute(f"SELECT {COLUMNS} FROM crm_events ORDER BY position").fetchall()
        connection.close()
        return cast("list[Row]", rows)

    def run(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        connection = lift(sqlite3.connect(self.path))
        with connection:
            for statement, values in statements:
                assert connection.execute(statement, values).rowcount > 0
        guard(connection).close()

    def put(self, rows: list[Row], *, commands: bool = True) -> None:
        """Replace all events, and by default the rows of their commands to match."""
        connection = lift(sqlite3.connect(self.path))
        with connection:
            connection.execute("DELETE FROM crm_events")
            connection.executemany(
                f"INSERT INTO crm_events (tenant, {COLUMNS}) VALUES ('', ?, ?, ?, ?, ?, ?)", rows
            )
            if commands:
                connection.execute("DELETE FROM crm_commands")
                said = [(json.loads(row[5])["event"], row[0]) for row in rows]
                connection.executemany(
                    "INSERT OR IGNORE INTO crm_commands VALUES ('', ?, ?, ?, ?)",
                    [(e["command"], e["command_digest"], at, at) for e, at in said],
                )
        guard(connection).close()

    def found_at(self, position: int, *kinds: str) -> None:
        """That `verify` names this position first, and that the root is another."""
        after = self.verify()
        assert after.first_fault is not None
        assert after.first_fault.position == position
        assert after.first_fault.kind in kinds

    def not_found(self) -> None:
        """That the chain looks whole: only an outside copy of the root tells."""
        after = self.verify()
        assert after.intact
        assert after.root != self.before.root


def fitting(previous: str, stream: str, version: int, name: str, state: str) -> str:
    """The stored text with the digest it would have there: anyone can compute it."""
    rest = state[REST_START:]
    return f'{{"digest":"{link(previous, stream, version, name, rest.encode())}",{rest}'


@pytest.fixture
def tampering(path: Path) -> Tampering:
    return Tampering(path)


# --- one row changed -----------------------------------------------------------------------------


def test_any_changed_character_of_a_stored_text_is_found(tampering: Tampering) -> None:
    """Every character of one event in turn, digest and punctuation included."""
    position, *_, state = tampering.rows()[4]
    for at in range(len(state)):
        other = "0" if state[at] != "0" else "1"
        changed = state[:at] + other + state[at + 1 :]
        tampering.run(("UPDATE crm_events SET state = ? WHERE position = ?", (changed, position)))
        tampering.found_at(position, "digest", "malformed")
    tampering.run(("UPDATE crm_events SET state = ? WHERE position = ?", (state, position)))
    assert tampering.verify() == tampering.before


@pytest.mark.parametrize("position", range(1, 13))
def test_a_changed_event_is_found_wherever_it_stands(tampering: Tampering, position: int) -> None:
    state = tampering.rows()[position - 1][5]
    changed = state.replace("2011-07-01", "2011-07-02", 1)
    assert changed != state
    tampering.run(("UPDATE crm_events SET state = ? WHERE position = ?", (changed, position)))
    tampering.found_at(position, "digest")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stream", "account/V2 "),
        ("stream", "account/V9"),
        ("version", 5),
        ("version", 0),
        ("version", -4),
        ("version", 99),
        ("name", "contract.noted/2"),
        ("name", "contract.counted/2 "),
        ("household", "V9"),
        ("household", ""),
        ("state", ""),
        ("state", "{}"),
        ("state", "null"),
    ],
)
def test_a_changed_column_is_found(tampering: Tampering, column: str, value: Any) -> None:
    assert tampering.rows()[10][1:3] == ("account/V2", 4)
    tampering.run((f"UPDATE crm_events SET {column} = ? WHERE position = 11", (value,)))
    tampering.found_at(11, "digest", "version", "malformed")


@pytest.mark.parametrize("column", ["stream", "version", "name", "household", "state"])
@pytest.mark.parametrize("value", [7, 1.5, b"\xff\xfe", b"", "x'y"])
def test_a_value_of_another_type_is_found(tampering: Tampering, column: str, value: Any) -> None:
    """SQLite keeps whatever it is given."""
    tampering.run((f"UPDATE crm_events SET {column} = ? WHERE position = 5", (value,)))
    tampering.found_at(5, "digest", "version", "malformed", "type")
    # Reading such a row is one of our errors or another value, and never a traceback.
    log = open_log(tampering.path)
    for read in (log.feed, log.by_household, log.facts, lambda: log.read("account/V2")):
        with suppress(CrmError):
            list(read())
    log.close()


def test_a_household_changed_in_text_and_column_is_found(tampering: Tampering) -> None:
    state = tampering.rows()[3][5].replace('"household":"V1"', '"household":"V2"')
    statement = "UPDATE crm_events SET household = 'V2', state = ? WHERE position = 4"
    tampering.run((statement, (state,)))
    tampering.found_at(4, "digest")


def test_a_text_that_was_serialised_anew_is_found(tampering: Tampering) -> None:
    """What is hashed is what is stored: the same values in other bytes are not the same event."""
    state = tampering.rows()[4][5].replace('"actor":', '"actor": ')
    tampering.run(("UPDATE crm_events SET state = ? WHERE position = 5", (state,)))
    tampering.found_at(5, "digest")


def test_an_event_forged_with_a_fitting_digest_is_found_at_the_next_of_its_stream(
    tampering: Tampering,
) -> None:
    """The digest needs no key, so a forger can make it fit; the chain behind then does not."""
    _, stream, version, name, _, state = tampering.rows()[4]
    previous = tampering.rows()[1][5][11:75]
    forged = fitting(previous, stream, version, name, state.replace("paid", "owed"))
    assert forged != state
    tampering.run(("UPDATE crm_events SET state = ? WHERE position = 5", (forged,)))
    tampering.found_at(8, "digest")


# --- rows removed, added, moved ------------------------------------------------------------------


@pytest.mark.parametrize("position", range(1, 12))
def test_a_row_deleted_before_the_last_is_found(tampering: Tampering, position: int) -> None:
    tampering.run(("DELETE FROM crm_events WHERE position = ?", (position,)))
    tampering.found_at(position + 1, "position", "version")


@pytest.mark.parametrize("position", range(1, 10))
def test_a_row_deleted_with_the_gap_closed_is_found_in_its_stream(
    tampering: Tampering, position: int
) -> None:
    rows = [row for row in tampering.rows() if row[0] != position]
    tampering.put([(n, *row[1:]) for n, row in enumerate(rows, 1)])
    # The next event of the stream stood three places on, and stands one place earlier now.
    tampering.found_at(position + 2, "version")


@pytest.mark.parametrize(("one", "other"), [(2, 5), (5, 8), (1, 12), (4, 6)])
def test_two_texts_exchanged_are_found(tampering: Tampering, one: int, other: int) -> None:
    rows = tampering.rows()
    first, second = rows[one - 1][5], rows[other - 1][5]
    statement = "UPDATE crm_events SET state = ? WHERE position = ?"
    tampering.run((statement, (second, one)), (statement, (first, other)))
    tampering.found_at(one, "digest", "malformed")


@pytest.mark.parametrize(("one", "other"), [(2, 5), (5, 11), (1, 10)])
def test_two_rows_of_a_stream_exchanged_are_found(
    tampering: Tampering, one: int, other: int
) -> None:
    rows = tampering.rows()
    first, second = rows[one - 1], rows[other - 1]
    rows[one - 1], rows[other - 1] = (one, *second[1:]), (other, *first[1:])
    tampering.put(rows)
    tampering.found_at(one, "version")


def test_an_inserted_row_is_found(tampering: Tampering) -> None:
    rows = tampering.rows()
    for at in range(1, 12):
        for copied in (rows[0], rows[at], (0, "account/V9", 1, *rows[at][3:])):
            moved = [*rows[:at], copied, *rows[at:]]
            unique = {(row[1], row[2]) for row in moved}
            if len(unique) == len(moved):
                tampering.put([(n, *row[1:]) for n, row in enumerate(moved, 1)])
                tampering.found_at(at + 1, "digest", "version", "malformed")


def test_a_row_copied_to_the_end_is_found(tampering: Tampering) -> None:
    row = tampering.rows()[11]
    tampering.put([*tampering.rows(), (13, row[1], row[2] + 1, *row[3:])])
    tampering.found_at(13, "digest")


# --- what the chain alone does not find ----------------------------------------------------------
#
# Whoever can write the file can also make digests: they are no signatures. Against all of these
# stands the root, if it was kept where the forger cannot write (LOG-04, checkpoints).


def test_a_tail_cut_off_is_not_found_by_the_chain(tampering: Tampering) -> None:
    for length in (11, 9, 1, 0):
        tampering.put(tampering.rows()[:length])
        tampering.not_found()


def test_the_last_event_of_a_stream_removed_and_the_gap_closed_is_not_found_by_the_chain(
    tampering: Tampering,
) -> None:
    rows = [row for row in tampering.rows() if row[0] != 10]
    tampering.put([(n, *row[1:]) for n, row in enumerate(rows, 1)])
    tampering.not_found()


def test_a_stream_removed_whole_and_the_gaps_closed_is_not_found_by_the_chain(
    tampering: Tampering,
) -> None:
    rows = [row for row in tampering.rows() if row[1] != "account/V2"]
    tampering.put([(n, *row[1:]) for n, row in enumerate(rows, 1)])
    tampering.not_found()


def test_events_of_two_streams_exchanged_in_order_are_not_found_by_the_chain(
    tampering: Tampering,
) -> None:
    rows = tampering.rows()
    rows[3], rows[4] = (4, *rows[4][1:]), (5, *rows[3][1:])
    tampering.put(rows)
    tampering.not_found()


def test_an_event_forged_at_the_end_is_not_found_by_the_chain(tampering: Tampering) -> None:
    _, _, _, name, household, state = tampering.rows()[11]
    first = first_link("", "account/V9")
    forged = fitting(first, "account/V9", 1, name, state.replace('"c11"', '"c12"'))
    tampering.put([*tampering.rows(), (13, "account/V9", 1, name, household, forged)])
    tampering.not_found()


# --- damage to the file --------------------------------------------------------------------------


def outcome(path: Path) -> tuple[str, Any]:
    """How a log of that file opens, verifies and reads; anything but our own errors escapes."""
    try:
        log = open_log(path)
    except CrmError as error:
        return "error", error
    try:
        found = log.verify()
        for read in (
            lambda: list(log.feed()),
            lambda: list(log.by_household()),
            lambda: list(log.facts()),
            lambda: list(log.facts(heads={"contract.counted/2": Amount})),
            lambda: [list(log.read(stream)) for stream in STREAMS],
            lambda: [log.fold(stream, lambda state, _: state, None) for stream in STREAMS],
            lambda: log.cutoff(None, without="gradings."),
            lambda: log.tips(STREAMS),
            lambda: log.outcomes(["c1"]),
            log.head,
        ):
            with suppress(CrmError):
                read()
    except CrmError as error:
        return "error", error
    finally:
        log.close()
    return "verified", found


def raw_rows(path: Path) -> Any:
    """The rows as SQLite itself reads them, or None if it cannot."""
    try:
        connection = sqlite3.connect(path)
        connection.text_factory = bytes
        try:
            return connection.execute(
                f"SELECT {COLUMNS} FROM crm_events ORDER BY position"
            ).fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def damages(data: bytes, random: Random) -> Iterator[tuple[str, bytes]]:
    pages = len(data) // 4096
    for page in range(pages):
        # Headers of pages say the most, so they are hit the most.
        for at in (*range(40), *random.sample(range(40, 4096), 15)):
            bit = 1 << random.randrange(8)
            place = page * 4096 + at
            yield f"bit {bit} at {place}", _xor(data, place, bit)
    for length in (0, 1, 99, 100, 512, 4096, 4097, len(data) - 4096, len(data) - 1):
        yield f"cut to {length}", data[:length]
    for page in range(pages):
        start = page * 4096
        yield f"page {page} blank", data[:start] + bytes(4096) + data[start + 4096 :]
    yield "more at the end", data + bytes(4096)


def _xor(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def test_damage_to_the_file_gives_a_fault_or_a_typed_error(path: Path, tmp_path: Path) -> None:
    """Bits flipped all over the file, pages blanked, the end cut off: never a traceback."""
    whole = raw_rows(path)
    data = path.read_bytes()
    other = tmp_path / "damaged.db"
    seen = {"error": 0, "fault": 0, "harmless": 0}
    for what, damaged in damages(data, Random(11)):
        for file in tmp_path.glob("damaged.db*"):
            file.unlink()
        other.write_bytes(damaged)
        rows = raw_rows(other)
        for file in tmp_path.glob("damaged.db-*"):
            file.unlink()
        other.write_bytes(damaged)
        kind, found = outcome(other)
        if kind == "verified" and not found.intact:
            kind = "fault"
        elif kind == "verified":
            # Nothing is said against it: then every event is what it was, or the end is missing,
            # up to all of it: a file of no bytes is a new log.
            assert (rows or []) == whole[: found.events], what
            kind = "harmless"
        seen[kind] += 1
    assert min(seen.values()) > 10, seen


def test_a_file_that_is_something_else_is_not_a_log(tmp_path: Path) -> None:
    text = tmp_path / "letter.db"
    text.write_text("dear owner, " * 1000)
    with pytest.raises(NotALog):
        open_log(text)
    assert text.read_text() == "dear owner, " * 1000
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE crm_events (position INTEGER)")
    connection.close()
    with pytest.raises(NotALog):
        open_log(foreign)
