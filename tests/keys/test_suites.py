"""Suites of algorithms are what their standards say, and no value is ever taken for another's."""

from __future__ import annotations

import hmac
import json
import sqlite3
from base64 import urlsafe_b64decode
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crm_adapters.keys import HeldKey, LocalVault
from crm_adapters.keys.suites import AES, SM, SUITES
from crm_core.errors import Invalid, NotALog
from crm_core.kernel.sealed import Erased, KeyMissing, Personal, Place, Plain, Sealed, Tampered
from crm_core.ports import KeyVault
from crm_core.testing.contracts import KeyVaultContract

pytestmark = pytest.mark.rule("PRV-03")

VECTORS = Path(__file__).parent / "vectors"
PLACE = Place("household/V00001", 1, "name")
OWNER = Personal("V1#owner", "王小明")


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text())["tests"]
    return found


class TestVaultOfNationalAlgorithms(KeyVaultContract):
    def make_vault(self) -> KeyVault:
        return LocalVault(suite="sm4-gcm")


# --- the standards -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SUITES])
def test_what_wycheproof_says_of_a_cipher_holds_for_what_seals_values(name: str) -> None:
    """By the very functions that a vault calls, which are all that a suite has."""
    valid = 0
    for vector in vectors(name):
        key, nonce, aad, text, sealed = (
            bytes.fromhex(vector[part]) for part in ("key", "iv", "aad", "msg", "ct")
        )
        sealed += bytes.fromhex(vector["tag"])
        ciphers = SUITES[name].ciphers(key)
        if vector["result"] == "valid":
            valid += 1
            assert ciphers.encrypt(nonce, text, aad) == sealed, vector["comment"]
            assert ciphers.decrypt(nonce, sealed, aad) == text, vector["comment"]
        else:
            with pytest.raises(InvalidTag):
                ciphers.decrypt(nonce, sealed, aad)
    assert (valid, len(vectors(name))) == {"aes-256-gcm": (39, 66), "sm4-gcm": (38, 65)}[name]


def test_what_wycheproof_says_of_hmac_sm3_holds_for_fingerprints() -> None:
    valid = 0
    for vector in vectors("hmac-sm3"):
        key, text = bytes.fromhex(vector["key"]), bytes.fromhex(vector["msg"])
        same = SM.keyed_digest(key, text) == vector["tag"]
        assert same == (vector["result"] == "valid"), vector["comment"]
        valid += same
    assert valid == 27


def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    """Appendix A.1."""
    ciphers = SM.ciphers(bytes.fromhex("0123456789abcdeffedcba9876543210"))
    text = b"".join(bytes([byte]) * 8 for byte in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    sealed = ciphers.encrypt(
        bytes.fromhex("00001234567800000000abcd"),
        text,
        bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    )
    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )


def test_a_sealed_value_is_made_as_the_decision_record_says(tmp_path: Path) -> None:
    """Found out by primitives alone: key, nonce, associated data and name."""
    secrets = {}
    for name in SUITES:
        path = tmp_path / name
        with closing(LocalVault(path, suite=name)) as vault:
            sealed = vault.seal(OWNER, PLACE)
            vault.flush()
        with closing(sqlite3.connect(path)) as file:
            rows = file.execute("SELECT * FROM crm_keys").fetchall()
        assert [(row[0], row[2]) for row in rows] == [(OWNER.subject, name)]
        secrets[name] = rows[0][1], sealed.token
    where = "household/V00001\n1\nname\nV1#owner"
    secret, token = secrets["aes-256-gcm"]
    raw = urlsafe_b64decode(token)
    assert AESGCM(secret).decrypt(raw[:12], raw[12:], where.encode()).decode() == "王小明"
    secret, token = secrets["sm4-gcm"]
    name, _, token = token.partition(".")
    assert name == "sm4-gcm"
    # HKDF-Expand (RFC 5869) of one block is one HMAC.
    key = bytes.fromhex(SM.keyed_digest(secret, b"crm-core sm4-gcm\x01"))[:16]
    raw = urlsafe_b64decode(token)
    opened = SM.ciphers(key).decrypt(raw[:12], raw[12:], f"{where}\nsm4-gcm".encode())
    assert opened.decode() == "王小明"


# --- in a vault --------------------------------------------------------------------------------


def test_the_default_is_aes_and_names_nothing(tmp_path: Path) -> None:
    with closing(LocalVault(tmp_path / "keys")) as vault:
        assert "." not in vault.seal(OWNER, PLACE).token
    assert not (tmp_path / "keys").exists()
    with pytest.raises(Invalid) as refused:
        LocalVault(tmp_path / "keys", suite="rot13")
    assert "sm4-gcm" in refused.value.message


def test_values_of_before_stay_readable_whatever_the_suite_is_now(tmp_path: Path) -> None:
    """And the fingerprint stays, so that a repeated command is the same."""
    path, new = tmp_path / "keys", Personal("V2#owner", "李四")
    with closing(LocalVault(path)) as vault:
        old = vault.seal(OWNER, PLACE)
        print_of = vault.fingerprint(OWNER)
        vault.flush()
    with closing(LocalVault(path, suite="sm4-gcm")) as vault:
        later = vault.seal(OWNER, PLACE)
        theirs = vault.seal(new, PLACE)
        sm_print = vault.fingerprint(new)
        assert later.token.startswith("sm4-gcm.")
        assert vault.fingerprint(OWNER) == print_of
        vault.flush()
    with closing(LocalVault(path)) as vault:
        for sealed, text in ((old, "王小明"), (later, "王小明"), (theirs, "李四")):
            assert vault.open(sealed, PLACE) == Plain(text)
        assert vault.fingerprint(new) == sm_print
        assert "." not in vault.seal(new, PLACE).token
    with closing(sqlite3.connect(path)) as file:
        rows = dict(file.execute("SELECT subject, suite FROM crm_keys"))
    assert rows == {"V1#owner": "aes-256-gcm", "V2#owner": "sm4-gcm"}


