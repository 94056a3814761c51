"""The views, and how errors become answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from crm_adapters.hosting import command_id, problem, retry_after, status_of
from crm_core import Actor
from crm_core.errors import CrmError
from crm_core.payments import ReceivePayment

from .log import crm

PEOPLE = {"token-of-s1": Actor("S1", "specialist"), "token-of-m1": Actor("M1", "manager")}
"""Who logs in by what; yours is `request.user`, and never something in the body."""


class NotLoggedInError(Exception):
    """Nobody is logged in."""


def whoever(request: HttpRequest) -> Actor:
    """Who is logged in."""
    found = PEOPLE.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if found is None:
        raise NotLoggedInError
    return found


def answer(error: CrmError) -> JsonResponse:
    """An error of the library as an answer."""
    seconds = retry_after(error)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return JsonResponse(
        problem(error),
        status=status_of(error),
        headers=headers,
        content_type="application/problem+json",
    )


class errors_as_answers:  # noqa: N801 - a middleware is called like a function
    """Middleware: errors of the library have statuses of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view raised."""
        if isinstance(error, NotLoggedInError):
            return JsonResponse({"status": 401}, status=401)
        return answer(error) if isinstance(error, CrmError) else None


@csrf_exempt
@require_POST
def receive_payment(request: HttpRequest) -> HttpResponse:
    """Record a payment; sent again under its key, it is recorded once and answered alike."""
    by = whoever(request)
    said: dict[str, Any] = json.loads(request.body)
    command = ReceivePayment(
        household=said["household"],
        payment=said["payment"],
        amount_fen=said["amount_fen"],
        paid_on=date.fromisoformat(said["paid_on"]),
        method=said["method"],
    )
    key = command_id(by.id, request.headers.get("Idempotency-Key"))
    receipt = crm().do(command, by=by, id=key)
    return JsonResponse(
        {"stream": receipt.stream, "version": receipt.version, "position": receipt.position}
    )


@require_GET
def health(_: HttpRequest) -> HttpResponse:
    """Whether the log answers."""
    return JsonResponse({"position": crm().log.head()})
