"""Kept rows are those of the log, whatever happens to their folder, to the log, or on the way."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping import ON, YEAR, answers, facts, rows, shapes, url

from crm_adapters import open_crm
from crm_adapters.cli.app import run as crm_cli
from crm_adapters.eventlog import log as logs
from crm_adapters.frames import kept
from crm_adapters.frames.kept import Compared, Kept
from crm_adapters.frames.shapes import FactsShape, GradingsShape
from crm_core import CRM, Actor, Personal
from crm_core.errors import (
    Invalid,
    OtherPast,
    StoreFull,
    StoreUnreachable,
    UnknownPolicy,
    UnreadableEvent,
)
from crm_core.gradings.engines.narrow import Kind, NarrowRow
from crm_core.gradings.events import DECIDED
from crm_core.kernel.canonical import REST_START, first_link, link_text
from crm_core.kernel.recorded import Commit
from crm_core.owners import AddMember
from crm_core.payments import ReceivePayment
from crm_core.ports import EventLog
from crm_core.testing.towns import REGULAR, Town, fill, known_at, plant_errors
from faults.logs import guard, lift

TOWN = Town(seed=3, households=40, years=2)
CLERK = Actor("S1", "specialist")


def same_answers(crm: CRM) -> None:
    """Assert that the frames engine says what the events say."""
    assert answers(crm, "frames") == answers(crm, "events")


def anew(crm: CRM) -> tuple[Any, ...]:
    """The rows of both shapes, brought up once from nothing."""
    with TemporaryDirectory() as folder:
        return tuple(rows(one.files()) for one in shapes(crm, Path(folder)))


def pay(crm: CRM, number: str, household: str = "V0000001") -> None:
    """Something new that every engine must see."""
    crm.do(ReceivePayment(household, number, 12_345, date(2012, 3, 1), "cash"), by=CLERK)


def age(folder: Path, seconds: float) -> None:
    """Make all files older."""
    for path in folder.iterdir():
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a town of two graded years in `town.db`, and kept rows in several files."""
    folder = tmp_path_factory.mktemp("graded")
    with pytest.MonkeyPatch.context() as patch, open_crm(url(folder), create=True) as crm:
        fill(crm.log, TOWN)
        for year in (2011, 2012):
            crm.grade(year, known=known_at(year))
        # As if it had been brought up now and then: files of all sizes.
        patch.setattr(kept, "EVENTS", 100)
        patch.setattr(kept, "MERGED_ROWS", 250)
        for one in shapes(crm, facts(folder)):
            one.files()
        # And a while ago: what was merged has gone.
        age(facts(folder), 2 * kept.LINGER_SECONDS)
        chains = [one.files() for one in shapes(crm, facts(folder))]
        assert sorted(facts(folder).iterdir()) == sorted(file.path for c in chains for file in c)
        assert [len(chain) > 1 for chain in chains] == [True, False]
    return folder


@pytest.fixture
def home(graded: Path, tmp_path: Path) -> Path:
    """A copy of the graded town."""
    return Path(shutil.copytree(graded, tmp_path / "home"))


def current(folder: Path) -> list[Path]:
    """The files of facts that are read, without anything being brought up."""
    with open_crm(url(folder)) as crm:
        return [file.path for file in shapes(crm, facts(folder))[0]._chain(damaged=True)]


def verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = crm_cli(["--db", url(folder), "--format", "json", "verify"])
    return status, json.loads(capsys.readouterr().out)


# --- never behind, and the same whatever the way -----------------------------------------------


@pytest.fixture(scope="module")
def commits() -> list[Commit]:
    return [told.commit for told in Town(seed=5, households=8, years=2).told()]


def test_rows_are_the_same_however_often_they_were_brought_up(commits: list[Commit]) -> None:
    """Splits, lots and merges leave no trace in the sorted rows, nor in what is counted."""

    @settings(max_examples=50)
    @given(
        st.lists(st.integers(0, len(commits)), max_size=6),
        st.sampled_from([9, 40, 500_000]),
        st.sampled_from([0, 50, 8_000_000]),
    )
    def however(cuts: list[int], lot: int, merged: int) -> None:
        with (
            pytest.MonkeyPatch.context() as patch,
            TemporaryDirectory() as folder,
            open_crm("memory:") as crm,
        ):
            ours, _ = shapes(crm, Path(folder))
            patch.setattr(kept, "EVENTS", lot)
            patch.setattr(kept, "MERGED_ROWS", merged)
            edges = [0, *sorted(cuts), len(commits)]
            for first, last in pairwise(edges):
                crm.log.append(commits[first:last])
                files = ours.files()
                assert sum(file.events for file in files) == events_of(crm.log)
                assert (files[-1].upto if files else 0) == crm.log.head()
            assert ours.verify() == Compared(len(rows(files)[1]), None)
            patch.undo()
            assert rows(files) == anew_facts(crm)

    however()


