"""What a web server needs beside the facade, whatever its framework.

See `docs/how-to/host-in-a-web-server.md`.

Statuses of errors, ids of commands that clients send again, one CRM for each process, patience.
"""

from __future__ import annotations

import os
import secrets
import time
import weakref
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Any

from crm_core.crm import CRM
from crm_core.errors import (
    CommandReused,
    CrmError,
    Failed,
    Invalid,
    NotDelivered,
    PersonErased,
    PolicyInactive,
    Refused,
    StoreFull,
    StoreUnreachable,
)
from crm_core.kernel.sentences import Lang
from crm_core.kernel.values import frozen

# --- statuses ----------------------------------------------------------------------------------

FORBIDDEN, NOT_FOUND, CONFLICT, GONE, UNPROCESSABLE = 403, 404, 409, 410, 422
BROKEN, BAD_GATEWAY, UNAVAILABLE = 500, 502, 503

_NOT_THEIRS = "LOG-08"
"""The rule by which somebody may not do something, whatever they say."""

_NOBODY = frozenset({"actor_malformed", "actor_role_unknown"})

_NOT_THERE = frozenset(
    {
        "assessment_unknown",
        "care_plan_unknown",
        "draw_unknown",
        "grading_unknown",
        "household_unknown",
        "run_unknown",
        "tenure_unknown",
        "visit_unknown",
    }
)
"""Codes of faults that say that what was asked for is not there."""

_SECONDS: dict[type[CrmError], int] = {StoreUnreachable: 5, StoreFull: 60}
"""After how long an error that passes may have passed; else after one second."""


def status_of(error: CrmError) -> int:
    """The HTTP status that says the same as an error.

    >>> status_of(StoreUnreachable("pool_exhausted", store="crm.db"))
    503
    """
    match error:
        case Refused():
            return FORBIDDEN if error.rule == _NOT_THEIRS else CONFLICT
        case PolicyInactive():
            return CONFLICT
        case Invalid():
            codes = {fault.code for fault in error.faults}
            if codes & _NOBODY:
                return FORBIDDEN
            return NOT_FOUND if codes and codes <= _NOT_THERE else UNPROCESSABLE
        case CommandReused():
            return UNPROCESSABLE
        case PersonErased():
            return GONE
        case Failed() if error.retry_safe:
            return UNAVAILABLE
        case NotDelivered():
            return BAD_GATEWAY
    return BROKEN


def retry_after(error: CrmError) -> int | None:
    """After how many seconds it may be sent again; None where that would change nothing.

    A client waits that long, twice as long the next time, and so on, each time a little longer or
    shorter than others do; and sends the same id again.
    """
    if not error.retry_safe:
        return None
    return _SECONDS.get(type(error), 1)


def problem(error: CrmError, lang: Lang = "en") -> dict[str, Any]:
    """The error as the body of an answer: `application/problem+json` of RFC 9457.

    What is wrong on the side of the server is told by its code alone: a client learns no name of a
    store or a file.
    """
    status = status_of(error)
    told = {"status": status, "title": type(error).__name__, **error.as_dict()}
    del told["message"]
    if status >= BROKEN:
        return {name: told[name] for name in ("status", "title", "code")}
    if isinstance(error, Invalid):
        for shown, fault in zip(told["faults"], error.faults, strict=True):
            shown["message"] = fault.told(lang)
    return {**told, "detail": error.told(lang)}


# --- ids of commands ---------------------------------------------------------------------------

KEY_LENGTH_MAX = 255


def command_id(caller: str, key: str | None) -> str:
    """The id of a command from the header `Idempotency-Key`: the same for the same caller and key.

    No client can choose an id itself: with that of another, or with one that the library derives
    from an event, it could have a command of theirs taken for one that was done before.

    Args:
        caller: Who is logged in: two callers may have the same key.
        key: The header, with or without quotes; None where there is none.

    Raises:
        Invalid: there is none, or it is none that can be used.
    """
    if key is None:
        raise Invalid.one("idempotency_key_missing", "Idempotency-Key")
    text = key.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not (0 < len(text) <= KEY_LENGTH_MAX and text.isascii() and text.isprintable()):
        raise Invalid.one("idempotency_key_malformed", "Idempotency-Key", most=KEY_LENGTH_MAX)
    joined = f"{len(caller)}:{caller}{text}"
    return f"http-{sha256(joined.encode()).hexdigest()[:40]}"


# --- processes ---------------------------------------------------------------------------------


class PerProcess:
    """One CRM for each process, opened when it is first asked for.

    In a process that was forked it opens another one. What was inherited is left alone: its
    connections are the parent's, and a lock of it may have been held when the fork was made.

    Args:
        opener: Opens it.
    """

    def __init__(self, opener: Callable[[], CRM]) -> None:
        self._opener = opener
        self._lock = Lock()
        self._crm: CRM | None = None
        self._inherited: list[CRM] = []
        forget = weakref.WeakMethod(self._begin_anew)

        def in_a_fork() -> None:
            method = forget()
            if method is not None:
                method()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=in_a_fork)

    def __call__(self) -> CRM:
        """The CRM of this process."""
        with self._lock:
            if self._crm is None:
                self._crm = self._opener()
            return self._crm

    def close(self) -> None:
        """Close it, if it was opened here; whoever asks then opens it anew."""
        with self._lock:
            crm, self._crm = self._crm, None
        if crm is not None:
            crm.close()

    def _begin_anew(self) -> None:
        self._lock = Lock()
        if self._crm is not None:
            # Kept, so that nothing of it is taken down here.
            self._inherited.append(self._crm)
        self._crm = None


# --- patience ----------------------------------------------------------------------------------


@frozen
class BackOff:
    """Patience that doubles: each wait is drawn between nothing and twice the bound before.

    So writers that met each other once do not meet again (full jitter).

    Args:
        tries: How often something is tried in all.
        first_ms: Bound of the first wait, in milliseconds.
        most_ms: Bound of any wait, in milliseconds.
        sleep: Waits so many seconds.
    """

    tries: int = 8
    first_ms: int = 5
    most_ms: int = 250
    sleep: Callable[[float], object] = time.sleep

    def wait(self, tried: int) -> None:
        """Wait before the next attempt."""
        bound = min(self.most_ms, self.first_ms * 2 ** (tried - 1))
        self.sleep(secrets.randbelow(bound * 1000 + 1) / 1_000_000)
