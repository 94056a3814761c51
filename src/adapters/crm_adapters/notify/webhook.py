"""Messages to another system: CloudEvents over HTTP POST, signed if a secret is shared."""

from __future__ import annotations

import hmac
import ssl
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from crm_adapters.cloudevents import MEDIA_TYPE, cloud_event
from crm_core.errors import NotDelivered
from crm_core.ports import Outgoing

TIMEOUT_SECONDS = 30

SIGNATURE = "X-Crm-Signature"
"""Header with `sha256=` and the HMAC of the body, as hex."""

TYPE = "crm.message.v1"
SOURCE = "crm-core"

_LATER = frozenset({408, 425, 429})
"""Answers of the family 4xx that ask to come again."""


class WebhookNotifier:
    """Posts messages to a URL; a redirect is not followed, it would carry an address elsewhere.

    Args:
        host: Name of the receiver.
        port: Its port.
        path: Path and query.
        secret: Shared secret that bodies are signed with; empty for none.
        tls: Whether the connection is encrypted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        *,
        secret: str = "",
        tls: bool = True,
        timeout: int = TIMEOUT_SECONDS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._path = host, port, path or "/"
        self._secret, self._tls, self._timeout = secret, tls, timeout
        self._context = context

    def send(self, outgoing: Outgoing) -> str:
        """Post the message; the receipt is the status code."""
        body = cloud_event(
            id=outgoing.id,
            source=SOURCE,
            type=TYPE,
            data={
                "channel": outgoing.channel,
                "purpose": outgoing.purpose,
                "language": outgoing.language,
                "address": outgoing.address.reveal(),
                "subject": outgoing.subject,
                "body": outgoing.body,
            },
        )
        headers = {"Content-Type": MEDIA_TYPE}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body)
        connection = self._connection()
        begun = False
        try:
            connection.connect()
            begun = True
            connection.request("POST", self._path, body, headers)
            status = connection.getresponse().status
        except (OSError, HTTPException):
            reason = "unknown_outcome" if begun else "unreachable"
            raise NotDelivered(reason, transient=True) from None
        finally:
            connection.close()
        if 200 <= status < 300:
            return str(status)
        raise NotDelivered("rejected", transient=status >= 500 or status in _LATER)

    def close(self) -> None:
        """Nothing is held open."""

    def _connection(self) -> HTTPConnection:
        if not self._tls:
            return HTTPConnection(self._host, self._port, timeout=self._timeout)
        context = self._context or ssl.create_default_context()
        return HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)

    def __repr__(self) -> str:
        return f"WebhookNotifier({self._host}:{self._port})"


def signature(secret: str, body: bytes) -> str:
    """What the signature header of a body says."""
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
