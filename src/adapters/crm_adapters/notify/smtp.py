"""Messages by SMTP: one message, one recipient, and nothing in a header that is not meant there."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP

from crm_core.errors import NotDelivered
from crm_core.kernel.sentences import Malformed
from crm_core.ports import Outgoing

TIMEOUT_SECONDS = 30

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

SECURITIES = ("none", "starttls", "tls")


def check_address(text: str) -> str:
    """One mail address in its plain form: no names, comments, quotes, groups or lists.

    Raises:
        Malformed: it is not one.
    """
    local, _, _ = text.partition("@")
    if len(text) > 254 or len(local) > 64 or _ADDRESS.fullmatch(text) is None:
        raise Malformed("notifier_address", notifier="smtp")
    return text


class SmtpNotifier:
    """Sends by an SMTP server; a connection for each message.

    Args:
        host: Its name.
        port: Its port.
        sender: The address messages come from; replies and bounces go there.
        user: User, where the server asks for one.
        password: Its password; sent only over an encrypted connection.
        security: `tls` from the start, `starttls` before anything is said, or `none`.
        domain: A gateway's domain: a number is written to `number@domain`. Without it the
            contact in the file must be a mail address.
        context: Which certificates are trusted; those of the system by default.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        user: str = "",
        password: str = "",
        security: str = "starttls",
        domain: str = "",
        timeout: int = TIMEOUT_SECONDS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if security not in SECURITIES:
            raise Malformed("notifier_security", notifier=host)
        if user and security == "none":
            raise Malformed("notifier_password", notifier=host)
        self._host, self._port, self._security = host, port, security
        self._sender = check_address(sender)
        self._user, self._password = user, password
        self._domain = domain
        if domain:
            check_address(f"x@{domain}")
        self._timeout = timeout
        self._context = context

    def send(self, outgoing: Outgoing) -> str:
        """Send the message; the receipt is the server's reply code."""
        recipient = self._recipient(outgoing.address.reveal())
        data = compose(outgoing, self._sender, recipient).as_bytes()
        client = self._connect()
        begun = False
        try:
            if self._user:
                client.login(self._user, self._password)
            _expect(client.mail(self._sender))
            _expect(client.rcpt(recipient))
            begun = True
            return str(_expect(client.data(data)))
        except smtplib.SMTPAuthenticationError:
            # Somebody will mend the configuration; the messages must not be lost over it.
            raise NotDelivered("rejected", transient=True) from None
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code) from None
        except (smtplib.SMTPServerDisconnected, OSError):
            # After DATA the server may have taken it; the Message-ID lets it tell a repetition.
            reason = "unknown_outcome" if begun else "unreachable"
            raise NotDelivered(reason, transient=True) from None
        except smtplib.SMTPException:
            raise NotDelivered("rejected", transient=False) from None
        finally:
            _leave(client)

    def close(self) -> None:
        """Nothing is held open."""

    def _recipient(self, address: str) -> str:
        if self._domain:
            digits = re.sub(r"[ ()-]", "", address)
            address = f"{digits}@{self._domain}"
        try:
            return check_address(address)
        except ValueError:
            raise NotDelivered("address_unusable", transient=False) from None

    def _connect(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        try:
            if self._security == "tls":
                return smtplib.SMTP_SSL(
                    self._host, self._port, timeout=self._timeout, context=context
                )
            client = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        except (smtplib.SMTPException, OSError):
            raise NotDelivered("unreachable", transient=True) from None
        try:
            if self._security == "starttls":
                client.starttls(context=context)
            client.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError):
            _leave(client)
            raise NotDelivered("unreachable", transient=True) from None
        return client

    def __repr__(self) -> str:
        return f"SmtpNotifier({self._host}:{self._port}, {self._security})"


def compose(outgoing: Outgoing, sender: str, recipient: str) -> EmailMessage:
    """The mail.

    Raises:
        NotDelivered: a header would hold more than one line, or more than one address.
    """
    if _SAFE_ID.fullmatch(outgoing.id) is None or not outgoing.subject.isprintable():
        # A line break in a header is the beginning of another header, or of another mail.
        raise NotDelivered("rejected", transient=False)
    try:
        check_address(sender)
        check_address(recipient)
    except ValueError:
        raise NotDelivered("address_unusable", transient=False) from None
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = outgoing.subject
    mail["Message-ID"] = f"<{outgoing.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(outgoing.body, cte="base64")
    mail["Content-Language"] = "zh" if outgoing.language == "zh" else "en"
    return mail


def _expect(answer: tuple[int, bytes]) -> int:
    code, _ = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, b"")
    return code


def _answered(code: int) -> NotDelivered:
    """4yz is transient, 5yz is for good (RFC 5321, section 4.2.1); -1 is no answer at all."""
    if code < 400:
        return NotDelivered("unknown_outcome", transient=True)
    return NotDelivered("rejected", transient=code < 500)


def _leave(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (smtplib.SMTPException, OSError):
        client.close()
