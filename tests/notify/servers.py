"""Real servers on loopback: mail and HTTP, kind and unkind."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


class Mail(NamedTuple):
    """A mail as the server took it: the envelope's addresses, and what it says."""

    sender: str
    recipients: list[str]
    message: EmailMessage

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"]).strip("<>").partition("@")[0]

    @property
    def text(self) -> str:
        return f"{self.message['Subject']}\n{self.message.get_content()}"


class MailServer:
    """A mail server that takes, refuses, or hangs up.

    Args:
        mode: `take`, `refuse` (550 at RCPT), `later` (451 after DATA), `refuse_data` (554 after
            DATA), or `hang_up` (takes the message and ends the connection without an answer).
    """

    def __init__(self, mode: str = "take", **options: Any) -> None:
        self.mode = mode
        self.mails: list[Mail] = []
        self.logins: list[tuple[str, str]] = []
        self._controller = Controller(self, HOST, free_port(), **options)
        self._controller.start()
        self.port = self._controller.port

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.mode == "refuse":
            return f"550 no such person <{address}>"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: Any, _session: Any, envelope: Envelope
    ) -> str:
        if self.mode == "later":
            return "451 come again"
        if self.mode == "refuse_data":
            return "554 not this"
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), message))
        if self.mode == "hang_up":
            server.transport.abort()
        return "250 2.0.0 OK queued for <mei@example.com>"

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: Any, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == ("user", "s3cret:/@"), handled=False)

    def stop(self) -> None:
        self._controller.stop()


class Received(NamedTuple):
    """A request as the receiver got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """An HTTP receiver that answers with a status, hangs, hangs up, or sends elsewhere."""

    def __init__(self, answer: int | str = 200, **headers: str) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self._let_go = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                outer.received.append(Received(self.path, dict(self.headers), body))
                if outer.answer == "hang":
                    outer._let_go.wait(10)
                    return
                if outer.answer == "hang_up":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if outer.answer == "nonsense":
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                    return
                self.send_response(int(outer.answer))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate of its own, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cafile=str(file))
    return server, client
