"""A key file is a whole, regular file of one's own that nobody else may use, or it is refused."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.keys import LocalVault, files
from crm_core.errors import KeyFileRefused, NotALog, StoreUnreachable
from crm_core.kernel.sealed import KeyMissing, Personal, Place, Plain, Sealed

pytestmark = pytest.mark.rule("PRV-03")

PLACE = Place("household/V00001", 1, "name")
OWNER = Personal("V1#owner", "王小明")
SECONDS = 20
"""Whoever waits for a FIFO waits for ever."""


@pytest.fixture
def in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError("it waits for somebody")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db.keys"


@pytest.fixture
def sealed(path: Path) -> Sealed:
    """A value sealed under a key that is in the file."""
    with closing(LocalVault(path)) as vault:
        value = vault.seal(OWNER, PLACE)
        for number in range(200):
            vault.seal(Personal(f"V{number}", "x"), PLACE)
        vault.flush()
    return value


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def a_fifo_for_a_journal(path: Path) -> None:
    journal = path.with_name(f"{path.name}-journal")
    journal.unlink(missing_ok=True)
    os.mkfifo(journal, 0o600)


def a_device(path: Path) -> None:
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


def of_somebody_else(path: Path) -> None:
    try:
        os.chown(path, 12345, -1)
    except PermissionError:
        pytest.skip("only root gives files away")


def readable_by_the_group(path: Path) -> None:
    path.chmod(0o640)


def writable_by_all(path: Path) -> None:
    path.chmod(0o602)


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (a_link, "symbolic link"),
    (a_link_to_nothing, "symbolic link"),
    (a_folder, "not a regular file"),
    (a_fifo, "not a regular file"),
    (a_fifo_for_a_journal, "not a regular file"),
    (a_device, "not a regular file"),
    (of_somebody_else, "chown"),
    (readable_by_the_group, "chmod 600"),
    (writable_by_all, "chmod 600"),
]


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize(("spoil", "said"), REFUSED, ids=[spoil.__name__ for spoil, _ in REFUSED])
def test_what_others_could_use_is_refused_with_its_name_and_the_repair(
    sealed: Sealed, path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(path)
    before = path.lstat()
    with pytest.raises(KeyFileRefused) as refused:
        LocalVault(path)
    assert str(path) in refused.value.message
    assert said in refused.value.message
    assert not refused.value.retry_safe
    after = path.lstat()
    assert (before.st_mode, before.st_ino, before.st_size, before.st_mtime_ns) == (
        after.st_mode, after.st_ino, after.st_size, after.st_mtime_ns,
    )  # fmt: skip


@pytest.mark.usefixtures("in_time")
def test_the_command_line_refuses_it_alike_and_leaves_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db, keys = f"sqlite:///{tmp_path / 'crm.db'}", tmp_path / "fifo"
    open_crm(db, create=True).close()
    os.mkfifo(keys, 0o600)
    assert run(["--db", db, "--keys", str(keys), "grades", "2011"]) != 0
    said = capsys.readouterr().err
    assert "CRM-F018" in said
    assert str(keys) in said


# --- what is in it -----------------------------------------------------------------------------


def empty(path: Path) -> None:
    path.write_bytes(b"")


def one_byte(path: Path) -> None:
    path.write_bytes(b"S")


def its_header_alone(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def its_first_page_alone(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def half_of_it(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def text(path: Path) -> None:
    path.write_bytes(b"not a vault" * 1000)


def a_database_of_others(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE notes (text)")
    path.chmod(0o600)


def a_trigger_that_copies_keys(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE copies (subject, key)")
        file.execute(
            "CREATE TRIGGER copy AFTER INSERT ON crm_keys"
            " BEGIN INSERT INTO copies VALUES (new.subject, new.key); END"
        )


def a_view_in_the_place_of_the_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("ALTER TABLE crm_keys RENAME TO k")
        file.execute("CREATE VIEW crm_keys AS SELECT subject, key FROM k")


CONTENTS = [
    empty,
    one_byte,
    its_header_alone,
    its_first_page_alone,
    half_of_it,
    text,
    a_database_of_others,
    a_trigger_that_copies_keys,
    a_view_in_the_place_of_the_table,
]


@pytest.mark.parametrize("spoil", CONTENTS, ids=lambda spoil: spoil.__name__)
def test_what_is_no_vault_or_a_part_of_one_is_refused_and_stays_as_it_is(
    sealed: Sealed, path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(NotALog) as refused:
        LocalVault(path)
    assert str(path) in refused.value.message
    assert path.read_bytes() == before


def test_the_log_is_no_key_file(tmp_path: Path) -> None:
    log = tmp_path / "crm.db"
    open_crm(f"sqlite:///{log}", create=True).close()
    log.chmod(0o600)
    before = log.read_bytes()
    with pytest.raises(NotALog):
        LocalVault(log)
    assert log.read_bytes() == before


@pytest.mark.parametrize("cut", range(0, 40_000, 1_733))
def test_a_file_cut_off_anywhere_is_refused(sealed: Sealed, path: Path, cut: int) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: min(cut, len(raw) - 1)])
    with pytest.raises(NotALog):
        LocalVault(path)


@pytest.mark.parametrize("key", [b"", b"short", "x" * 32, 7, b"\0" * 33], ids=repr)
def test_a_row_without_a_whole_key_keys_nothing(sealed: Sealed, path: Path, key: object) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_keys SET key = ? WHERE subject = ?", (key, OWNER.subject))
    with closing(LocalVault(path)) as vault:
        for use in (
            lambda: vault.fingerprint(OWNER),
            lambda: vault.seal(OWNER, PLACE),
            lambda: vault.open(sealed, PLACE),
        ):
            with pytest.raises(NotALog):
                use()


# --- made, read only, exchanged ----------------------------------------------------------------


def test_looking_makes_no_file(path: Path, sealed: Sealed) -> None:
    other = path.with_name("other.keys")
    with closing(LocalVault(other)) as vault:
        assert vault.open(sealed, PLACE) == KeyMissing()
        vault.seal(OWNER, PLACE)
        vault.fingerprint(OWNER)
        assert not other.exists()
        vault.flush()
        assert stat.S_IMODE(other.stat().st_mode) == 0o600
        kept = vault.seal(OWNER, PLACE)
    with closing(LocalVault(other)) as vault:
        assert vault.open(kept, PLACE) == Plain("王小明")
    assert sorted(p.name for p in path.parent.glob("*other.keys*")) in (
        ["other.keys"],
        ["other.keys", "other.keys-journal"],
    )


def test_a_file_made_by_somebody_else_meanwhile_is_used(path: Path) -> None:
    """Neither takes the place of the other."""
    first, second = LocalVault(path), LocalVault(path)
    kept = first.seal(OWNER, PLACE)
    other = second.seal(Personal("V2", "x"), PLACE)
    first.flush()
    second.flush()
    for vault in (first, second, LocalVault(path)):
        assert vault.open(kept, PLACE) == Plain("王小明")
        assert vault.open(other, PLACE) == Plain("x")
        vault.close()


def test_a_file_that_may_only_be_read_is_read(sealed: Sealed, path: Path) -> None:
    path.chmod(0o400)
    with closing(LocalVault(path)) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")


@pytest.mark.parametrize("how", ["unlink", "exchange"])
def test_keys_are_not_written_to_a_file_that_nobody_would_find(
    sealed: Sealed, path: Path, how: str
) -> None:
    """The name leads elsewhere than the open file: what is written would be lost on closing."""
    with closing(LocalVault(path)) as vault:
        new = Personal("V-new", "x")
        vault.seal(new, PLACE)
        path.rename(path.with_name("taken-away"))
        if how == "exchange":
            with closing(LocalVault(path)) as other:
                other.seal(Personal("V-other", "x"), PLACE)
                other.flush()
        for use in (vault.flush, lambda: vault.erase(OWNER.subject)):
            with pytest.raises(StoreUnreachable) as refused:
                use()
            assert str(path) in refused.value.message
    with closing(LocalVault(path.with_name("taken-away"))) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")


def test_a_file_turned_to_a_write_ahead_log_is_turned_back(sealed: Sealed, path: Path) -> None:
    """In that mode changes are not counted where the vault looks."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
    with closing(LocalVault(path)) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")
        assert path.read_bytes()[18:20] == b"\1\1"


def test_a_refusal_is_told_in_both_languages(sealed: Sealed, path: Path) -> None:
    path.chmod(0o644)
    with pytest.raises(KeyFileRefused) as refused:
        LocalVault(path)
    assert "chmod 600" in refused.value.told("zh")
    assert refused.value.told("zh") != refused.value.told("en")


def test_a_vault_that_nobody_closed_gives_everything_back(path: Path, sealed: Sealed) -> None:
    """And one that is open keeps the header of the file, however many others were closed."""
    place = path.stat().st_dev, path.stat().st_ino
    with closing(LocalVault(path)) as vault:
        for _ in range(20):
            other = LocalVault(path)
            assert other.open(sealed, PLACE) == Plain("王小明")
            other.close()
            other.close()
        assert [at for at in files._headers if at == place] == [place]
        assert vault.open(sealed, PLACE) == Plain("王小明")
    assert LocalVault(path).open(sealed, PLACE) == Plain("王小明")
    gc.collect()
    assert place not in files._headers