def test_the_suite_of_a_vault_is_chosen_when_it_is_made(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    with closing(LocalVault(path, suite="sm4-gcm")) as vault:
        vault.seal(OWNER, PLACE)
        vault.flush()
    with closing(LocalVault(path)) as vault:
        assert vault.seal(OWNER, PLACE).token.startswith("sm4-gcm.")


def test_a_fingerprint_is_keyed_by_the_hash_of_the_rows_suite(tmp_path: Path) -> None:
    for name, expected in (
        ("aes-256-gcm", lambda key, text: hmac.digest(key, text, "sha256").hex()),
        ("sm4-gcm", SM.keyed_digest),
    ):
        path = tmp_path / name
        with closing(LocalVault(path, suite=name)) as vault:
            found = vault.fingerprint(OWNER)
            vault.flush()
        with closing(sqlite3.connect(path)) as file:
            [(secret,)] = file.execute("SELECT key FROM crm_keys")
        assert found == expected(secret, "fingerprint\n王小明".encode())


@pytest.mark.parametrize("name", ["sm3", "", "SM4-GCM", None, 7])
def test_a_row_of_a_suite_that_there_is_not_keys_nothing(tmp_path: Path, name: object) -> None:
    path = tmp_path / "keys"
    with closing(LocalVault(path)) as vault:
        sealed = vault.seal(OWNER, PLACE)
        vault.flush()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_keys SET suite = ?", (name,))
    with closing(LocalVault(path)) as vault:
        for use in (lambda: vault.open(sealed, PLACE), lambda: vault.fingerprint(OWNER)):
            with pytest.raises(NotALog):
                use()


# --- nothing is taken for another --------------------------------------------------------------

STREAMS, VERSIONS, FIELDS = ("household/V1", "household/V11"), (1, 11), ("name", "phone")
SUBJECTS = ("V1#owner", "V1#tenant")
PROTECTED = HeldKey(b"\7" * 32)


def relabelled(token: str, suite: str) -> str:
    """The same bytes under the name of a suite."""
    bare = token.rpartition(".")[2]
    return bare if suite == AES.name else f"{suite}.{bare}"


@pytest.mark.parametrize("guard", [None, PROTECTED], ids=["plain", "protected"])
def test_a_value_opens_at_its_own_place_only(tmp_path: Path, guard: HeldKey | None) -> None:
    """Field, stream, version, person, suite and tenant: each changed, and all together."""
    tenants = {}
    for tenant in ("A", "B"):
        path = tmp_path / tenant
        tenants[tenant] = path
        for name in SUITES:
            with closing(LocalVault(path, guard=guard, suite=name)) as vault:
                for subject in SUBJECTS:
                    vault.seal(Personal(subject, "x"), PLACE)
                vault.flush()
    places = [*product(STREAMS, VERSIONS, FIELDS, SUBJECTS, SUITES, tenants)]
    values = {}
    for place in places:
        stream, version, field, subject, name, tenant = place
        with closing(LocalVault(tenants[tenant], guard=guard, suite=name)) as vault:
            where = Place(stream, version, field)
            values[place] = vault.seal(Personal(subject, "text"), where)
    vaults = {tenant: LocalVault(path, guard=guard) for tenant, path in tenants.items()}
    for own, value in values.items():
        for place in places:
            stream, version, field, subject, name, tenant = place
            moved = Sealed(subject, relabelled(value.token, name))
            found = vaults[tenant].open(moved, Place(stream, version, field))
            assert found == (Plain("text") if place == own else Tampered()), (own, place)
    for subject in SUBJECTS:
        vaults["A"].erase(subject)
    empty = LocalVault()
    for value in values.values():
        for place in places:
            stream, version, field, subject, name, _ = place
            moved, where = (
                Sealed(subject, relabelled(value.token, name)),
                Place(stream, version, field),
            )
            assert vaults["A"].open(moved, where) == Erased()
            assert empty.open(moved, where) == KeyMissing()
    for vault in vaults.values():
        vault.close()


@pytest.mark.parametrize(
    "name", ["aes-256-gcm", "sm4", "SM4-GCM", "", " sm4-gcm", "sm4-gcm.sm4-gcm", "sm4-gcm "]
)
@pytest.mark.parametrize("suite", [*SUITES])
def test_a_value_under_any_other_name_is_tampered(name: str, suite: str) -> None:
    """There is one form of each value, and no other way to write it."""
    with closing(LocalVault(suite=suite)) as vault:
        sealed = vault.seal(OWNER, PLACE)
        bare = sealed.token.rpartition(".")[2]
        assert vault.open(Sealed(OWNER.subject, f"{name}.{bare}"), PLACE) == Tampered()
        assert vault.open(sealed, PLACE) == Plain("王小明")
