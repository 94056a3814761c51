"""What protects a key vault: a passphrase, a key that is held elsewhere, or another vault.

Each person's secret is wrapped under the vault's master key, and the master key by the guard
(decision record 0054). What is kept of that is one line of JSON in the key file.
"""

from __future__ import annotations

import json
import os
from typing import Any, ClassVar, Protocol
from unicodedata import normalize

from attrs import field
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from crm_adapters.keys.suites import NONCE_BYTES, SECRET_BYTES, SUITES, Suite
from crm_core.errors import Invalid, KeysLocked, NotALog
from crm_core.kernel.values import frozen

PASSPHRASE_LEAST = 8
"""Characters that a passphrase has at least."""

MEMORY_MOST = 1 << 30
"""Bytes that a passphrase may take to be tried: a file that asks for more is none of ours."""


@frozen
class Master:
    """The key that wraps the secrets of all persons of a vault."""

    secret: bytes = field(repr=False, factory=lambda: os.urandom(SECRET_BYTES))

    def wrap(self, subject: str, suite: Suite, secret: bytes) -> bytes:
        """A person's secret as it stands in its row, bound to the person and the suite."""
        return _sealed(self.secret, suite, secret, _of_row(subject, suite))

    def unwrap(self, subject: str, suite: Suite, wrapped: object) -> bytes:
        """The secret of a row.

        Raises:
            InvalidTag: it is not what was wrapped for that person by that suite.
        """
        return _opened(self.secret, suite, wrapped, _of_row(subject, suite))


class Guard(Protocol):
    """Keeps the master key of a vault."""

    @property
    def kind(self) -> str:
        """What it is: `passphrase`, `key`, `transit`, or a host's own."""
        ...

    def wrap(self, master: bytes, suite: Suite) -> dict[str, Any]:
        """What is to be kept, as JSON takes it, so that the master key comes back."""
        ...

    def unwrap(self, kept: dict[str, Any], suite: Suite) -> bytes:
        """The master key of what was kept.

        Raises:
            InvalidTag: this is not what it was wrapped by.
            ValueError, KeyError, TypeError: it was never wrapped so.
            StoreUnreachable: what has to be asked does not answer.
        """
        ...


@frozen
class Cost:
    """What trying one passphrase costs, by scrypt (RFC 7914): 128·n·r bytes, p times."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1


@frozen
class Passphrase:
    """A passphrase, stretched by scrypt.

    Args:
        text: As a person types it; however its characters are composed, it is the same.
        cost: For what is protected from now on; what was protected says its own.

    Raises:
        Invalid: it is too short.
    """

    text: str = field(repr=False)
    cost: Cost = Cost()
    kind: ClassVar[str] = "passphrase"

    def __attrs_post_init__(self) -> None:
        if len(self.text) < PASSPHRASE_LEAST:
            raise Invalid.one("passphrase_short", least=PASSPHRASE_LEAST)

    def wrap(self, master: bytes, suite: Suite) -> dict[str, Any]:
        salt, cost = os.urandom(16), self.cost
        key = self.stretched(salt, cost)
        sealed = _sealed(key, suite, master, _of_master(self.kind, suite))
        return {
            "n": cost.n, "r": cost.r, "p": cost.p,
            "salt": salt.hex(), "master": sealed.hex(),
        }  # fmt: skip

    def unwrap(self, kept: dict[str, Any], suite: Suite) -> bytes:
        cost = Cost(*(int(kept[name]) for name in ("n", "r", "p")))
        if not (0 < 128 * cost.n * cost.r <= MEMORY_MOST and 0 < cost.p <= 16):
            raise ValueError(cost)
        key = self.stretched(bytes.fromhex(kept["salt"]), cost)
        return _opened(key, suite, bytes.fromhex(kept["master"]), _of_master(self.kind, suite))

    def stretched(self, salt: bytes, cost: Cost) -> bytes:
        """The key that the passphrase gives."""
        text = normalize("NFC", self.text).encode(errors="surrogateescape")
        return Scrypt(salt, SECRET_BYTES, cost.n, cost.r, cost.p).derive(text)


@frozen
class HeldKey:
    """A key of 32 random bytes that the host holds elsewhere.

    Raises:
        Invalid: it is not as long.
    """

    secret: bytes = field(repr=False)
    kind: ClassVar[str] = "key"

    def __attrs_post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise Invalid.one("held_key_malformed", bytes=SECRET_BYTES)

    def wrap(self, master: bytes, suite: Suite) -> dict[str, Any]:
        sealed = _sealed(self.secret, suite, master, _of_master(self.kind, suite))
        return {"master": sealed.hex()}

    def unwrap(self, kept: dict[str, Any], suite: Suite) -> bytes:
        sealed = bytes.fromhex(kept["master"])
        return _opened(self.secret, suite, sealed, _of_master(self.kind, suite))


def protected(master: Master, guard: Guard, suite: Suite) -> str:
    """What is kept of a master key."""
    head = {"guard": guard.kind, "suite": suite.name}
    return json.dumps({**head, **guard.wrap(master.secret, suite)}, sort_keys=True)


def kept_of(text: str, vault: str) -> dict[str, Any]:
    """What was kept of a master key, as data.

    Raises:
        NotALog: it is nothing that we keep.
    """
    try:
        kept = json.loads(text)
        if isinstance(kept["guard"], str) and kept["suite"] in SUITES:
            return dict(kept)
    except (ValueError, KeyError, TypeError):
        pass
    raise NotALog("not_a_vault", vault=vault)


def master_of(text: str, guard: Guard | None, vault: str) -> Master:
    """The master key of what was kept of it.

    Raises:
        KeysLocked: there is no guard, or it is not the one.
        NotALog: what was kept is nothing that we keep.
        StoreUnreachable: what has to be asked does not answer.
    """
    kept = kept_of(text, vault)
    told = {"vault": vault, "guard": kept["guard"]}
    if guard is None:
        raise KeysLocked("keys_locked", **told)
    if guard.kind != kept["guard"]:
        raise KeysLocked("keys_guard_other", **told, given=guard.kind)
    try:
        secret = guard.unwrap(kept, SUITES[kept["suite"]])
    except InvalidTag:
        raise KeysLocked("keys_wrong", **told) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NotALog("not_a_vault", vault=vault) from error
    if len(secret) != SECRET_BYTES:
        raise NotALog("not_a_vault", vault=vault)
    return Master(secret)


def _of_row(subject: str, suite: Suite) -> bytes:
    return f"crm-core key\n{suite.name}\n{subject}".encode()


def _of_master(kind: str, suite: Suite) -> bytes:
    return f"crm-core master key\n{suite.name}\n{kind}".encode()


def _sealed(key: bytes, suite: Suite, data: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + suite.under(key).encrypt(nonce, data, associated)


def _opened(key: bytes, suite: Suite, sealed: object, associated: bytes) -> bytes:
    if type(sealed) is not bytes:
        raise InvalidTag
    try:
        nonce, data = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return suite.under(key).decrypt(nonce, data, associated)
    except ValueError:
        # Too short to hold anything.
        raise InvalidTag from None
