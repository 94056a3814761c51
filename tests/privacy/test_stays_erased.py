"""Whatever crashes, is lost or is put back: what was said is done, and erased data stay erased."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from base64 import urlsafe_b64decode
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_adapters import open_crm
from crm_adapters.keys import LocalVault
from crm_adapters.tombstones import FileTombstones
from crm_core import Personal
from crm_core.application.texts import GONE as NO_WORD
from crm_core.errors import KeyFileRefused, PersonErased, StoreUnreachable, TombstonesTampered
from crm_core.kernel.sealed import Withheld
from crm_core.owners import ChangeContact
from crm_core.ports import Tombstone
from crm_core.privacy import PlaceLegalHold
from crm_core.staff import EndStaffRole
from privacy.forgetting import (
    CLERK,
    DAY,
    DIRECTOR,
    KEEPER,
    WHY,
    Company,
    inhabit,
    is_erased,
    sealed_of,
    shown,
)

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S12")]

EVERYBODY = {"V1#owner": "open", "V2#owner": "open", "M7": "open", "yang": "open"}
GONE = EVERYBODY | {"M7": "erased"}


@pytest.fixture
def company(tmp_path: Path) -> Company:
    (tmp_path / "now").mkdir()
    company = Company(tmp_path / "now")
    company.settle_in()
    return company


def erase(company: Company, member: str | None = "M7") -> None:
    with company.open() as crm:
        crm.privacy.erase("V1", member, by=KEEPER, purpose=WHY)


# --- a crash between each two steps ---------------------------------------------------------------


class Crash(BaseException):
    """The process is gone: nothing catches it."""


STEPS = ("add", "erase", "_withhold", "purge", "settle")
"""What comes behind the event, in order."""


def crash_at(crm: Any, step: str, patch: pytest.MonkeyPatch, *, before: bool) -> None:
    """Let the process end just before a step, or just behind it."""
    owners = {
        "add": crm.host.tombstones,
        "settle": crm.host.tombstones,
        "erase": crm.host.vault,
        "purge": crm.host.traces,
        "_withhold": crm.privacy._service._erasing,
    }
    real = getattr(owners[step], step)

    def crash(*arguments: Any, **named: Any) -> None:
        if not before:
            real(*arguments, **named)
        raise Crash

    patch.setattr(owners[step], step, crash, raising=False)


@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("step", STEPS)
def test_what_was_recorded_is_done_by_whoever_opens_the_log_next(
    company: Company, step: str, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company.open() as crm, monkeypatch.context() as patch:
        crash_at(crm, step, patch, before=before)
        with suppress(Crash):
            crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert company.shown() == GONE
    [stone] = FileTombstones(company.erased).read()
    assert stone.settled
    assert stone.keys == ("M7",)


def test_a_crash_before_the_event_has_erased_nobody(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company.open() as crm, monkeypatch.context() as patch:
        patch.setattr(crm.log.store, "insert", _crash)
        with suppress(Crash):
            crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert company.shown() == EVERYBODY
    assert not company.erased.exists()


def _crash(*_: Any, **__: Any) -> None:
    raise Crash


PATHS = f"import sys; sys.path[:] = {sys.path!r}\n"

CHILD = """
import os, sys
from pathlib import Path
from privacy.forgetting import Company, KEEPER, WHY

company = Company(Path(sys.argv[1]))
step = int(sys.argv[2])
seen = 0

def trace(event, arguments):
    # Each of the steps reaches the disk through one of these.
    global seen
    if event in ("open", "os.rename", "os.remove", "sqlite3.connect", "fcntl.flock", "os.truncate"):
        seen += 1
        if seen == step:
            os._exit(9)

