"""The local key vault keeps the contract, in memory and in a file, and its file keeps secrets."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same file in every run

import pytest

from crm_adapters.keys import LocalVault, files
from crm_core.errors import Conflict, Failed, NotALog, StoreUnreachable
from crm_core.kernel.sealed import Erased, KeyMissing, Personal, Place, Plain, Sealed, Tampered
from crm_core.ports import KeyVault
from crm_core.testing.contracts import KeyVaultContract

PLACE = Place("household/V00001", 1, "name")


class TestVaultInMemory(KeyVaultContract):
    def make_vault(self) -> KeyVault:
        return LocalVault()


class TestVaultInAFile(KeyVaultContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path, self.made = tmp_path, 0

    def make_vault(self) -> KeyVault:
        self.made += 1
        return LocalVault(self.path / f"{self.made}.keys")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db.keys"


@pytest.fixture
def vault(path: Path) -> Iterator[LocalVault]:
    vault = LocalVault(path)
    yield vault
    vault.close()


def seal(vault: LocalVault, subject: str, text: str = "王小明") -> Sealed:
    return vault.seal(Personal(subject, text), PLACE)


def everything(path: Path) -> bytes:
    """All bytes of the vault's files."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def stored_keys(path: Path) -> dict[str, bytes | None]:
    connection = sqlite3.connect(path)
    keys = dict(connection.execute("SELECT subject, key FROM crm_keys"))
    connection.close()
    return keys


@pytest.mark.rule("PRV-03")
def test_only_the_owner_may_read_the_file(vault: LocalVault, path: Path) -> None:
    seal(vault, "V1")
    vault.flush()
    for file in path.parent.glob(f"{path.name}*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.rule("PRV-03")
def test_keys_survive_reopening_once_they_are_flushed(vault: LocalVault, path: Path) -> None:
    kept = seal(vault, "V1")
    fingerprint = vault.fingerprint(Personal("V1", "138"))
    vault.flush()
    lost = seal(vault, "V2")
    vault.close()
    again = LocalVault(path)
    assert again.open(kept, PLACE) == Plain("王小明")
    assert again.fingerprint(Personal("V1", "138")) == fingerprint
    assert again.open(lost, PLACE) == KeyMissing()
    again.close()


@pytest.mark.rule("PRV-04")
def test_an_erased_person_stays_erased_after_reopening(vault: LocalVault, path: Path) -> None:
    sealed = seal(vault, "V1")
    vault.flush()
    vault.erase("V1")
    vault.close()
    again = LocalVault(path)
    assert again.open(sealed, PLACE) == Erased()
    assert again.open(Sealed("V2", sealed.token), PLACE) == KeyMissing()
    for use in (lambda: seal(again, "V1"), lambda: again.fingerprint(Personal("V1", "138"))):
        with pytest.raises(Failed):
            use()
    again.close()


@pytest.mark.rule("PRV-04")
def test_no_byte_of_an_erased_key_is_left_in_the_file(path: Path) -> None:
    """Rows move between pages as a file grows, and leave copies of themselves behind.

    Deleting overwrites the row and not its copies. With this seed SQLite 3.40 has left one.
    """
    random = Random(1)
    vault = LocalVault(path)
    subjects = []
    for _ in range(900):
        subjects.append(f"V{random.randrange(10**9)}#{'x' * random.randrange(40)}")
        seal(vault, subjects[-1])
        if random.random() < 0.05:
            vault.flush()
    vault.flush()
    keys = stored_keys(path)
    before = everything(path)
    assert all(key is not None and key in before for key in keys.values())
    copied = [subject for subject, key in keys.items() if before.count(key or b"") > 1]
    erased = {*copied, *random.sample(subjects, 20)}
    for subject in erased:
        vault.erase(subject)
    after = everything(path)
    for subject, key in keys.items():
        assert key is not None
        assert (key in after) == (subject not in erased)
        # Not even a part of it.
        assert (key[:8] in after) == (key[-8:] in after) == (subject not in erased)
    vault.close()


@pytest.mark.rule("PRV-03")
def test_nothing_plain_is_in_the_file(vault: LocalVault, path: Path) -> None:
    seal(vault, "V1", "王小明")
    vault.fingerprint(Personal("V1", "13800138000"))
    vault.flush()
    assert "王小明".encode() not in everything(path)
    assert b"13800138000" not in everything(path)


@pytest.mark.rule("PRV-03")
def test_of_two_processes_that_make_a_persons_key_one_begins_again(path: Path) -> None:
    """Nothing is ever appended that was sealed under a key that is then not kept."""
    first, second = LocalVault(path), LocalVault(path)
    kept, lost = seal(first, "V1"), seal(second, "V1", "other")
    other = seal(second, "V2")
    first.flush()
    with pytest.raises(Conflict) as raised:
        second.flush()
    assert raised.value.retry_safe
    again = seal(second, "V1", "other")
    second.flush()
    third = LocalVault(path)
    for vault in (first, second, third):
        assert vault.open(kept, PLACE) == Plain("王小明")
        assert vault.open(again, PLACE) == Plain("other")
        assert vault.open(lost, PLACE) == Tampered()
        assert vault.open(other, PLACE) == Plain("王小明")
        vault.close()


@pytest.mark.rule("PRV-04")
def test_a_person_erased_by_another_process_gets_no_new_key(path: Path) -> None:
    first, second = LocalVault(path), LocalVault(path)
    seal(second, "V1")
    first.erase("V1")
    with pytest.raises(Conflict):
        second.flush()
    with pytest.raises(Failed):
        seal(second, "V1")
    assert stored_keys(path) == {"V1": None}
    first.close()
    second.close()


def test_what_is_no_vault_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.keys"
    damaged.write_bytes(b"not a vault" * 100)
    damaged.chmod(0o600)
    with pytest.raises(NotALog):
        LocalVault(damaged)
    with pytest.raises(StoreUnreachable):
        LocalVault(tmp_path / "no such folder" / "crm.keys")
    assert damaged.read_bytes() == b"not a vault" * 100


def test_a_vault_that_cannot_be_written_says_so(vault: LocalVault, path: Path) -> None:
    seal(vault, "V0")
    vault.flush()
    sealed = seal(vault, "V1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("DROP TABLE crm_keys")
    other.close()
    for use in (vault.flush, lambda: vault.erase("V1"), lambda: seal(vault, "V2")):
        with pytest.raises(StoreUnreachable):
            use()
    # The key is still pending: nothing was lost, and nothing was said to be durable.
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(files.KEYS)
    other.close()
    assert vault.open(sealed, PLACE) == Plain("王小明")
    vault.flush()
    assert stored_keys(path).keys() == {"V1"}
