"""The key row decides, whichever process changed it: nothing cached outlives it (K53)."""

from __future__ import annotations

import hmac
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from crm_adapters.keys import LocalVault
from crm_core.errors import Conflict, PersonErased
from crm_core.kernel.sealed import Erased, Personal, Place, Plain, Sealed, Tampered

PLACE = Place("household/V00001", 1, "name")
PHONE = Personal("V1#owner", "13800138000")
OTHER = Personal("V2#owner", "13900139000")

CHILD = """
import sys
from pathlib import Path
from crm_adapters.keys import LocalVault
from crm_core.errors import CrmError
from crm_core.kernel.sealed import Personal, Place, Sealed

vault = LocalVault(Path(sys.argv[1]))
place = Place("household/V00001", 1, "name")
for line in sys.stdin:
    act, subject, text = line.rstrip("\\n").split("\\t")
    try:
        if act == "open":
            said = repr(vault.open(Sealed(subject, text), place))
        elif act == "seal":
            said = vault.seal(Personal(subject, text), place).token
        elif act == "fingerprint":
            said = vault.fingerprint(Personal(subject, text))
        elif act == "erase":
            said = str(vault.erase(subject))
        elif act == "cached":
            said = str(sorted(vault._kept[1]))
        else:
            said = str(vault.flush())
    except CrmError as error:
        said = error.code
    print(said, flush=True)
"""


class Process:
    """Another process with a vault of its own on the same file."""

    def __init__(self, path: Path) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}\n" + CHILD
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, act: str, subject: str = "", text: str = "") -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{act}\t{subject}\t{text}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip("\n")

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db.keys"


@pytest.fixture
def vault(path: Path) -> Iterator[LocalVault]:
    with closing(LocalVault(path)) as vault:
        yield vault


@pytest.fixture
def process(vault: LocalVault, path: Path) -> Iterator[Process]:
    process = Process(path)
    yield process
    process.end()


def kept(vault: LocalVault, *values: Personal) -> list[Sealed]:
    """The values sealed, and their keys in the file."""
    sealed = [vault.seal(value, PLACE) for value in values]
    vault.flush()
    return sealed


@pytest.mark.rule("PRV-04")
@pytest.mark.case("K53")
def test_what_one_process_erases_no_other_opens_seals_or_recognises(
    vault: LocalVault, process: Process
) -> None:
    first, second = kept(vault, PHONE, OTHER)
    for value, sealed in ((PHONE, first), (OTHER, second)):
        assert process("open", value.subject, sealed.token) == f"Plain(text='{value.reveal()}')"
        print_of = vault.fingerprint(value)
        assert process("fingerprint", value.subject, value.reveal()) == print_of
    assert process("cached") == "['V1#owner', 'V2#owner']"
    vault.erase(PHONE.subject)
    assert process("open", first.subject, first.token) == "Erased()"
    assert process("seal", PHONE.subject, "new") == PersonErased.code
    assert process("fingerprint", PHONE.subject, PHONE.reveal()) == PersonErased.code
    # Nobody else is touched, and the secret is gone from what the process holds.
    assert process("open", second.subject, second.token) == f"Plain(text='{OTHER.reveal()}')"
    assert process("cached") == "['V2#owner']"


@pytest.mark.rule("PRV-04")
@pytest.mark.case("K53")
def test_what_another_process_erases_is_erased_here_at_once(
    vault: LocalVault, process: Process
) -> None:
    """A hundred times, each without a wait: whoever looks after the erasure sees it."""
    people = [Personal(f"V{number}", "13800138000") for number in range(100)]
    for value, sealed in zip(people, kept(vault, *people), strict=True):
        assert vault.open(sealed, PLACE) == Plain(value.reveal())
        assert process("erase", value.subject) == "None"
        assert vault.open(sealed, PLACE) == Erased()
        with pytest.raises(PersonErased):
            vault.fingerprint(value)
        with pytest.raises(PersonErased):
            vault.seal(value, PLACE)


