"""A server that speaks as much of HashiCorp Vault's API as its transit engine needs.

Real HTTP on a port of loopback: `POST /v1/MOUNT/encrypt/NAME` and `…/decrypt/NAME`, tokens by the
header `X-Vault-Token`, versions of keys, and errors as Vault has them. The engine wraps by
AES-256-GCM and returns `vault:vN:BASE64`.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class TransitServer:
    """The server, and what it was asked."""

    def __init__(self, token: str = "s.test") -> None:
        self.token, self.sealed, self.broken = token, False, False
        self.keys: dict[str, list[bytes]] = {"transit/crm": [os.urandom(32)]}
        self.asked: list[str] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                status, answer = served.answer(
                    self.path, self.headers.get("X-Vault-Token"), self.rfile.read(length)
                )
                raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_PUT = do_POST  # noqa: N815 - as the server calls it

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def rotate(self, name: str = "transit/crm") -> None:
        """A new version of a key; what the earlier ones wrapped can still be opened."""
        self.keys[name].append(os.urandom(32))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, token: str | None, body: bytes) -> tuple[int, Any]:
        self.asked.append(path)
        if self.broken:
            return 200, b"<html>a proxy says hello"
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != self.token:
            return 403, {"errors": ["permission denied"]}
        match path.split("/"):
            case ["", "v1", *mount, ("encrypt" | "decrypt") as what, name]:
                versions = self.keys.get("/".join([*mount, name]))
                if versions is None:
                    return 400 if what == "decrypt" else 404, {"errors": ["no such key"]}
                return self._transit(what, versions, json.loads(body))
        return 404, {"errors": ["no handler for route"]}

    @staticmethod
    def _transit(what: str, versions: list[bytes], asked: dict[str, str]) -> tuple[int, Any]:
        if what == "encrypt":
            nonce = os.urandom(12)
            sealed = AESGCM(versions[-1]).encrypt(nonce, b64decode(asked["plaintext"]), None)
            text = b64encode(nonce + sealed).decode()
            told = {"ciphertext": f"vault:v{len(versions)}:{text}", "key_version": len(versions)}
            return 200, {"data": told}
        try:
            start, version, text = asked["ciphertext"].split(":", 2)
            assert start == "vault"
            raw, key = b64decode(text, validate=True), versions[int(version[1:]) - 1]
            plain = AESGCM(key).decrypt(raw[:12], raw[12:], None)
        except (ValueError, IndexError, AssertionError, InvalidTag):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": b64encode(plain).decode()}}
