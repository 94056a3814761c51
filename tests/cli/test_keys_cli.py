"""`crm keys`: protect the key file, rotate what protects it, and try a copy before it is needed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cli.office import Office
from crm_adapters.keys import Cost, LocalVault, Passphrase

pytestmark = pytest.mark.rule("PRV-03")

WORDS, ANOTHER = "correct horse battery staple", "another passphrase"
KEY = "00" * 31 + "01"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    # As the default, and a hundred times cheaper.
    monkeypatch.setattr(Passphrase.__init__, "__defaults__", (Cost(n=1 << 10),))
    for kind in ("PASSPHRASE", "KEY", "NEW_KEY", "TRANSIT", "SUITE"):
        monkeypatch.delenv(f"CRM_KEYS_{kind}", raising=False)
    office = Office(tmp_path, monkeypatch)
    office.register()
    office.register("V2", "102")
    return office


def keys_of(office: Office) -> Path:
    return office.path.with_name("crm.db.keys")


def owner(office: Office, household: str = "V1") -> str:
    """What is told of the owner for a purpose."""
    asked = ("--purpose", "return visit", "--as", "specialist:S1")
    return office.run("--lang", "en", "show", household, *asked)[1]


def test_a_key_file_is_protected_and_everything_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = keys_of(office)
    plain = {
        "file": str(keys), "suite": "aes-256-gcm", "guard": None, "parameters": {},
        "persons": {"aes-256-gcm": 2}, "erased": 0, "opened": None,
    }  # fmt: skip
    assert office.json("keys", "status") == plain
    office.refuses("guard_missing", "keys", "protect")
    before = office.json("verify")
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    status, out, _ = office.run("--lang", "en", "keys", "status")
    assert status == 1
    assert "nothing protects the file" in out
    told = office.json("keys", "protect")
    assert told == {"file": str(keys), "persons": 2, "guard": "passphrase"}
    assert office.json("keys", "status") == {
        **plain, "guard": "passphrase", "parameters": {"n": 1024, "r": 8, "p": 1}, "opened": True,
    }  # fmt: skip
    assert "张三" in owner(office)
    office.register("V3", "103")
    assert "张三" in owner(office, "V3")
    office.refuses("keys_protected", "keys", "protect")
    monkeypatch.delenv("CRM_KEYS_PASSPHRASE")
    # Whoever has log and key file and not the passphrase reads nobody's name, and can prove all.
    assert office.json("verify")["events"] > before["events"]
    status, out, err = office.run("show", "V1", "--purpose", "visit", "--as", "specialist:S1")
    assert (status, out) == (2, "")
    assert "CRM-F020" in err
    assert office.run("keys", "status")[0] == 1
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", ANOTHER)
    assert "CRM-F020" in office.run("show", "V1", "--purpose", "visit", "--as", "specialist:S1")[2]
    status, out, _ = office.run("--lang", "en", "keys", "status")
    assert status == 1
    assert "does not open it" in out


def test_nothing_is_recorded_that_could_not_be_opened_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    office.json("keys", "protect")
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", ANOTHER)
    before = office.json("verify")
    place = ("--estate", "Anhe", "--building", "1", "--unit", "1", "--room", "109")
    status, _, err = office.run(
        "do", "register-household", "--household", "V9", *place, "--owner", "李四",
        "--as", "specialist:S1",
    )  # fmt: skip
    assert status == 2
    assert "CRM-F020" in err
    assert office.json("verify") == before


def test_what_protects_it_is_exchanged_and_so_is_the_suite(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.refuses("keys_not_protected", "keys", "rotate")
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    office.json("keys", "protect")
    office.json("keys", "rotate")
    monkeypatch.setenv("CRM_KEYS_NEW_KEY", KEY)
    told = office.json("keys", "rotate", "--suite", "sm4-gcm")
    assert (told["persons"], told["guard"]) == (2, "key")
    assert "CRM-F020" in office.run("keys", "rotate")[2]
    monkeypatch.delenv("CRM_KEYS_NEW_KEY")
    monkeypatch.delenv("CRM_KEYS_PASSPHRASE")
    monkeypatch.setenv("CRM_KEYS_KEY", KEY)
    assert "张三" in owner(office)
    office.register("V3", "103")
    assert "张三" in owner(office, "V3")
    assert office.json("keys", "status")["persons"] == {"aes-256-gcm": 2, "sm4-gcm": 1}
    assert "sm4-gcm." in office.run("history", "V3")[1] + str(office.json("history", "V3"))
    assert office.run("keys", "rotate", "--suite", "rot13")[0] == 2


def test_the_suite_alone_is_changed_or_named_for_a_command(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = office.json("keys", "rotate", "--suite", "sm4-gcm")
    assert told == {"file": str(keys_of(office)), "persons": 0, "guard": None}
    office.register("V3", "103")
    assert "sm4-gcm." in str(office.json("history", "V3"))
    assert "张三" in owner(office)
    assert "张三" in owner(office, "V3")
    monkeypatch.setenv("CRM_KEYS_SUITE", "aes-256-gcm")
    office.register("V4", "104")
    assert "sm4-gcm." not in str(office.json("history", "V4"))
    found = office.json("keys", "status")
    assert (found["suite"], found["persons"]) == ("sm4-gcm", {"aes-256-gcm": 3, "sm4-gcm": 1})
    monkeypatch.setenv("CRM_KEYS_SUITE", "rot13")
    assert "suite_unknown" in office.run("show", "V1")[2]
    monkeypatch.delenv("CRM_KEYS_SUITE")
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    office.json("keys", "protect")
    monkeypatch.delenv("CRM_KEYS_PASSPHRASE")
    assert "CRM-F020" in office.run("keys", "rotate", "--suite", "aes-256-gcm")[2]


def test_a_passphrase_comes_by_a_descriptor_in_a_process_of_its_own(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    office.json("keys", "protect")
    monkeypatch.delenv("CRM_KEYS_PASSPHRASE")
    reading, writing = os.pipe()
    os.write(writing, f"{WORDS}\n".encode())
    os.close(writing)
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE_FD", str(reading))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    command = ["--db", office.db, "--format", "json", "keys", "status"]
    done = subprocess.run(
        [sys.executable, "-m", "crm_adapters.cli", *command],
        pass_fds=[reading],
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(reading)
    assert done.returncode == 0, done.stderr
    assert '"opened": true' in done.stdout


# --- drills ------------------------------------------------------------------------------------


@pytest.fixture
def copy(office: Office) -> Path:
    """A copy of the keys of two households, made before the third came."""
    found = office.path.with_name("keys-backup")
    found.write_bytes(keys_of(office).read_bytes())
    found.chmod(0o600)
    return found


def test_a_drill_tells_what_a_copy_of_the_keys_would_open(office: Office, copy: Path) -> None:
    before = copy.read_bytes(), keys_of(office).read_bytes()
    told = office.json("keys", "recover", str(copy))
    sums = {"opened": 2, "erased": 0, "missing": 0, "tampered": 0}
    assert told == {
        "copy": str(copy), "values": sums, "persons": sums, "returning": [], "restored": False,
    }  # fmt: skip
    assert (copy.read_bytes(), keys_of(office).read_bytes()) == before
    office.register("V3", "103")
    status, out, _ = office.run("--lang", "en", "keys", "recover", str(copy))
    assert status == 1, "it lacks the key of the third"
    assert "missing" in out


@pytest.mark.rule("PRV-04")
def test_a_drill_tells_erased_missing_and_tampered_apart_and_who_would_come_back(
    office: Office, copy: Path
) -> None:
    office.register("V3", "103")
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute("UPDATE crm_keys SET key = zeroblob(32) WHERE subject = 'V2#owner'")
    with closing(LocalVault(keys_of(office))) as vault:
        vault.erase("V1#owner")
    status, out, _ = office.run("--format", "json", "keys", "recover", str(copy))
    assert status == 1
    told = json.loads(out)
    assert told["returning"] == ["V1#owner"]
    assert told["values"] == {"opened": 1, "erased": 0, "missing": 1, "tampered": 1}
    assert told["persons"] == told["values"]
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute("UPDATE crm_keys SET key = NULL, suite = NULL WHERE subject = 'V1#owner'")
    told = json.loads(office.run("--format", "json", "keys", "recover", str(copy))[1])
    assert told["returning"] == []
    assert told["values"] == {"opened": 0, "erased": 1, "missing": 1, "tampered": 1}


def test_a_copy_takes_the_place_of_what_was_lost_and_of_nothing_else(
    office: Office, copy: Path
) -> None:
    office.refuses("keys_there", "keys", "recover", str(copy), "--restore")
    keys_of(office).unlink()
    assert "key missing" in owner(office)
    told = office.json("keys", "recover", str(copy), "--restore")
    assert told["restored"] is True
    assert "张三" in owner(office)
    assert keys_of(office).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in office.path.parent.glob(".crm*")) == []


def test_a_copy_of_before_the_file_was_protected_is_tried_and_not_sealed_under(
    office: Office, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    office.json("keys", "protect")
    assert office.json("keys", "recover", str(copy))["values"]["opened"] == 2
    keys_of(office).unlink()
    office.json("keys", "recover", str(copy), "--restore")
    assert "CRM-F020" in office.run("show", "V1", "--purpose", "visit", "--as", "specialist:S1")[2]
    office.json("keys", "protect")
    assert "张三" in owner(office)


def test_a_protected_copy_needs_its_passphrase(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", WORDS)
    office.json("keys", "protect")
    copy = office.path.with_name("copy")
    copy.write_bytes(keys_of(office).read_bytes())
    copy.chmod(0o600)
    assert office.json("keys", "recover", str(copy))["values"]["opened"] == 2
    monkeypatch.setenv("CRM_KEYS_PASSPHRASE", ANOTHER)
    assert "CRM-F020" in office.run("keys", "recover", str(copy))[2]


def test_what_is_no_copy_of_keys_is_told(office: Office, tmp_path: Path) -> None:
    office.refuses("keys_file_missing", "keys", "recover", str(tmp_path / "nowhere"))
    open_to_all = tmp_path / "open"
    open_to_all.write_bytes(keys_of(office).read_bytes())
    open_to_all.chmod(0o644)
    assert "CRM-F018" in office.run("keys", "recover", str(open_to_all))[2]
    status, _, err = office.run("--db", "memory:", "keys", "status")
    assert status == 2
    assert "keys_in_memory" in err
    status, _, err = office.run("--keys", str(tmp_path / "nowhere"), "keys", "status")
    assert status == 2
    assert "keys_file_missing" in err