crm = company.open()
sys.addaudithook(trace)
crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
print(seen)
"""


def test_a_process_that_is_ended_anywhere_leaves_nothing_half_done(
    company: Company, tmp_path: Path
) -> None:
    """Ended at each place at which it reaches for the disk: said and done, or neither."""
    step, outcomes = 0, set()
    while True:
        step += 1
        folder = tmp_path / f"at-{step}"
        shutil.copytree(company.folder, folder)
        done = subprocess.run(
            [sys.executable, "-c", PATHS + CHILD, str(folder), str(step)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        then = Company(folder)
        found = then.shown()
        assert found in (EVERYBODY, GONE), done.stderr
        with then.open() as crm:
            said = any(e.name == "privacy.member_erased/1" for e in crm.log.feed())
            assert crm.verify().intact
        assert said == (found == GONE)
        outcomes.add((done.returncode, said))
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr
    assert outcomes >= {(9, True), (0, True)}


# --- backups --------------------------------------------------------------------------------------

LOG, KEYS, STONES = "crm.db", "crm.db.keys", "crm.db.erased"


def put_back(company: Company, old: Path, *names: str) -> None:
    """Put files of an older copy in the place of what is there; what it has not is gone."""
    for name in names:
        for beside in company.folder.glob(f"{name}*"):
            if name == LOG and not beside.name.startswith((f"{LOG}-", f"{LOG}")):
                continue
            if beside.name in (name, f"{name}-wal", f"{name}-shm", f"{name}-journal"):
                beside.unlink()
        if (old / name).exists():
            shutil.copy2(old / name, company.folder / name)


@pytest.mark.parametrize(
    "names",
    [(LOG,), (KEYS,), (STONES,), (LOG, KEYS), (LOG, STONES), (KEYS, STONES)],
    ids=["log", "keys", "stones", "log-keys", "log-stones", "keys-stones"],
)
@pytest.mark.parametrize("member", ["M7", None], ids=["member", "household"])
def test_one_or_two_of_the_three_put_back_bring_nobody_back(
    company: Company, tmp_path: Path, names: tuple[str, ...], member: str | None
) -> None:
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company, member)
    gone = GONE if member else EVERYBODY | dict.fromkeys(("M7", "V1#owner"), "erased")
    put_back(company, old, *names)
    assert company.shown() == gone
    # And in the rows themselves: an older version of the library that knows no tombstones.
    with closing(sqlite3.connect(company.keys)) as file:
        rows = dict(file.execute("SELECT subject, key FROM crm_keys"))
    assert rows["M7"] is None
    assert rows["V2#owner"] is not None


@pytest.mark.parametrize("member", ["M7", None], ids=["member", "household"])
def test_what_the_keys_alone_know_the_tombstones_learn_before_the_keys_are_put_back(
    company: Company, tmp_path: Path, member: str | None
) -> None:
    """Given log and tombstones of before an erasure, when later the keys are put back, too."""
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company, member)
    gone = GONE if member else EVERYBODY | dict.fromkeys(("M7", "V1#owner"), "erased")
    put_back(company, old, LOG, STONES)
    assert company.shown() == gone
    [stone] = FileTombstones(company.erased).read()
    assert (stone.household, stone.version, stone.settled) == ("", 0, True)
    put_back(company, old, KEYS)
    assert company.shown() == gone
    # It is said once, and who is erased then is found as ever.
    with company.open() as crm:
        crm.privacy.erase("V2", by=KEEPER, purpose=WHY)
    assert company.shown() == gone | {"V2#owner": "erased"}
    assert [s.version > 0 for s in FileTombstones(company.erased).read()] == [False, True]


def test_whoever_cannot_keep_what_the_keys_know_reads_on(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company)
    put_back(company, old, LOG, STONES)

    def full(*_: Any) -> None:
        raise StoreUnreachable("tombstones_unusable", file="x", reason="no space left")

    with monkeypatch.context() as patch:
        patch.setattr(FileTombstones, "_append", full)
        assert company.shown() == GONE
    assert company.shown() == GONE
    assert len(FileTombstones(company.erased).read()) == 1


def test_all_three_put_back_bring_back_what_they_had(company: Company, tmp_path: Path) -> None:
    """Nobody is left who knew; SECURITY.md says so."""
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company)
    put_back(company, old, LOG, KEYS, STONES)
    assert company.shown() == EVERYBODY


def test_a_backup_under_another_name_is_opened_with_the_tombstones_named(
    company: Company, tmp_path: Path
) -> None:
    """They lie beside a log by its name; without them it is as if all three were put back."""
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company)
    for name in (LOG, KEYS):
        shutil.copy2(old / name, tmp_path / name.replace("crm", "copy"))
    url = f"sqlite:///{tmp_path / 'copy.db'}"
    with open_crm(url) as crm:
        assert shown(crm) == EVERYBODY
    with open_crm(url, erased=company.erased) as crm:
        assert shown(crm) == GONE
    # Its keys know it from then on, and the tombstones beside it learn it.
    with open_crm(url) as crm:
        assert shown(crm) == GONE
    assert (tmp_path / "copy.db.erased").exists()


def test_an_older_log_may_go_on_and_erase_again(company: Company, tmp_path: Path) -> None:
    """The tombstones know of both pasts."""
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company, "M7")
    put_back(company, old, LOG)
    with company.open() as crm:
        crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY)
        crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    both = EVERYBODY | dict.fromkeys(("M7", "V1#owner"), "erased")
    assert company.shown() == both
    put_back(company, old, KEYS, STONES)
    assert company.shown() == both
    assert len(FileTombstones(company.erased).read()) == 2


@pytest.mark.parametrize("who", ["member", "household", "staff"])
def test_what_an_older_log_says_again_keeps_no_word_of_it(
    company: Company, tmp_path: Path, who: str
) -> None:
    """The words are gone with whom they are about, though the log has forgotten that they are."""
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)

    def again() -> None:
        with company.open() as crm:
            if who == "staff":
                crm.privacy.erase_staff(DIRECTOR.id, by=KEEPER, purpose=WHY)
            else:
                member = "M7" if who == "member" else None
                crm.privacy.erase("V1", member, by=KEEPER, purpose=WHY)

    again()
    put_back(company, old, LOG)
    again()
    with company.open() as crm:
        *_, said = crm.history("erasures/company")
        assert said.event.purpose in (NO_WORD, Withheld("erased"))
        opened = [crm.host.vault.open(value, place) for place, value in sealed_of(crm)]
        assert WHY not in {getattr(one, "text", "") for one in opened}
        assert crm.verify(deep=True).intact


def test_the_role_of_one_of_the_staff_who_was_erased_is_ended_without_a_word(
    company: Company,
) -> None:
    """What must go on goes on; there is no home whose key the reason could stand under."""
    said = EndStaffRole(CLERK.id, CLERK.role, DAY, "he was ill")
    with company.open() as crm:
        crm.privacy.erase_staff(CLERK.id, by=KEEPER, purpose=WHY)
        first = crm.do(said, by=DIRECTOR, id="e1")
        *_, ended = crm.history(first.stream)
        assert ended.event.reason == Withheld("erased")
        assert crm.do(said, by=DIRECTOR, id="e1").by_id
        assert not any("he was ill" in text for text in map(str, crm.log.outcomes(["e1"]).values()))


def test_what_an_older_log_goes_on_to_say_is_done_after_a_crash_too(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tombstones have come further than the log that was put back."""
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    with company.open() as crm:
        crm.do(PlaceLegalHold("V2", "H1", DAY, "lawsuit"), by=KEEPER)
    erase(company, "M7")
    put_back(company, old, LOG)
    with company.open() as crm, monkeypatch.context() as patch:
        crash_at(crm, "add", patch, before=True)
        with suppress(Crash):
            crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY)
    assert company.shown() == EVERYBODY | dict.fromkeys(("M7", "V1#owner"), "erased")