def events_of(log: EventLog) -> int:
    return sum(1 for one in log.feed(names=FactsShape.events) if one.household)


def anew_facts(crm: CRM) -> tuple[Any, ...]:
    with TemporaryDirectory() as folder:
        return rows(shapes(crm, Path(folder))[0].files())


def test_the_rows_of_a_graded_town_are_those_made_at_once(home: Path) -> None:
    with open_crm(url(home)) as crm:
        assert tuple(rows(one.files()) for one in shapes(crm, facts(home))) == anew(crm)
        same_answers(crm)


def test_what_was_just_recorded_is_seen_by_the_next_question(home: Path) -> None:
    with open_crm(url(home)) as crm:
        for number in range(3):
            pay(crm, f"new-{number}")
            same_answers(crm)
        crm.grade(2012, known=datetime(2013, 6, 1, tzinfo=UTC))
        same_answers(crm)


def test_files_stay_few_and_none_grows_beyond_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[Commit]
) -> None:
    with open_crm("memory:") as crm:
        ours, _ = shapes(crm, tmp_path)
        for start in range(0, len(commits), 4):
            crm.log.append(commits[start : start + 4])
            assert len(ours.files()) <= 6
        monkeypatch.setattr(kept, "MERGED_ROWS", 60)
        limited, _ = shapes(crm, tmp_path / "limited")
        monkeypatch.setattr(kept, "EVENTS", 20)
        files = limited.files()
        assert max(file.events for file in files) <= 60
        assert len(files) >= events_of(crm.log) // 60
        assert rows(files) == rows(ours.files())


def test_a_log_that_grows_by_other_events_only_is_not_read_again(home: Path) -> None:
    """The same bytes under a name that reaches the end."""
    with open_crm(url(home)) as crm:
        ours, _ = shapes(crm, facts(home))
        before = ours.files()
        crm.grade(2012, known=datetime(2013, 6, 1, tzinfo=UTC))
        after = ours.files()
        assert after[:-1] == before[:-1]
        assert after[-1].upto == crm.log.head() > before[-1].upto
        assert after[-1].checksum == before[-1].checksum
        assert ours.files() == after
        assert ours.verify() == Compared(len(rows(after)[1]), None)


def test_an_event_of_a_later_version_hinders_nobody(home: Path) -> None:
    with closing(lift(sqlite3.connect(home / "town.db"))) as database, database:
        database.execute(
            "UPDATE crm_events SET name = 'later.fact/1' WHERE position ="
            " (SELECT max(position) FROM crm_events)"
        )
    with open_crm(url(home)) as crm:
        assert list(crm.accounts.credit(ON, engine="frames")) == list(crm.accounts.credit(ON))


def test_gradings_that_do_not_follow_from_their_facts_are_kept_as_such(home: Path) -> None:
    with open_crm(url(home)) as crm:
        planted = plant_errors(crm, seed=1, count=20)
        found = crm.replay(engine="frames")
        assert len(found.differing) == len(planted) == 20
        same_answers(crm)
        [*files] = shapes(crm, facts(home))[1].files()
        frame = pl.concat([pl.read_parquet(file.path, glob=False) for file in files])
        sound = dict(frame.select("run", "sound").rows())
        for one in planted:
            # Evidence is compared with what is read again, not with the facts beside it.
            if one.error in ("criterion", "layer", "evidence"):
                assert sound.pop(one.run) is (one.error == "evidence")
        assert all(told for run, told in sound.items() if not run.startswith("planted"))


def test_what_concerns_no_household_is_in_nobodys_rows(
    tmp_path: Path, commits: list[Commit]
) -> None:
    registered = commits[0]
    nobodys = tuple(append._replace(household="") for append in registered.appends)
    with open_crm("memory:") as crm:
        crm.log.append([registered._replace(appends=nobodys)])
        ours, _ = shapes(crm, tmp_path)
        [file] = ours.files()
        assert (file.events, rows([file])[1]) == (0, [])


def test_texts_of_a_household_and_their_numbers_are_one_to_one() -> None:
    """Also where two are seen for the first time in the same row, or one as either."""

    def row(position: int, household: str, reference: str, other: str | None) -> NarrowRow:
        return NarrowRow(position, household, Kind.PAYMENT, 1, 1, 1, reference, other)

    first = [row(1, "V1", "P1", "C1"), row(2, "V2", "P1", "C1")]
    then = [row(3, "V1", "C1", "P1"), row(4, "V1", "P2", "P2"), row(5, "V2", "P3", None)]
    shape = FactsShape()
    before = shape.frame(first, None)
    both = pl.concat([before, shape.frame(then, before.lazy())])
    numbers = set[tuple[str, str, int]]()
    for text, number in (("reference", "ref"), ("other", "of")):
        numbers.update(both.select("household", text, number).drop_nulls().rows())
    assert len(numbers) == len({one[:2] for one in numbers}) == len({one[2] for one in numbers})
    assert len(numbers) == 6
    assert dict(both.select("household", "home").rows()) == {"V1": 1, "V2": 2}


