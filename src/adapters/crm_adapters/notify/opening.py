"""A URL names a notifier. Passwords and secrets in it are never shown, not even in an error."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from crm_adapters import extensions
from crm_adapters.notify.console import ConsoleNotifier
from crm_adapters.notify.smtp import SECURITIES, SmtpNotifier
from crm_adapters.notify.webhook import WebhookNotifier
from crm_core.errors import Invalid
from crm_core.kernel.sentences import Malformed
from crm_core.ports import Notifier

SCHEMES = ("apprise", "console", "smtp", "smtps", "webhook+http", "webhook+https")

_SMTP_OPTIONS = {"domain", "from", "security"}


def open_notifier(url: str) -> Notifier:
    """The notifier that a URL names.

    - `console:` writes to standard error;
    - `smtp://user:password@host:587?from=a@example.com` sends by a mail server, with `STARTTLS`
      unless `security=none`; `smtps://` is encrypted from the start; `domain=sms.example.com`
      writes to `number@sms.example.com`;
    - `webhook+https://:secret@host/path` posts CloudEvents, signed with the secret if there is
      one;
    - `apprise:URL` hands the message to Apprise; `{address}` in its URL is the recipient;
    - any other scheme is that of a package, by the entry point `crm_core.notifiers`.

    Raises:
        Invalid: the URL names none, or not all it needs; or a package brings one that is broken.
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in SCHEMES:
        make = extensions.found(extensions.NOTIFIERS, scheme) if colon else None
        if make is None:
            accepted = sorted({*SCHEMES, *extensions.names(extensions.NOTIFIERS)})
            raise Invalid.one("notifier_unusable", sentence="notifier_scheme", accepted=accepted)
        opened: Notifier = make(url)
        return opened
    try:
        return _opened(scheme, rest, url)
    except Malformed as error:
        sentence, values = error.sentence, error.values
    except ValueError:
        sentence, values = "notifier_url", {}
    values = {**values, "notifier": shown(url)}
    raise Invalid.one("notifier_unusable", sentence=sentence, **values)


def _opened(scheme: str, rest: str, url: str) -> Notifier:
    if scheme == "console":
        if rest:
            raise Malformed("notifier_console")
        return ConsoleNotifier()
    if scheme == "apprise":
        return _apprise(rest)
    parts = urlsplit(url)
    if not parts.hostname:
        raise Malformed("notifier_host")
    return _smtp(parts) if scheme.startswith("smtp") else _webhook(parts)


def shown(url: str) -> str:
    """The URL as it may be shown: nothing of it but scheme, host and port.

    >>> shown("smtp://u:secret@mail.example.com:587?from=a@b.c")
    'smtp://mail.example.com:587'
    >>> shown("apprise:wecombot://secret")
    'apprise:…'
    """
    scheme, _, rest = url.partition(":")
    if not rest.startswith("//"):
        return f"{scheme}:…" if rest else f"{scheme}:"
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{scheme}://{parts.hostname or ''}{port}"
    except ValueError:
        return f"{scheme}:…"


def _smtp(parts: SplitResult) -> Notifier:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = sorted(options.keys() - _SMTP_OPTIONS)
    if unknown:
        raise Malformed("notifier_option", option=unknown[0], accepted=sorted(_SMTP_OPTIONS))
    if "from" not in options:
        raise Malformed("notifier_sender")
    tls = parts.scheme == "smtps"
    security = options.get("security", "tls" if tls else "starttls")
    if security not in SECURITIES or (security == "tls") is not tls:
        raise Malformed("notifier_security")
    return SmtpNotifier(
        parts.hostname or "",
        parts.port or (465 if tls else 587),
        options["from"],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        security=security,
        domain=options.get("domain", ""),
    )


def _webhook(parts: SplitResult) -> Notifier:
    tls = parts.scheme == "webhook+https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise Malformed("notifier_path")
    return WebhookNotifier(
        parts.hostname or "",
        parts.port or (443 if tls else 80),
        path,
        secret=unquote(parts.password or ""),
        tls=tls,
    )


def _apprise(url: str) -> Notifier:
    try:
        from crm_adapters.notify.channels import AppriseNotifier
    except ModuleNotFoundError:
        raise Malformed("notifier_extra") from None
    return AppriseNotifier(url)