@pytest.mark.rule("PRV-04")
@pytest.mark.case("K53")
def test_no_fingerprint_was_ever_keyed_by_nothing(vault: LocalVault, process: Process) -> None:
    """From such a one a number of eleven digits is found by trying all."""
    kept(vault, PHONE)
    vault.fingerprint(PHONE)
    vault.erase(PHONE.subject)
    for key in (b"", b"\0" * 32):
        guessed = hmac.new(key, b"fingerprint\n13800138000", "sha256").hexdigest()
        with pytest.raises(PersonErased):
            vault.fingerprint(PHONE)
        assert process("fingerprint", PHONE.subject, PHONE.reveal()) == PersonErased.code
        assert vault.fingerprint(Personal("V9", PHONE.reveal())) != guessed


@pytest.mark.rule("PRV-04")
def test_an_erasure_by_whatever_program_counts(vault: LocalVault, path: Path) -> None:
    """The row decides, not how it came to be as it is."""
    first, second = kept(vault, PHONE, OTHER)
    assert vault.open(first, PLACE) == Plain(PHONE.reveal())
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_keys SET key = NULL WHERE subject = ?", (PHONE.subject,))
    assert vault.open(first, PLACE) == Erased()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_keys SET key = ? WHERE subject = ?", (b"k" * 32, OTHER.subject))
    assert vault.open(second, PLACE) == Tampered()


@pytest.mark.rule("PRV-04")
def test_a_person_erased_elsewhere_before_the_key_was_kept_stays_erased(
    vault: LocalVault, process: Process
) -> None:
    lost = vault.seal(PHONE, PLACE)
    assert process("erase", PHONE.subject) == "None"
    assert vault.open(lost, PLACE) == Erased()
    with pytest.raises(PersonErased):
        vault.fingerprint(PHONE)
    # What was sealed must not be appended, even though it is seen to be lost already.
    with pytest.raises(Conflict):
        vault.flush()
    vault.flush()


@pytest.mark.rule("PRV-03")
def test_who_sealed_under_a_lost_key_is_told_and_nobody_else(
    vault: LocalVault, process: Process
) -> None:
    """Of two threads one has sealed under it; the other's keys are made durable as they are."""

    def elsewhere() -> None:
        vault.seal(PHONE, PLACE)
        try:
            ready.append(process("seal", PHONE.subject, "theirs"))
            process("flush")
            other.start()
            other.join()
            vault.flush()
        except BaseException as error:  # noqa: BLE001 - it is the other thread's to look at
            raised.append(error)

    def here() -> None:
        sealed.append(vault.seal(OTHER, PLACE))
        vault.flush()

    ready: list[str] = []
    raised: list[Any] = []
    sealed: list[Sealed] = []
    other = Thread(target=here)
    one = Thread(target=elsewhere)
    one.start()
    one.join()
    assert [type(error) for error in raised] == [Conflict]
    assert vault.open(sealed[0], PLACE) == Plain(OTHER.reveal())
    assert process("open", OTHER.subject, sealed[0].token) == f"Plain(text='{OTHER.reveal()}')"
    assert vault.open(Sealed(PHONE.subject, ready[0]), PLACE) == Plain("theirs")


def test_keys_stay_cached_while_nobody_changes_the_file(vault: LocalVault) -> None:
    """And over one's own new keys: the row is read once."""
    asked: list[str] = []
    first, second = kept(vault, PHONE, OTHER)
    for sealed in (first, second):
        vault.open(sealed, PLACE)
    kept(vault, Personal("V3", "x"))
    assert vault._file is not None
    vault._file.set_trace_callback(asked.append)
    for _ in range(3):
        for sealed, value in ((first, PHONE), (second, OTHER)):
            assert vault.open(sealed, PLACE) == Plain(value.reveal())
            vault.seal(value, PLACE)
            vault.fingerprint(value)
    assert asked == []