# --- killed, at once, deleted ------------------------------------------------------------------

_PROLOGUE = """
import hashlib, os, resource, signal, sys
from pathlib import Path
from crm_adapters import open_crm
from crm_adapters.frames import kept
from keeping import answers, facts, rows, shapes, url
home = Path(sys.argv[1])
"""


def child(script: str, *arguments: object, wrapper: Sequence[str] = ()) -> subprocess.Popen[str]:
    code = f"import sys; sys.path[:] = {sys.path!r}\n" + _PROLOGUE + textwrap.dedent(script)
    return subprocess.Popen(
        [*wrapper, sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


KILLED = """
    kept.EVENTS = 60
    step = int(sys.argv[2])
    done = 0

    def count(event, arguments):
        global done
        # Whatever is done to a file or its name: before it, the process is gone.
        if event in ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.utime"):
            if str(arguments[0]).startswith(str(facts(home))):
                done += 1
                if done == step:
                    os.kill(os.getpid(), signal.SIGKILL)

    with open_crm(url(home)) as crm:
        sys.addaudithook(count)
        for one in shapes(crm, facts(home)):
            one.files()
    print(done)
"""


@pytest.mark.parametrize("steps", [(1, 2, 3, 4, 5), (6, 9, 13), (20, 30), (45,)])
def test_a_process_killed_while_it_brings_the_rows_up_leaves_nothing_wrong(
    home: Path, steps: tuple[int, ...]
) -> None:
    """Each goes on where the one before it was killed."""
    shutil.rmtree(facts(home))
    for step in steps:
        killed = child(KILLED, home, step)
        _, said = killed.communicate()
        assert killed.returncode == -9, said
        with open_crm(url(home)) as crm:
            for one in shapes(crm, facts(home)):
                found = one.verify()
                assert found is None or found.first_fault is None
    with open_crm(url(home)) as crm:
        same_answers(crm)
        assert tuple(rows(one.files()) for one in shapes(crm, facts(home))) == anew(crm)


def test_a_half_written_file_goes_when_nobody_can_be_writing_it(home: Path) -> None:
    shutil.rmtree(facts(home))
    killed = child(KILLED, home, 3)
    killed.communicate()
    [draft] = facts(home).glob("*.draft")
    with open_crm(url(home)) as crm:
        same_answers(crm)
        assert draft.exists()
        age(facts(home), 2 * kept.LINGER_SECONDS)
        same_answers(crm)
        assert not draft.exists()


AT_ONCE = """
    kept.EVENTS = 25
    with open_crm(url(home)) as crm:
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(3):
            answers(crm, "frames")
        print("settled", flush=True)
        sys.stdin.readline()
        assert answers(crm, "frames") == answers(crm, "events")
        found = [rows(one.files()) for one in shapes(crm, facts(home))]
        print(hashlib.sha256(repr(found).encode()).hexdigest())
"""


def test_processes_that_bring_the_rows_up_at_the_same_time_have_the_same(home: Path) -> None:
    """While somebody else goes on recording."""
    shutil.rmtree(facts(home))
    children = [child(AT_ONCE, home) for _ in range(2)]

    def everybody(word: str) -> None:
        for one in children:
            assert one.stdout is not None
            told = one.stdout.readline()
            assert told == word + "\n", one.communicate()[1]
        for one in children:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()

    everybody("ready")
    with open_crm(url(home)) as crm:
        for number in range(5):
            pay(crm, f"new-{number}")
        everybody("settled")
        ends = [one.communicate() for one in children]
        assert [one.returncode for one in children] == [0, 0], ends
        said = {out for out, _ in ends}
        assert len(said) == 1
        same_answers(crm)
        assert tuple(rows(one.files()) for one in shapes(crm, facts(home))) == anew(crm)


def test_what_was_merged_stays_for_who_is_reading_it_and_goes_later(home: Path) -> None:
    with open_crm(url(home)) as crm:
        # They were written days ago, and are read now.
        age(facts(home), 48 * 3600)
        reader, other = shapes(crm, facts(home))[0], shapes(crm, facts(home))[0]
        reading = reader.files()
        before = rows(reading)
        for number in range(40):
            pay(crm, f"new-{number}")
        now = other.files()
        gone = {file.path for file in reading} - {file.path for file in now}
        assert gone
        assert rows(reading) == before
        age(facts(home), 2 * kept.LINGER_SECONDS)
        assert other.files() == now
        assert not any(path.exists() for path in gone)
        assert rows(now) == anew_facts(crm)


def test_a_folder_that_is_deleted_meanwhile_is_filled_again(home: Path) -> None:
    with open_crm(url(home)) as crm:
        pay(crm, "new")

        class Deleting(FactsShape):
            def frame(self, *given: Any) -> pl.DataFrame:
                if not deleted:
                    deleted.append(1)
                    shutil.rmtree(facts(home))
                return super().frame(*given)

        deleted: list[int] = []
        assert rows(Kept(crm.log, Deleting(), facts(home)).files()) == anew_facts(crm)
        assert deleted


# --- they never vouch for the log --------------------------------------------------------------


def edited(path: Path, position: int, *, rechained: bool) -> None:
    """An amount of money in the log, changed by whoever may write to it.

    Args:
        rechained: Whether the digests of the stream are made to fit again.
    """
    with closing(sqlite3.connect(path)) as database, database:
        lift(database)
        [(stream, state)] = database.execute(
            "SELECT stream, state FROM crm_events WHERE position = ?", (position,)
        )
        changed = state.replace('"amount_fen":', '"amount_fen":9')
        assert changed != state
        database.execute("UPDATE crm_events SET state = ? WHERE position = ?", (changed, position))
        if rechained:
            rows = database.execute(
                "SELECT position, version, name, state FROM crm_events WHERE stream = ?"
                " ORDER BY version", (stream,)
            ).fetchall()  # fmt: skip
            digest = first_link("", stream)
            for at, version, name, text in rows:
                rest = text[REST_START:]
                digest = link_text(digest, stream, version, name, rest)
                database.execute(
                    "UPDATE crm_events SET state = ? WHERE position = ?",
                    (f'{{"digest":"{digest}",{rest}', at),
                )
            # What is kept of the events is made anew by whoever asks next.
            database.execute("DELETE FROM crm_tiles")
        guard(database)


def a_payment(folder: Path) -> int:
    with open_crm(url(folder)) as crm:
        events = crm.log.feed(names=["payments.payment_received/1"])
        return next(one.position for one in events if one.effective.year == 2011)


@pytest.mark.case("K52")
def test_a_replay_on_kept_rows_says_that_it_is_not_verified(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(home / "town.db", a_payment(home), rechained=False)
    command = ("--db", url(home), "replay", "--engine", "frames")
    assert crm_cli(["--format", "json", *command]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"] == told["gradings"] > 0
    assert told["verified"] is False
    assert crm_cli(["--lang", "en", *command]) == 0
    assert "NOT VERIFIED" in capsys.readouterr().out
    # Who reads the log itself sees it.
    assert crm_cli(["--format", "json", "--db", url(home), "replay"]) == 1
    assert json.loads(capsys.readouterr().out)["verified"] is True


@pytest.mark.case("K52")
def test_a_log_edited_after_rows_were_kept_is_found_when_asked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    position = a_payment(home)
    edited(home / "town.db", position, rechained=False)
    with open_crm(url(home)) as crm:
        for engine in ("frames", "events"):
            with pytest.raises(UnreadableEvent) as found:
                crm.replay(engine=engine, verify=True)
            assert found.value.position == position
    command = ["--db", url(home), "replay", "--engine", "frames", "--verify"]
    assert crm_cli(command) != 0
    assert "CRM-F007" in capsys.readouterr().err
    assert crm_cli(["--db", url(home), "replay", "--processes", "2", "--verify"]) != 0


@pytest.mark.case("K52")
def test_a_log_rewritten_after_rows_were_kept_is_found_when_asked(home: Path) -> None:
    """With digests that fit: the log alone is intact, but the rows are of other events."""
    position = a_payment(home)
    edited(home / "town.db", position, rechained=True)
    with open_crm(url(home)) as crm:
        assert crm.log.verify().intact
        for one in shapes(crm, facts(home)):
            # By the marks in their names alone the files are still of this log.
            assert one._chain()
        with pytest.raises(OtherPast) as found:
            crm.replay(engine="frames", verify=True)
        assert str(facts(home)) in found.value.follower
        assert found.value.position >= position
        shutil.rmtree(facts(home))
        assert crm.replay(engine="frames", verify=True).differing


@pytest.mark.case("K52")
def test_what_was_added_or_taken_away_is_found_when_asked(home: Path) -> None:
    with open_crm(url(home)) as crm:
        ours, _ = shapes(crm, facts(home))
        [*files] = ours.files()
        ours.check(files)
        for changed in (
            {"events": files[0].events + 1},
            {"events": files[0].events - 1},
            {"digests": f"{1:032x}"},
        ):
            with pytest.raises(OtherPast):
                ours.check([files[0]._replace(**changed), *files[1:]])


def test_a_checked_replay_of_an_untouched_log_is_verified(home: Path) -> None:
    """However its files were brought up, merged and named anew."""
    with open_crm(url(home)) as crm:
        for number in range(3):
            pay(crm, f"new-{number}")
            found = crm.replay(engine="frames", verify=True)
            assert (found.verified, found.differing) == (True, ())
        assert crm.replay(verify=True).verified
        assert crm.replay().verified
        assert not crm.replay(engine="frames").verified


# --- damage ------------------------------------------------------------------------------------


def truncated(path: Path) -> None:
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    """One bit among the values, where Parquet itself would not notice."""
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)


def lengthened(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def replaced(path: Path) -> None:
    """By another whole file of rows."""
    other = next(one for one in sorted(path.parent.iterdir()) if one.name[:9] != path.name[:9])
    shutil.copyfile(other, path)


DAMAGES = [truncated, emptied, flipped, lengthened, replaced]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", [0, -1])
def test_a_damaged_file_is_told_and_its_rows_are_made_anew(
    home: Path,
    damage: Callable[[Path], None],
    which: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = current(home)[which]
    damage(path)
    status, told = verified(home, capsys)
    assert (status, told["intact"]) == (1, True)
    assert told["kept"]["first_fault"] == {
        "position": int(path.name.split("-")[2]) + 1,
        "file": path.name,
    }
    with open_crm(url(home)) as crm:
        same_answers(crm)
    assert verified(home, capsys)[1]["kept"]["first_fault"] is None


def test_a_damaged_file_goes_where_what_it_was_merged_from_is_still_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_crm(url(tmp_path), create=True) as crm:
        ours, _ = shapes(crm, facts(tmp_path))
        fill(crm.log, Town(seed=7, households=4, years=1))
        ours.files()
        for number in range(30):
            pay(crm, f"new-{number}")
        [merged] = ours.files()
        flipped(merged.path)
        assert verified(tmp_path, capsys)[0] == 1
        again = ours.files()
        assert len(again) > 1
        assert not merged.path.exists()
        assert rows(again) == anew_facts(crm)
        assert verified(tmp_path, capsys)[0] == 0


def test_a_folder_in_place_of_a_file_is_a_clear_error(home: Path) -> None:
    last = current(home)[-1]
    last.unlink()
    last.mkdir()
    with open_crm(url(home)) as crm:
        with pytest.raises(StoreUnreachable, match="directory"):
            list(crm.accounts.credit(ON, engine="frames"))
        assert list(crm.accounts.credit(ON))


def test_a_file_that_is_gone_is_made_anew(home: Path) -> None:
    with open_crm(url(home)) as crm:
        for path in current(home):
            path.unlink()
            same_answers(crm)
        assert tuple(rows(one.files()) for one in shapes(crm, facts(home))) == anew(crm)


def test_files_of_strangers_are_neither_read_nor_removed(home: Path) -> None:
    names = ("facts-notes.txt", "facts-2011.parquet", "README", "gradings-x.parquet")
    for name in names:
        (facts(home) / name).write_text("mine")
    age(facts(home), 2 * kept.STRANGE_SECONDS)
    with open_crm(url(home)) as crm:
        same_answers(crm)
    for name in names:
        assert (facts(home) / name).read_text() == "mine"


def test_rows_of_another_version_are_not_read_and_go_in_the_end(home: Path) -> None:
    old = current(home)[0]
    other = old.with_name("facts-00000000" + old.name[14:])
    shutil.copyfile(old, other)
    with open_crm(url(home)) as crm:
        age(facts(home), 2 * kept.LINGER_SECONDS)
        same_answers(crm)
        assert other.exists()
        age(facts(home), kept.STRANGE_SECONDS)
        same_answers(crm)
        assert not other.exists()
        assert old.exists()


# --- another log, another past ------------------------------------------------------------------


def test_rows_of_another_log_are_not_read(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with open_crm(url(other), create=True) as crm:
        fill(crm.log, Town(seed=4, households=40, years=2))
        shutil.copytree(facts(home), facts(other))
        assert all(one.verify() is None for one in shapes(crm, facts(other)))
        same_answers(crm)
        assert shapes(crm, facts(other))[0].verify() is not None


def test_two_logs_may_share_a_folder(home: Path, tmp_path: Path) -> None:
    """What the other one needs is not swept away."""
    with open_crm("memory:") as crm:
        fill(crm.log, Town(seed=4, households=10, years=1))
        files = current(home)
        age(facts(home), 2 * kept.LINGER_SECONDS)
        ours, _ = shapes(crm, facts(home))
        assert rows(ours.files()) == anew_facts(crm)
        assert current(home) == files


def test_after_an_older_backup_was_restored_its_rows_are_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[Commit]
) -> None:
    """And those of what is recorded from then on."""
    monkeypatch.setattr(kept, "EVENTS", 50)
    half = len(commits) // 2
    with open_crm(url(tmp_path), create=True) as crm:
        crm.log.append(commits[:half])
        same_answers(crm)
    shutil.copyfile(tmp_path / "town.db", tmp_path / "backup.db")
    with open_crm(url(tmp_path)) as crm:
        crm.log.append(commits[half:])
        same_answers(crm)
    shutil.copyfile(tmp_path / "backup.db", tmp_path / "town.db")
    with open_crm(url(tmp_path)) as crm:
        same_answers(crm)
        for number in range(len(commits)):
            pay(crm, f"other-{number}", "V0000002")
            if number % 40 == 0:
                same_answers(crm)
        same_answers(crm)
        count = len(anew_facts(crm)[1])
        assert shapes(crm, facts(tmp_path))[0].verify() == Compared(count, None)


def test_one_equal_event_at_the_end_does_not_make_another_past_ours(tmp_path: Path) -> None:
    """The same commits in another order, up to the last one, which is the same."""
    town = Town(seed=6, households=10, years=1, shares=REGULAR)
    *first, last = (told.commit for told in town.told())
    other = sorted(first, key=lambda commit: commit.appends[0].household)
    assert other != first
    with open_crm("memory:") as crm:
        crm.log.append([*first, last])
        [end] = crm.log.feed(after=crm.log.head() - 1)
        shapes(crm, tmp_path)[0].files()
    with open_crm("memory:") as crm:
        crm.log.append([*other, last])
        [same_end] = crm.log.feed(after=crm.log.head() - 1)
        assert (same_end.position, same_end.digest) == (end.position, end.digest)
        assert rows(shapes(crm, tmp_path)[0].files()) == anew_facts(crm)


# --- no room, no right -------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_a_clear_error(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(facts(home))
    facts(home).write_text("")
    status = crm_cli(["--db", url(home), "credit", "--on", str(ON), "--engine", "frames"])
    assert status == 2
    said = capsys.readouterr().err
    assert "CRM-F004" in said
    assert "`events` needs none" in said
    assert said.count("\n") == 1


FULL = """
    with open_crm(url(home)) as crm:
        before = answers(crm, "events")
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
        try:
            answers(crm, "frames")
        except Exception as error:
            print(type(error).__name__, error)
"""


@pytest.mark.parametrize("limit", [0, 3000])
def test_no_room_for_rows_is_a_clear_error_and_nothing_is_lost(home: Path, limit: int) -> None:
    before = current(home)
    with open_crm(url(home)) as crm:
        pay(crm, "new")
        crm.grade(2012, known=datetime(2013, 6, 1, tzinfo=UTC))
    out, said = child(FULL, home, limit).communicate()
    assert out.startswith(StoreFull.__name__), said
    assert StoreFull.code in out
    assert current(home) == before
    assert not list(facts(home).glob("*.draft"))
    with open_crm(url(home)) as crm:
        same_answers(crm)


def test_no_room_for_a_merged_file_is_no_trouble(home: Path) -> None:
    with open_crm(url(home)) as crm:
        for number in range(40):
            pay(crm, f"new-{number}")
    before = current(home)
    out, said = child(FULL, home, before[-1].stat().st_size).communicate()
    assert out == "", said
    after = current(home)
    assert after[:-1] == before
    with open_crm(url(home)) as crm:
        same_answers(crm)
        for number in range(40):
            pay(crm, f"newer-{number}")
        same_answers(crm)
    assert len(current(home)) < len(after)


AUDITOR = """
    with open_crm(url(home)) as crm:
        try:
            print(answers(crm, "frames") == answers(crm, "events"))
            for one in shapes(crm, facts(home)):
                print(one.verify().first_fault)
        except Exception as error:
            print(type(error).__name__, error)
"""


@pytest.fixture
def without_rights() -> Sequence[str]:
    """What makes a process keep to the rights of files, whoever runs it."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everything, and there is no setpriv")
    lost = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}")


def test_an_auditor_who_may_not_write_reads_what_is_kept(
    home: Path, without_rights: Sequence[str]
) -> None:
    with open_crm(url(home)) as crm:
        same_answers(crm)
    age(facts(home), 48 * 3600)
    facts(home).chmod(0o555)
    try:
        out, said = child(AUDITOR, home, wrapper=without_rights).communicate()
        assert out.split() == ["True", "None", "None"], said
        # A log that has grown by what is no fact has the same facts.
        with open_crm(url(home)) as crm:
            crm.grade(2012, known=datetime(2013, 6, 1, tzinfo=UTC))
            known = list(crm.accounts.credit(ON))
        credit = f"print(len(list(open_crm(url(home)).accounts.credit({ON!r}, engine='frames'))))"
        out, said = child(f"import datetime\n{credit}", home, wrapper=without_rights).communicate()
        assert out.split() == [str(len(known))], said
        with open_crm(url(home)) as crm:
            pay(crm, "new")
        out, said = child(AUDITOR, home, wrapper=without_rights).communicate()
        assert out.startswith(StoreUnreachable.__name__), said
        assert "permission denied" in out
        assert StoreUnreachable.code in out
    finally:
        facts(home).chmod(0o755)


# --- PostgreSQL --------------------------------------------------------------------------------


@pytest.mark.rule("LOG-03")
def test_what_a_long_transaction_held_back_is_not_missed(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: list[Commit]
) -> None:
    """Its events stand before others that were recorded meanwhile."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "CHUNK_ROWS", 1)
    half = len(commits) // 2
    held = {append.household for append in commits[half].appends}
    rest = [c for c in commits[half + 1 :] if not held & {a.household for a in c.appends}]
    begun, ended = Event(), Event()

    def slowly() -> Iterator[Commit]:
        yield commits[half]
        begun.set()
        ended.wait(60)

    with open_crm(postgres_url, create=True) as crm, open_crm(postgres_url) as slow:
        crm.log.append(commits[:half])
        same_answers(crm)
        writer = Thread(target=lambda: slow.log.append(slowly()))
        writer.start()
        try:
            assert begun.wait(60)
            for commit in rest[:8]:
                crm.log.append([commit])
            assert crm.log.frontier().behind > 0
            same_answers(crm)
        finally:
            ended.set()
            writer.join()
        assert crm.log.frontier().behind == 0
        for commit in rest[8:20]:
            crm.log.append([commit])
        same_answers(crm)
        folder = tmp_path / "crm.facts"
        assert rows(shapes(crm, folder)[0].files()) == anew_facts(crm)
        positions = [one.position for one in crm.log.feed()]
        assert positions[-1] - positions[0] > len(positions)
        assert shapes(crm, folder)[0].verify() == Compared(len(anew_facts(crm)[1]), None)


@pytest.mark.rule("LOG-07")
def test_the_rows_of_tenants_lie_apart(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, tenant in enumerate(("east", "west")):
        with open_crm(postgres_url, create=True, tenant=tenant) as crm:
            fill(crm.log, Town(seed=seed, households=8, years=1))
            crm.grade(YEAR, known=known_at(YEAR))
    for tenant in ("east", "west", "east"):
        with open_crm(postgres_url, tenant=tenant) as crm:
            same_answers(crm)
            for one in shapes(crm, tmp_path / f"crm.{tenant}.facts"):
                found = one.verify()
                assert found is not None
                assert found.first_fault is None
    assert not (tmp_path / "crm.facts").exists()


# --- nothing personal --------------------------------------------------------------------------


@pytest.mark.rule("PRV-03")
def test_nothing_personal_is_kept_and_an_erased_person_changes_no_row(home: Path) -> None:
    with open_crm(url(home)) as crm:
        name, phone = (Personal("V0000001#p", text) for text in ("Wang Fang", "13800001111"))
        member = AddMember("V0000001", "V0000001#p", "tenant", date(2012, 1, 1), name, phone)
        crm.do(member, by=CLERK)
        pay(crm, "new")
        same_answers(crm)
        before = [rows(one.files()) for one in shapes(crm, facts(home))]
        told = repr(before)
        assert "V0000001" in told
        assert not any(secret in told for secret in ("Wang", "13800001111", "V0000001#p"))
        crm.host.vault.erase("V0000001#p")
        same_answers(crm)
        assert [rows(one.files()) for one in shapes(crm, facts(home))] == before
        shutil.rmtree(facts(home))
        same_answers(crm)
        assert tuple(rows(one.files()) for one in shapes(crm, facts(home))) == anew(crm)


# --- crm verify --------------------------------------------------------------------------------


def test_verify_tells_how_many_rows_are_those_of_the_log(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_crm(url(home)) as crm:
        count = sum(len(told) for _, told in anew(crm))
    status, told = verified(home, capsys)
    assert (status, told["kept"]) == (0, {"rows": count, "first_fault": None})
    assert crm_cli(["--db", url(home), "verify"]) == 0
    assert f"kept rows are those of the log: {count}\n" in capsys.readouterr().out
    shutil.rmtree(facts(home))
    status, told = verified(home, capsys)
    assert (status, told["kept"]) == (0, None)
    assert not facts(home).exists()


def test_verify_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_crm(url(home)) as crm:
        pay(crm, "new")
    before = sorted(facts(home).iterdir())
    assert verified(home, capsys)[0] == 0
    assert sorted(facts(home).iterdir()) == before


def forged(
    path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], *, events: int = 0
) -> tuple[str, pl.DataFrame]:
    """Rows changed by somebody who knows how files are named; the name of the file now."""
    frame = change(pl.read_parquet(path, glob=False))
    path.unlink()
    frame.write_parquet(path)
    kind, mark, after, upto, count, *told, _ = path.stem.split("-")
    parts = (kind, mark, after, upto, str(int(count) + events), *told, kept._checksum(path))
    named = path.rename(path.with_name("-".join(parts) + ".parquet"))
    return named.name, frame


def _changed(column: str, value: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The row in the middle with something else in a column."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        here = pl.col("position") == _middle(frame)
        dtype = frame.schema[column]
        return frame.with_columns(
            pl.when(here).then(pl.lit(value, dtype)).otherwise(pl.col(column)).alias(column)
        )

    return change


def _middle(frame: pl.DataFrame) -> int:
    return int(frame["position"].sort()[len(frame) // 2])


FORGERIES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "amount": _changed("amount", 77),
    "day": _changed("effective", 1),
    "known": _changed("recorded", 1),
    "household": _changed("household", "V9999999"),
    "number of the household": _changed("home", 3),
    "number of the charge": _changed("ref", 3),
    "nothing in place of something": _changed("recorded", None),
    "without a row": lambda frame: frame.filter(pl.col("position") != _middle(frame)),
    "a row twice": lambda frame: pl.concat(
        [frame, frame.filter(pl.col("position") == _middle(frame))]
    ).sort("home", "position"),
}


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.parametrize("which", [0, 1])
def test_verify_finds_the_first_row_that_is_not_what_its_event_says(
    home: Path, name: str, which: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = current(home)[which]
    middle = _middle(pl.read_parquet(path, glob=False))
    file, _ = forged(path, FORGERIES[name])
    status, told = verified(home, capsys)
    assert (status, told["intact"], told["first_fault"]) == (1, True, None)
    assert told["kept"]["first_fault"] == {"position": middle, "file": file}
    assert crm_cli(["--db", url(home), "verify"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("intact: ")
    assert f"position {middle} in `{file}`; deleting the folder" in out
    # It does.
    shutil.rmtree(facts(home))
    with open_crm(url(home)) as crm:
        same_answers(crm)
    assert verified(home, capsys)[0] == 0


def test_verify_finds_rows_of_elsewhere_and_what_was_miscounted(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = current(home)
    stray = pl.read_parquet(second, glob=False).head(1)
    whole = first.read_bytes()
    file, _ = forged(first, lambda frame: pl.concat([frame, stray]))
    assert verified(home, capsys)[1]["kept"]["first_fault"] == {
        "position": stray["position"][0],
        "file": file,
    }
    (facts(home) / file).unlink()
    first.write_bytes(whole)
    assert verified(home, capsys)[0] == 0
    file, _ = forged(first, lambda frame: frame, events=1)
    assert verified(home, capsys)[1]["kept"]["first_fault"] == {"position": 1, "file": file}


def test_verify_finds_a_file_that_is_none_of_ours_under_our_name(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_ = current(home)
    file, _ = forged(first, lambda _: pl.DataFrame({"other": [1]}))
    assert verified(home, capsys)[1]["kept"]["first_fault"] == {"position": 1, "file": file}


def test_verify_finds_a_grading_kept_otherwise(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_crm(url(home)) as crm:
        shapes(crm, facts(home))[1].files()
        path = shapes(crm, facts(home))[1].files()[0].path
    middle = _middle(pl.read_parquet(path, glob=False))
    file, _ = forged(path, _changed("sound", False))
    assert verified(home, capsys)[1]["kept"]["first_fault"] == {"position": middle, "file": file}


def test_what_could_not_be_told_for_want_of_a_policy_is_no_fault(home: Path) -> None:
    def nobody(*_: Any) -> Any:
        raise UnknownPolicy.one("policy_unknown", "there is none")

    shutil.rmtree(facts(home))
    with open_crm(url(home)) as crm:
        without = Kept(crm.log, GradingsShape(nobody), facts(home))
        count = len(rows(without.files())[1])
        _, with_policies = shapes(crm, facts(home))
        assert with_policies.verify() == Compared(count, None) == without.verify()
        same_answers(crm)


def test_an_event_that_was_changed_in_the_log_is_told_of_both(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(lift(sqlite3.connect(home / "town.db"))) as database, database:
        [(position,)] = database.execute(
            "SELECT position FROM crm_events WHERE name LIKE 'payments.payment_received/%'"
            " LIMIT 1 OFFSET 20"
        ).fetchall() or [(None,)]
        assert position is not None
        database.execute(
            "UPDATE crm_events SET state = replace(state, '\"amount_fen\":', '\"amount_fen\":1')"
            " WHERE position = ?",
            (position,),
        )
    status, told = verified(home, capsys)
    assert (status, told["intact"], told["first_fault"]["position"]) == (1, False, position)
    assert told["kept"]["first_fault"]["position"] == position


def test_bytes_that_are_no_event_are_told_of_both(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(lift(sqlite3.connect(home / "town.db"))) as database, database:
        [(position,)] = database.execute(
            "SELECT position FROM crm_events WHERE name = ? LIMIT 1 OFFSET 7", (DECIDED,)
        ).fetchall()
        database.execute("UPDATE crm_events SET state = 'x' WHERE position = ?", (position,))
    status, told = verified(home, capsys)
    assert (status, told["first_fault"]["position"]) == (1, position)
    assert told["kept"]["first_fault"]["position"] == position
    shutil.rmtree(facts(home))
    with open_crm(url(home)) as crm, pytest.raises(UnreadableEvent):
        crm.replay(engine="frames")


def test_where_the_extra_is_missing_verify_is_about_the_log_and_says_so(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    assert crm_cli(["--db", url(home), "--format", "json", "verify"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["intact"], told["kept"]) == (True, None)
    assert said.err.startswith("kept rows were not compared: ")
    assert "crm-core[frames]" in said.err
    with open_crm(url(home)) as crm, pytest.raises(Invalid):
        list(crm.accounts.credit(ON, engine="frames"))
