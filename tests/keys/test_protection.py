"""A protected key file gives nothing to whoever has it without what protects it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same file in every run
from typing import Any

import pytest

from crm_adapters.keys import Cost, Guard, HeldKey, LocalVault, Passphrase, guard_of, protecting
from crm_adapters.keys.environment import NEW_GUARD
from crm_adapters.keys.suites import SUITES
from crm_core.errors import Failed, Invalid, KeysLocked, NotALog, PersonErased, StoreUnreachable
from crm_core.kernel.sealed import Erased, KeyMissing, Personal, Place, Plain, Sealed, Tampered
from crm_core.ports import KeyVault
from crm_core.testing.contracts import KeyVaultContract

pytestmark = pytest.mark.rule("PRV-03")

PLACE = Place("household/V00001", 1, "name")
OWNER, OTHER = Personal("V1#owner", "王小明"), Personal("V2#owner", "李四")
CHEAP = Cost(n=1 << 10)
WORDS = "correct horse battery staple"
PASSPHRASE, ANOTHER = Passphrase(WORDS, CHEAP), Passphrase("another passphrase", CHEAP)
KEY = HeldKey(bytes(range(32)))


class TestProtectedVault(KeyVaultContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path, self.made = tmp_path, 0

    def make_vault(self) -> KeyVault:
        self.made += 1
        suite = ["aes-256-gcm", "sm4-gcm"][self.made % 2]
        return LocalVault(self.path / f"{self.made}.keys", guard=PASSPHRASE, suite=suite)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db.keys"


@pytest.fixture(params=["passphrase", "key"])
def guard(request: pytest.FixtureRequest) -> Guard:
    return {"passphrase": PASSPHRASE, "key": KEY}[request.param]


def filled(path: Path, *values: Personal, **options: Any) -> list[Sealed]:
    with closing(LocalVault(path, **options)) as vault:
        sealed = [vault.seal(value, PLACE) for value in values]
        vault.flush()
    return sealed


def rows(path: Path) -> dict[str, tuple[bytes, str]]:
    with closing(sqlite3.connect(path)) as file:
        return {row[0]: row[1:] for row in file.execute("SELECT * FROM crm_keys")}


def everything(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def uses(vault: LocalVault, sealed: Sealed, value: Personal) -> list[Callable[[], object]]:
    return [
        lambda: vault.open(sealed, PLACE),
        lambda: vault.seal(value, PLACE),
        lambda: vault.fingerprint(value),
    ]


# --- what it is made of ------------------------------------------------------------------------


FIRST = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
SECOND = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"


@pytest.mark.parametrize(
    ("text", "salt", "cost", "expected"),
    [
        ("password", "NaCl", Cost(1024, 8, 16), FIRST),
        ("pleaseletmein", "SodiumChloride", Cost(16384, 8, 1), SECOND),
    ],
)
def test_a_passphrase_is_stretched_as_rfc_7914_says(
    text: str, salt: str, cost: Cost, expected: str
) -> None:
    """Section 12; the first 32 bytes are the same however many are asked for."""
    assert Passphrase(text).stretched(salt.encode(), cost).hex() == expected


def test_what_is_kept_names_how_it_was_made_and_holds_no_key(path: Path) -> None:
    filled(path, OWNER, guard=PASSPHRASE)
    with closing(sqlite3.connect(path)) as file:
        settings = dict(file.execute("SELECT * FROM crm_vault"))
    kept = json.loads(settings.pop("master"))
    assert settings == {"suite": "aes-256-gcm"}
    assert (kept.pop("guard"), kept.pop("suite")) == ("passphrase", "aes-256-gcm")
    assert (kept.pop("n"), kept.pop("r"), kept.pop("p")) == (1024, 8, 1)
    assert {name: len(value) // 2 for name, value in kept.items()} == {"salt": 16, "master": 60}
    assert Passphrase("12345678").cost == Cost(131072, 8, 1), "128 MiB, as OWASP has it"


@pytest.mark.parametrize("suite", ["aes-256-gcm", "sm4-gcm"])
def test_a_row_is_made_as_the_decision_record_says(path: Path, suite: str) -> None:
    """Found out by the ciphers alone: master key and row, each a nonce and what is sealed."""
    with closing(LocalVault(path, guard=KEY, suite=suite)) as vault:
        sealed = vault.seal(OWNER, PLACE)
        vault.flush()
    with closing(sqlite3.connect(path)) as file:
        [(text,)] = file.execute("SELECT value FROM crm_vault WHERE name = 'master'")
    kept = json.loads(text)
    assert kept == {"guard": "key", "suite": suite, "master": kept["master"]}
    raw, by = bytes.fromhex(kept["master"]), SUITES[suite]
    where = f"crm-core master key\n{suite}\nkey".encode()
    master = by.under(KEY.secret).decrypt(raw[:12], raw[12:], where)
    [(row, name)] = rows(path).values()
    where = f"crm-core key\n{suite}\n{OWNER.subject}".encode()
    secret = by.under(master).decrypt(row[:12], row[12:], where)
    assert (len(master), len(secret), name) == (32, 32, suite)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_keys SET key = ?", (secret,))
        file.execute("DELETE FROM crm_vault WHERE name = 'master'")
    with closing(LocalVault(path)) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")


def test_neither_a_guard_nor_a_vault_shows_a_secret() -> None:
    assert WORDS not in repr(PASSPHRASE)
    assert repr(KEY.secret) not in repr(KEY)


def test_a_passphrase_is_the_same_however_its_characters_are_composed(path: Path) -> None:
    [sealed] = filled(path, OWNER, guard=Passphrase("caf\u00e9 caf\u00e9", CHEAP))
    with closing(LocalVault(path, guard=Passphrase("cafe\u0301 cafe\u0301", CHEAP))) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")


def test_what_is_too_short_protects_nothing() -> None:
    with pytest.raises(Invalid):
        Passphrase("1234567")
    for secret in (b"", b"x" * 31, b"x" * 33):
        with pytest.raises(Invalid):
            HeldKey(secret)


# --- with and without it -----------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["aes-256-gcm", "sm4-gcm"])
def test_a_file_that_is_made_under_a_guard_is_never_unprotected(
    path: Path, guard: Guard, suite: str
) -> None:
    [sealed] = filled(path, OWNER, guard=guard, suite=suite)
    [(wrapped, name)] = rows(path).values()
    assert (len(wrapped), name) == (60, suite)
    with closing(LocalVault(path, guard=guard)) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")
        vault.seal(OTHER, PLACE)
        vault.flush()
    assert {len(wrapped) for wrapped, _ in rows(path).values()} == {60}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "keys_locked"),
        (ANOTHER, "keys_wrong"),
        (HeldKey(b"\1" * 32), "keys_guard_other"),
    ],
    ids=["none", "wrong", "other"],
)
def test_what_does_not_open_it_is_told_and_changes_nothing(
    path: Path, given: Guard | None, sentence: str
) -> None:
    [sealed] = filled(path, OWNER, guard=PASSPHRASE)
    before = path.read_bytes()
    with closing(LocalVault(path, guard=given)) as vault:
        for use in [*uses(vault, sealed, OWNER), *uses(vault, sealed, OTHER)[1:]]:
            with pytest.raises(KeysLocked) as locked:
                use()
            assert locked.value.sentence == sentence
            assert not locked.value.retry_safe
            assert str(path) in locked.value.message
        # Nobody was asked for: that there is no key is known without one.
        assert vault.open(Sealed("V9", sealed.token), PLACE) == KeyMissing()
        vault.flush()
    assert path.read_bytes() == before


def test_the_wrong_key_is_told_like_the_wrong_passphrase(path: Path) -> None:
    [sealed] = filled(path, OWNER, guard=KEY)
    with (
        closing(LocalVault(path, guard=HeldKey(b"\1" * 32))) as vault,
        pytest.raises(KeysLocked) as locked,
    ):
        vault.open(sealed, PLACE)
    assert locked.value.sentence == "keys_wrong"
    assert "key" in locked.value.message


def test_where_a_guard_is_given_and_nothing_protects_nothing_is_sealed(path: Path) -> None:
    """Somebody may have put a file of their own there, to read what is written from now on."""
    [sealed] = filled(path, OWNER)
    with closing(LocalVault(path, guard=PASSPHRASE)) as vault:
        for use in [*uses(vault, sealed, OWNER), *uses(vault, sealed, OTHER)[1:]]:
            with pytest.raises(KeysLocked) as locked:
                use()
            assert locked.value.sentence == "keys_unprotected"


def test_a_guard_is_asked_for_when_a_key_is_needed_first(path: Path) -> None:
    [sealed] = filled(path, OWNER, guard=PASSPHRASE)
    asked = []

    def ask() -> Guard:
        asked.append(1)
        return PASSPHRASE

    with closing(LocalVault(path, guard=ask)) as vault:
        vault.erase("V9")
        vault.flush()
        assert asked == []
        for _ in range(3):
            assert vault.open(sealed, PLACE) == Plain("王小明")
        assert asked == [1]


@pytest.mark.rule("PRV-04")
def test_erasure_needs_no_guard_and_is_what_it_was(path: Path) -> None:
    first, second = filled(path, OWNER, OTHER, guard=PASSPHRASE)
    wrapped, _ = rows(path)[OWNER.subject]
    with closing(LocalVault(path)) as vault:
        vault.erase(OWNER.subject)
        assert vault.open(first, PLACE) == Erased()
        for use in uses(vault, first, OWNER)[1:]:
            with pytest.raises(PersonErased):
                use()
    assert wrapped[-16:] not in everything(path)
    assert wrapped[12:28] not in everything(path)
    with closing(LocalVault(path, guard=PASSPHRASE)) as vault:
        assert vault.open(first, PLACE) == Erased()
        assert vault.open(second, PLACE) == Plain("李四")


def test_rows_are_bound_to_person_and_suite(path: Path) -> None:
    """Exchanged, renamed, cut, or taken from an unprotected file: tampered, not locked."""
    first, second = filled(path, OWNER, OTHER, guard=PASSPHRASE)
    before = rows(path)
    (one, name), (two, _) = before[OWNER.subject], before[OTHER.subject]
    for key, suite in [
        (two, name), (one, "sm4-gcm"), (one[:-1], name), (one + b"\0", name), (b"", name),
        (b"k" * 32, name), ("x" * 60, name), (7, name),
        *((one[:at] + bytes([one[at] ^ 1]) + one[at + 1 :], name) for at in range(60)),
    ]:  # fmt: skip
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(
                "UPDATE crm_keys SET key = ?, suite = ? WHERE subject = ?",
                (key, suite, OWNER.subject),
            )
        with closing(LocalVault(path, guard=PASSPHRASE)) as vault:
            assert vault.open(first, PLACE) == Tampered()
            for use in uses(vault, first, OWNER)[1:]:
                with pytest.raises(NotALog):
                    use()
            assert vault.open(second, PLACE) == Plain("李四")


@pytest.mark.parametrize(
    "change",
    [
        {"n": 1 << 30}, {"n": 1000}, {"n": -1}, {"r": 0}, {"p": 1 << 20}, {"n": "x"}, {"n": None},
        {"salt": "zz"}, {"master": 7}, {"suite": "rot13"}, {"guard": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_vault_keeps_of_its_master_key_is_refused(
    path: Path, change: dict[str, Any]
) -> None:
    """Above all what would take all memory or for ever to try."""
    [sealed] = filled(path, OWNER, guard=PASSPHRASE)
    with closing(sqlite3.connect(path)) as file, file:
        [(text,)] = file.execute("SELECT value FROM crm_vault WHERE name = 'master'")
        kept = json.dumps({**json.loads(text), **change})
        file.execute("UPDATE crm_vault SET value = ? WHERE name = 'master'", (kept,))
    with closing(LocalVault(path, guard=PASSPHRASE)) as vault, pytest.raises(NotALog):
        vault.open(sealed, PLACE)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 2048}, {"r": 4}, {"p": 2}, {"salt": "00" * 16}, {"master": "00" * 60},
        {"master": ""}, {"suite": "sm4-gcm"},
    ],
    ids=str,
)  # fmt: skip
def test_what_was_changed_of_it_opens_nothing(path: Path, change: dict[str, Any]) -> None:
    [sealed] = filled(path, OWNER, guard=PASSPHRASE)
    with closing(sqlite3.connect(path)) as file, file:
        [(text,)] = file.execute("SELECT value FROM crm_vault WHERE name = 'master'")
        kept = json.dumps({**json.loads(text), **change})
        file.execute("UPDATE crm_vault SET value = ? WHERE name = 'master'", (kept,))
    with closing(LocalVault(path, guard=PASSPHRASE)) as vault, pytest.raises(KeysLocked):
        vault.open(sealed, PLACE)


@pytest.mark.parametrize("name", ["foreign", "suite"])
def test_settings_that_no_vault_has_are_refused(path: Path, name: str) -> None:
    filled(path, OWNER)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT OR REPLACE INTO crm_vault VALUES (?, 'rot13')", (name,))
    with pytest.raises(NotALog):
        LocalVault(path)


# --- put on, and put on anew -------------------------------------------------------------------


@pytest.fixture
def many(path: Path) -> dict[str, Sealed]:
    """A file whose rows have moved between pages, with copies left behind."""
    random = Random(1)
    sealed = {}
    with closing(LocalVault(path)) as vault:
        for _ in range(900):
            subject = f"V{random.randrange(10**9)}#{'x' * random.randrange(40)}"
            sealed[subject] = vault.seal(Personal(subject, subject), PLACE)
            if random.random() < 0.05:
                vault.flush()
        vault.flush()
        vault.erase("V-erased")
    return sealed


def opened(path: Path, guard: Guard | None, sealed: dict[str, Sealed]) -> bool:
    with closing(LocalVault(path, guard=guard)) as vault:
        assert vault.open(Sealed("V-erased", "AAAA"), PLACE) == Erased()
        return all(vault.open(one, PLACE) == Plain(who) for who, one in sealed.items())


def test_protecting_leaves_no_byte_of_a_key_in_the_file(
    path: Path, many: dict[str, Sealed], guard: Guard
) -> None:
    before = rows(path)
    assert protecting.protect(path, guard) == len(many) == len(before) - 1
    after = everything(path)
    for key, _ in before.values():
        if key is not None:
            assert key[:8] not in after
            assert key[-8:] not in after
    assert opened(path, guard, many)
    with pytest.raises(Invalid):
        protecting.protect(path, guard)
    assert opened(path, guard, many)


def test_rotating_changes_master_key_guard_and_suite_and_opens_all_that_was_sealed(
    path: Path, many: dict[str, Sealed]
) -> None:
    with pytest.raises(Invalid):
        protecting.rotate(path, PASSPHRASE)
    protecting.protect(path, PASSPHRASE)
    before = rows(path)
    assert protecting.rotate(path, PASSPHRASE) == len(many)
    after = everything(path)
    assert not any(key is not None and key[:8] in after for key, _ in before.values())
    assert opened(path, PASSPHRASE, many)
    protecting.rotate(path, PASSPHRASE, KEY, "sm4-gcm")
    with pytest.raises(KeysLocked):
        opened(path, PASSPHRASE, many)
    assert opened(path, KEY, many)
    with closing(LocalVault(path, guard=KEY)) as vault:
        assert vault.seal(OWNER, PLACE).token.startswith("sm4-gcm.")
    with pytest.raises(KeysLocked):
        protecting.rotate(path, ANOTHER)
    with pytest.raises(KeysLocked):
        protecting.rotate(path, None)
    with pytest.raises(Invalid):
        protecting.rotate(path, KEY, suite="rot13")
    assert opened(path, KEY, many)


def test_whoever_has_it_open_goes_on_under_the_same_guard_and_no_other(path: Path) -> None:
    first, second = filled(path, OWNER, OTHER)
    plain, guarded = LocalVault(path), LocalVault(path, guard=PASSPHRASE)
    assert plain.open(first, PLACE) == Plain("王小明")
    new = Personal("V3#owner", "x")
    lost = plain.seal(new, PLACE)
    protecting.protect(path, PASSPHRASE)
    # It had the keys in memory: what it may do is told by the file as it is now.
    with pytest.raises(KeysLocked):
        plain.open(first, PLACE)
    with pytest.raises(KeysLocked):
        plain.flush()
    assert new.subject not in rows(path), "no key is ever written in the clear"
    assert guarded.open(first, PLACE) == Plain("王小明")
    protecting.rotate(path, PASSPHRASE)
    assert guarded.open(second, PLACE) == Plain("李四")
    kept = guarded.seal(new, PLACE)
    protecting.rotate(path, PASSPHRASE)
    guarded.flush()
    assert len(rows(path)[new.subject][0]) == 60
    with closing(LocalVault(path, guard=PASSPHRASE)) as vault:
        assert vault.open(kept, PLACE) == Plain("x")
        assert vault.open(lost, PLACE) == Tampered()
    protecting.rotate(path, PASSPHRASE, ANOTHER)
    with pytest.raises(KeysLocked):
        guarded.open(first, PLACE)
    plain.close()
    guarded.close()


def test_what_was_protected_before_an_erasure_of_ours_is_known_after_it(path: Path) -> None:
    """Our own change of the file must not hide theirs."""
    first, second = filled(path, OWNER, OTHER)
    with closing(LocalVault(path)) as vault:
        assert vault.open(second, PLACE) == Plain("李四")
        protecting.protect(path, PASSPHRASE, "sm4-gcm")
        vault.erase(OWNER.subject)
        assert vault.open(first, PLACE) == Erased()
        with pytest.raises(KeysLocked):
            vault.open(second, PLACE)
        with pytest.raises(KeysLocked):
            vault.seal(Personal("V3", "x"), PLACE)


def test_a_row_that_is_not_what_was_kept_stops_rotating_before_anything_is_changed(
    path: Path,
) -> None:
    filled(path, OWNER, OTHER, guard=KEY)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_keys SET key = zeroblob(60) WHERE subject = ?", (OTHER.subject,))
    before = rows(path)
    with pytest.raises(NotALog) as refused:
        protecting.rotate(path, KEY)
    assert OTHER.subject in refused.value.message
    assert rows(path) == before


def test_how_a_file_stands_is_told_without_a_key(path: Path, guard: Guard) -> None:
    with pytest.raises(FileNotFoundError):
        protecting.standing(path, None)
    filled(path, OWNER, OTHER)
    with closing(LocalVault(path, suite="sm4-gcm")) as vault:
        vault.seal(Personal("V3", "x"), PLACE)
        vault.flush()
        vault.erase("V2#owner")
    plain = protecting.standing(path, None)
    assert (plain.suite, plain.guard, plain.opened) == ("aes-256-gcm", None, None)
    assert plain.persons == {"aes-256-gcm": 1, "sm4-gcm": 1}
    assert plain.erased == 1
    protecting.protect(path, guard, "sm4-gcm")
    before = path.read_bytes()
    found = protecting.standing(path, guard)
    assert (found.suite, found.guard, found.opened) == ("sm4-gcm", guard.kind, True)
    assert found.parameters == ({"n": 1024, "r": 8, "p": 1} if guard is PASSPHRASE else {})
    assert protecting.standing(path, ANOTHER).opened is False
    assert protecting.standing(path, None).opened is False
    assert path.read_bytes() == before


def test_a_copy_is_read_and_stays_as_it_is(path: Path) -> None:
    [sealed] = filled(path, OWNER, guard=PASSPHRASE)
    before = path.read_bytes(), path.stat().st_mtime_ns
    with closing(LocalVault.copied(path, guard=PASSPHRASE)) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")
        vault.erase(OWNER.subject)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    with pytest.raises(FileNotFoundError):
        LocalVault.copied(path.with_name("nowhere"))
    # Opened to be written, this one would be turned back; as it is it is refused.
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
    turned = path.read_bytes()
    with pytest.raises(StoreUnreachable):
        LocalVault.copied(path, guard=PASSPHRASE)
    assert path.read_bytes() == turned


# --- as the environment says -------------------------------------------------------------------


@pytest.fixture
def descriptor() -> Iterator[Callable[[bytes], str]]:
    made: list[int] = []

    def of(content: bytes) -> str:
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        made.append(reading)
        return str(reading)

    yield of
    for number in made:
        os.close(number)


def test_the_environment_says_what_protects_the_keys(
    descriptor: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from crm_adapters.keys import environment

    monkeypatch.setattr(environment, "_given", environment._given.__wrapped__)
    said = {
        "CRM_KEYS_PASSPHRASE": WORDS,
        "CRM_KEYS_PASSPHRASE_FD": descriptor(WORDS.encode() + b"\r\nmore"),
        "CRM_KEYS_KEY": KEY.secret.hex(),
        "CRM_KEYS_KEY_FD": descriptor(KEY.secret),
    }
    for name, text in said.items():
        expected = KEY if "_KEY" in name.removeprefix("CRM_KEYS") else Passphrase(WORDS)
        assert guard_of(get={name: text}.get) == expected
        assert guard_of(get={name.replace("KEYS_", "KEYS_NEW_", 1): text}.get) is None
    base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert guard_of(get={"CRM_KEYS_KEY": base64}.get) == KEY
    assert guard_of(NEW_GUARD, {"CRM_KEYS_NEW_KEY": base64}.get) == KEY
    assert guard_of(get={}.get) is None
    assert guard_of(get={"CRM_KEYS_PASSPHRASE": ""}.get) is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"CRM_KEYS_PASSPHRASE": WORDS, "CRM_KEYS_KEY": "00" * 32}, "guards_several"),
        ({"CRM_KEYS_PASSPHRASE": "short"}, "passphrase_short"),
        ({"CRM_KEYS_KEY": "00" * 31}, "held_key_malformed"),
        ({"CRM_KEYS_KEY": "not a key"}, "held_key_malformed"),
        ({"CRM_KEYS_KEY": "钥" * 32}, "held_key_malformed"),
        ({"CRM_KEYS_KEY_FD": "9999"}, "guard_unreadable"),
        ({"CRM_KEYS_PASSPHRASE_FD": "three"}, "guard_unreadable"),
        ({"CRM_KEYS_PASSPHRASE_FD": "-1"}, "guard_unreadable"),
    ],
    ids=str,
)
def test_what_the_environment_says_wrongly_is_told_and_never_repeated(
    said: dict[str, str], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        guard_of(get=said.get)
    assert refused.value.faults[0].code == code
    for text in said.values():
        if len(text) > 6:  # Whatever may be a secret; short numbers come in anyway.
            assert text not in str(refused.value)


def test_a_guard_that_cannot_be_had_is_told_where_a_key_is_needed(path: Path) -> None:
    [sealed] = filled(path, OWNER, guard=KEY)

    def broken() -> Guard:
        raise Invalid.one("guard_unreadable", variable="X")

    with closing(LocalVault(path, guard=broken)) as vault:
        assert vault.open(Sealed("V9", "AAAA"), PLACE) == KeyMissing()
        with pytest.raises(Invalid):
            vault.open(sealed, PLACE)
        with pytest.raises((Failed, Invalid)):
            vault.seal(OTHER, PLACE)
