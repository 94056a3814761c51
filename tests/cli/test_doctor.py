"""`crm doctor`: what the library runs on, and what is amiss; it opens and makes nothing."""

from __future__ import annotations

import json
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from cli.office import Office
from crm_core.kernel.authority import DEFAULT_AUTHORITY
from crm_core.kernel.public_holidays import public_holidays
from crm_core.slices import registry


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path, monkeypatch)


def amiss(office: Office) -> dict[str, Any]:
    """What is told with exit status 1, and the same as text."""
    status, out, err = office.run("doctor", "--format", "json")
    assert (status, err) == (1, "")
    told: dict[str, Any] = json.loads(out)
    for lang, word in (("en", "amiss: "), ("zh", "问题：")):
        status, out, err = office.run("--lang", lang, "doctor")
        assert (status, err) == (1, "")
        assert out.count(word) == len(told["findings"]) > 0
    return told


def test_a_log_without_anything_amiss(office: Office) -> None:
    office.register()
    before = office.json("verify")
    told = office.json("doctor")
    assert told["versions"] == {
        "crm-core": version("crm-core"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "sqlalchemy": version("sqlalchemy"),
        "eventsourcing": version("eventsourcing"),
    }
    assert told["log"]["there"] is True
    assert told["log"]["end"] == before["events"] > 0
    assert isinstance(told["log"]["format"], int)
    assert told["log"]["error"] is None
    assert told["keys"] == {
        "file": f"{office.path}.keys", "there": True, "readable": True, "persons": 1, "erased": 0,
        "needed": False,
    }  # fmt: skip
    assert told["staff"] == {"persons": 0, "in_force": False, "rosters": []}
    assert (told["authority"]["policy"], told["authority"]["version"]) == (DEFAULT_AUTHORITY, 1)
    assert len(told["authority"]["digest"]) == 64
    assert told["holidays"] == {"cn": max(public_holidays("cn").years)}
    # No policy at hand keeps public holidays, so none is needed.
    assert told["notices_missing"] == {}
    assert told["findings"] == []
    assert office.json("verify") == before
    shown = office.run("doctor")[1]
    assert "staff register: none; roles and trades are what the host says" in shown
    assert shown.endswith("all is well\n")


def test_no_personal_value_is_opened_and_no_password_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.register()

    def fail(*_: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr("crm_adapters.keys.local.LocalVault.open", fail)
    shown = office.run("doctor")[1]
    assert "张三" not in shown
    office.db = "postgresql+psycopg://u:hidden@127.0.0.1:1/x"
    told = amiss(office)
    assert told["findings"] == ["log_unusable"]
    assert told["log"]["error"].endswith("[CRM-F004]")
    assert "hidden" not in str(told)
    assert "u:***@127.0.0.1" in told["log"]["url"]


def test_a_log_that_is_not_there_is_amiss_and_is_not_made(office: Office) -> None:
    office.db = str(office.path.with_name("none.db"))
    before = sorted(path.name for path in office.path.parent.iterdir())
    told = amiss(office)
    assert told["findings"] == ["log_missing"]
    assert (told["log"]["there"], told["keys"], told["authority"]) == (False, None, None)
    assert sorted(path.name for path in office.path.parent.iterdir()) == before


def test_a_key_file_is_missed_only_where_values_are_sealed(office: Office) -> None:
    """And looking for it does not make it."""
    keys = Path(f"{office.path}.keys")
    assert not keys.exists()
    place = ("--estate", "Anhe", "--building", "1", "--unit", "1", "--room", "1")
    office.act("specialist:S1", "register-household", "--household", "V0", *place)
    assert office.json("doctor")["findings"] == []
    assert not keys.exists()
    office.register(room="102")
    keys.unlink()
    told = amiss(office)
    assert told["findings"] == ["keys_missing"]
    assert (told["keys"]["there"], told["keys"]["needed"]) == (False, True)
    assert not keys.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense" * 200, b"SQLite format 3\0"])
def test_a_key_file_that_cannot_be_read_is_amiss(content: bytes, office: Office) -> None:
    office.register()
    Path(f"{office.path}.keys").write_bytes(content)
    told = amiss(office)
    assert told["findings"] == ["keys_unreadable"]
    assert (told["keys"]["there"], told["keys"]["readable"]) == (True, False)
    assert Path(f"{office.path}.keys").read_bytes() == content


def test_a_key_file_that_others_may_use_is_amiss(office: Office) -> None:
    """As every other command has it."""
    office.register()
    Path(f"{office.path}.keys").chmod(0o640)
    assert amiss(office)["findings"] == ["keys_unreadable"]


def test_the_key_file_named_is_the_one_looked_at(office: Office) -> None:
    office.register()
    keys = Path(f"{office.path}.keys")
    elsewhere = keys.rename(keys.with_name("a b#c?.keys"))
    assert amiss(office)["findings"] == ["keys_missing"]
    told = office.json("doctor", "--keys", str(elsewhere))
    assert (told["keys"]["file"], told["keys"]["persons"]) == (str(elsewhere), 1)


def test_a_file_that_is_no_log_is_amiss(office: Office) -> None:
    office.path.write_text("nonsense", encoding="utf-8")
    told = amiss(office)
    assert told["findings"] == ["log_unusable"]
    assert told["log"]["error"].endswith("[CRM-F010]")
    assert office.path.read_text(encoding="utf-8") == "nonsense"


def test_a_log_in_memory_has_nothing_amiss(office: Office) -> None:
    office.db = "memory:"
    told = office.json("doctor")
    assert (told["log"]["end"], told["keys"]["file"], told["findings"]) == (0, None, [])


@pytest.mark.rule("LOG-08")
def test_the_authority_policy_in_force_is_the_one_that_was_adopted(office: Office) -> None:
    """A host's own table comes into force by an event, like any other policy (LOG-08)."""
    text = registry().authority
    lines = [
        line for line in text.splitlines()
        if not line.startswith(("effective_from", "approved_by", "impact_assessment"))
    ]  # fmt: skip
    text = "\n".join(lines).replace("version = 1", "version = 2")
    text = text.replace('decide-waiver = ["manager", "director"]', 'decide-waiver = ["director"]')
    file = office.path.with_name("authority.toml")
    file.write_text(text, encoding="utf-8")
    name = f"{DEFAULT_AUTHORITY}/2"
    draft = ("policy", "draft", str(file), "--reason", "two floors only", "--as")
    office.refuses("role_insufficient", *draft, "specialist:S1")
    office.json(*draft, "manager:M1")
    [*_, row] = office.json(
        "policy", "assess", name, "--assessment", "PIA-7", "--as", "supervisor:U1"
    )
    assert (row["stage"], row["assessment"]) == ("assessed", "PIA-7")
    office.refuses("own_proposal", "policy", "approve", name, "--as", "director:M1")
    office.json("policy", "approve", name, "--as", "director:D1")
    today = office.now.date().isoformat()
    assert office.json("doctor")["authority"]["version"] == 1
    office.json("policy", "effective", name, "--from", today, "--as", "director:D1")
    told = office.json("doctor")["authority"]
    assert (told["policy"], told["version"]) == (DEFAULT_AUTHORITY, 2)
    [row] = [row for row in office.json("do", "--list") if row["act"] == "decide-waiver"]
    assert row["roles"] == ["director"]
    office.register()
    office.refuses_act("role_insufficient", "manager:M1", "decide-waiver", "--household", "V1",
                       "--waiver", "W1", "--approved", "--on", today)  # fmt: skip


# --- tombstones -----------------------------------------------------------------------------------


@pytest.mark.rule("PRV-04")
def test_it_says_how_many_were_erased_outside_of_log_and_keys(office: Office) -> None:
    office.register()
    none = office.json("doctor")["tombstones"]
    assert (none["there"], none["erasures"], none["readable"]) == (False, 0, None)
    assert not office.path.with_name("crm.db.erased").exists()
    keys = office.path.with_name("crm.db.keys")
    before = keys.read_bytes()
    erase(office)
    told = office.json("doctor")
    assert told["tombstones"] == {
        "file": f"{office.path}.erased", "there": True, "readable": True, "erasures": 1,
        "unfinished": 0, "unsaid": 0, "returned": 0,
    }  # fmt: skip
    assert told["findings"] == []
    keys.write_bytes(before)
    back = amiss(office)
    assert back["findings"] == ["tombstones_unapplied"]
    assert back["tombstones"]["returned"] == 1
    assert keys.read_bytes() == before
    office.json("verify")
    assert office.json("doctor")["findings"] == []


@pytest.mark.rule("PRV-04")
def test_what_the_keys_alone_know_is_amiss_until_the_tombstones_know_it(office: Office) -> None:
    """Log and tombstones of before an erasure were put back."""
    office.register()
    log, stones = office.path.read_bytes(), office.path.with_name("crm.db.erased")
    erase(office)
    for beside in office.path.parent.glob("crm.db-*"):
        beside.unlink()
    office.path.write_bytes(log)
    stones.unlink()
    told = amiss(office)
    assert (told["findings"], told["tombstones"]["unsaid"]) == (["tombstones_unapplied"], 2)
    assert not stones.exists()
    office.json("verify")
    found = office.json("doctor")
    assert (found["findings"], found["tombstones"]["unsaid"]) == ([], 0)


@pytest.mark.rule("PRV-04")
def test_tombstones_that_are_lost_or_were_changed_are_amiss(office: Office) -> None:
    office.register()
    erase(office)
    stones = office.path.with_name("crm.db.erased")
    content = stones.read_bytes()
    stones.unlink()
    told = amiss(office)
    assert (told["findings"], told["tombstones"]["unsaid"]) == (["tombstones_unapplied"], 1)
    assert not stones.exists()
    stones.write_bytes(content.replace(b"V1", b"V2"))
    stones.chmod(0o600)
    told = amiss(office)
    assert (told["findings"], told["tombstones"]["readable"]) == (["tombstones_unreadable"], False)
    first, _, _ = content.partition(b"\n")
    stones.write_bytes(first + b"\n")
    assert amiss(office)["tombstones"]["unfinished"] == 1


def erase(office: Office) -> None:
    who = ("--as", "custodian:C1", "--purpose", "rights")
    office.json("erase", "V1", *who)