def test_who_is_erased_gets_no_new_key_from_an_older_key_file(
    company: Company, tmp_path: Path
) -> None:
    """A key file of before they came has no row of theirs at all."""
    erase(company)
    company.keys.unlink()
    with company.open() as crm:
        assert not company.keys.exists()
        assert is_erased(crm, "M7")
        again = ChangeContact("V1", "M7", "again", name=Personal("M7", "name of M7"))
        with pytest.raises(PersonErased):
            crm.do(again, by=CLERK)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_whoever_may_only_read_sees_nobody_again_either(company: Company, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company)
    put_back(company, old, KEYS)
    company.keys.chmod(0o400)
    assert company.shown() == GONE


def test_a_key_file_that_cannot_be_written_opens_nothing_of_them(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    shutil.copytree(company.folder, old)
    erase(company)
    put_back(company, old, KEYS)
    before = company.keys.read_bytes()
    monkeypatch.setattr(LocalVault, "_writable", lambda _self: False)
    assert company.shown() == GONE
    assert company.keys.read_bytes() == before


# --- other processes ------------------------------------------------------------------------------

READER = """
import sys
from pathlib import Path
from privacy.forgetting import Company, shown

with Company(Path(sys.argv[1])).open() as crm:
    for _ in sys.stdin:
        print(shown(crm)["M7"], flush=True)
"""


@pytest.mark.case("K53")
def test_another_process_that_had_the_key_learns_of_it_at_once(company: Company) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", PATHS + READER, str(company.folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdin is not None
    assert other.stdout is not None

    def asked() -> str:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("\n")
        other.stdin.flush()
        return other.stdout.readline().strip()

    try:
        assert asked() == "open"
        erase(company)
        assert asked() == "erased"
    finally:
        other.stdin.close()
        assert other.wait(timeout=60) == 0
        other.stdout.close()


def test_who_erases_and_who_opens_meanwhile_do_not_get_in_each_others_way(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being done by one process is not begun by another that opens the log."""
    with company.open() as crm:
        real = crm.host.traces.purge

        def purge(stone: Tombstone, values: Any) -> Any:
            assert company.shown() == GONE
            [known] = FileTombstones(company.erased).read()
            assert not known.settled
            return real(stone, values)

        monkeypatch.setattr(crm.host.traces, "purge", purge)
        crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    [stone] = FileTombstones(company.erased).read()
    assert stone.settled


# --- the file of the tombstones -------------------------------------------------------------------


def stones(path: Path, *names: str) -> FileTombstones:
    tombstones = FileTombstones(path)
    for number, name in enumerate(names, start=1):
        tombstones.add(Tombstone("V1", (name,), number, name))
    return tombstones


def test_tombstones_are_what_was_added(tmp_path: Path) -> None:
    tombstones = stones(tmp_path / "erased", "a", "b")
    tombstones.add(Tombstone("V1", ("a",), 1, "a"))
    tombstones.settle("b")
    for one in (tombstones, FileTombstones(tmp_path / "erased")):
        assert [(s.digest, s.settled) for s in one.read()] == [("a", False), ("b", True)]


def test_a_line_that_was_cut_off_says_nothing_and_the_next_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "erased"
    stones(path, "a", "b")
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert [s.digest for s in FileTombstones(path).read()] == ["a"]
        stones(path, "a", "b")
        assert path.read_bytes() == whole


def test_a_tombstone_that_was_changed_taken_out_or_put_in_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "erased"
    stones(path, "a", "b", "c")
    lines = path.read_bytes().splitlines(keepends=True)
    forged = [
        [lines[1], lines[2]],
        [lines[0], lines[2]],
        [lines[1], lines[0], lines[2]],
        [lines[0], lines[0], lines[1]],
        [lines[0].replace(b'"V1"', b'"V2"'), *lines[1:]],
        [b"x" + lines[0], *lines[1:]],
        [b"\xff\n", *lines],
    ]
    for one in forged:
        path.write_bytes(b"".join(one))
        with pytest.raises(TombstonesTampered):
            FileTombstones(path).read()
    path.write_bytes(b"".join(lines))
    with pytest.raises(TombstonesTampered):
        FileTombstones(path, "another tenant").read()


def test_a_log_with_forged_tombstones_is_not_opened_until_they_are_moved_away(
    company: Company,
) -> None:
    erase(company)
    company.erased.write_bytes(company.erased.read_bytes().replace(b"M7", b"M8"))
    with pytest.raises(TombstonesTampered):
        company.open()
    company.erased.unlink()
    assert company.shown() == GONE
    assert [stone.keys for stone in FileTombstones(company.erased).read()] == [("M7",)]


def test_a_file_of_tombstones_that_others_may_use_is_none(company: Company) -> None:
    erase(company)
    company.erased.chmod(0o644)
    with pytest.raises(KeyFileRefused):
        company.open()
    company.erased.rename(company.folder / "elsewhere")
    company.erased.symlink_to(company.folder / "elsewhere")
    with pytest.raises(KeyFileRefused):
        company.open()


def test_tombstones_of_tenants_are_apart(tmp_path: Path) -> None:
    """Each has a file of its own, with its name in it, unless one is named."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    for tenant in ("east", "west"):
        with open_crm(url, tenant=tenant, create=True) as crm:
            inhabit(crm)
    with open_crm(url, tenant="east") as crm:
        crm.privacy.erase("V1", by=KEEPER, purpose=WHY)
    assert (tmp_path / "crm.db.east.erased").exists()
    assert not (tmp_path / "crm.db.west.erased").exists()
    with open_crm(url, tenant="west") as crm:
        assert shown(crm) == EVERYBODY


# --- on PostgreSQL --------------------------------------------------------------------------------


def test_the_same_holds_on_postgresql(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and tombstones lie in the working folder there, or where they are said to."""
    monkeypatch.chdir(tmp_path)
    with open_crm(postgres_url, create=True) as crm:
        inhabit(crm)
    old = (tmp_path / "crm.keys").read_bytes()
    with open_crm(postgres_url) as crm:
        crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert (tmp_path / "crm.erased").exists()
    (tmp_path / "crm.keys").write_bytes(old)
    with open_crm(postgres_url) as crm:
        assert shown(crm) == GONE
    (tmp_path / "crm.keys").write_bytes(old)
    (tmp_path / "crm.erased").unlink()
    with open_crm(postgres_url) as crm:
        assert shown(crm) == GONE
        assert crm.verify().intact


# --- who has all keys but one ---------------------------------------------------------------------


def test_a_reader_of_raw_data_with_all_other_keys_sees_nothing_of_theirs(company: Company) -> None:
    """Their name is in no byte of any file, and nothing that is there opens it."""
    erase(company)
    every = b"".join(path.read_bytes() for path in company.folder.iterdir())
    assert b"of M7" not in every
    with closing(sqlite3.connect(company.keys)) as file:
        keys = [key for (key,) in file.execute("SELECT key FROM crm_keys") if key is not None]
    with company.open() as crm:
        theirs = [pair for pair in sealed_of(crm) if pair[1].subject == "M7"]
    assert theirs
    assert len(keys) >= 3
    for place, value in theirs:
        raw = urlsafe_b64decode(value.token)
        told = f"{place.stream}\n{place.version}\n{place.field}\nM7".encode()
        for key in keys:
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(raw[:12], raw[12:], told)
