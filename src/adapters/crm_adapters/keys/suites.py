"""Suites of algorithms, by the names that sealed values and key rows carry (decision record 0054).

Every person has one secret of 32 bytes, whatever suites their values are sealed by. AES-256-GCM
takes it as it is; SM4 (GB/T 32907) takes 16 bytes that HKDF with SM3 (GB/T 32905) makes of it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import NamedTuple

from attrs import field
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SHA256, SM3, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from crm_core.kernel.values import frozen

NONCE_BYTES = 12
TAG_BYTES = 16
SECRET_BYTES = 32

Crypt = Callable[[bytes, bytes, bytes], bytes]
"""Of nonce, data and associated data; the tag is at the end of what is encrypted."""


class Ciphers(NamedTuple):
    """Authenticated encryption under one key; `decrypt` raises InvalidTag or ValueError."""

    encrypt: Crypt
    decrypt: Crypt


@frozen
class Suite:
    """A cipher and a hash that belong together.

    Args:
        name: As records carry it.
        digest: Its hash function.
        ciphers: Authenticated encryption under a key of the cipher.
        key_of: The cipher's key that is made of a secret.
        keyed_digest: Of a secret and a text, as hex.
    """

    name: str
    digest: HashAlgorithm = field(repr=False)
    ciphers: Callable[[bytes], Ciphers] = field(repr=False)
    key_of: Callable[[bytes], bytes] = field(repr=False)
    keyed_digest: Callable[[bytes, bytes], str] = field(repr=False)

    def under(self, secret: bytes) -> Ciphers:
        """Authenticated encryption under what is made of a secret."""
        return self.ciphers(self.key_of(secret))

    def joint(self, secrets: Iterable[bytes], where: bytes) -> bytes:
        """The secret that the secrets of several make together for one place (RFC 5869)."""
        return HKDF(self.digest, SECRET_BYTES, None, where).derive(b"".join(secrets))


def _aes(key: bytes) -> Ciphers:
    cipher = AESGCM(key)
    return Ciphers(cipher.encrypt, cipher.decrypt)


def _sm4(key: bytes) -> Ciphers:
    algorithm = SM4(key)

    def encrypt(nonce: bytes, data: bytes, associated: bytes) -> bytes:
        context = Cipher(algorithm, modes.GCM(nonce)).encryptor()
        context.authenticate_additional_data(associated)
        return context.update(data) + context.finalize() + context.tag

    def decrypt(nonce: bytes, data: bytes, associated: bytes) -> bytes:
        sealed, tag = data[:-TAG_BYTES], data[-TAG_BYTES:]
        context = Cipher(algorithm, modes.GCM(nonce, tag)).decryptor()
        context.authenticate_additional_data(associated)
        return context.update(sealed) + context.finalize()

    return Ciphers(encrypt, decrypt)


def _sm4_key(secret: bytes) -> bytes:
    return HKDFExpand(SM3(), 16, b"crm-core sm4-gcm").derive(secret)


def _hmac_sha256(secret: bytes, text: bytes) -> str:
    return hmac.digest(secret, text, "sha256").hex()


def _hmac_sm3(secret: bytes, text: bytes) -> str:
    made = HMAC(secret, SM3())
    made.update(text)
    return made.finalize().hex()


AES = Suite("aes-256-gcm", SHA256(), _aes, lambda secret: secret, _hmac_sha256)
SM = Suite("sm4-gcm", SM3(), _sm4, _sm4_key, _hmac_sm3)

SUITES = {suite.name: suite for suite in (AES, SM)}
"""All that this version reads and writes."""

DEFAULT = AES
"""Its sealed values carry no name: the others' begin with theirs and a full stop."""
