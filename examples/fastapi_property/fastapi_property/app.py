"""The application: `uvicorn --factory fastapi_property.app:make_app`.

One CRM for the process, opened when the server begins and closed when it ends. The end-points are
plain functions, so that FastAPI runs each in a thread of its pool: the library is synchronous.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from crm_adapters import open_crm
from crm_adapters.hosting import command_id, problem, retry_after, status_of
from crm_core import CRM, Actor
from crm_core.crm import Receipt
from crm_core.errors import CrmError
from crm_core.payments import ReceivePayment

PEOPLE = {"token-of-s1": Actor("S1", "specialist"), "token-of-m1": Actor("M1", "manager")}
"""Who logs in by what; yours come from your own directory, and never from the body of a request."""


class Payment(BaseModel):
    """A payment as a client tells it; amounts are fen."""

    household: str
    payment: str
    amount_fen: int
    paid_on: date
    method: str


def the_crm(request: Request) -> CRM:
    """The CRM of this process."""
    crm: CRM = request.app.state.crm
    return crm


class NotLoggedIn(Exception):
    """Nobody is logged in."""


def whoever(authorization: Annotated[str, Header()] = "") -> Actor:
    """Who is logged in."""
    found = PEOPLE.get(authorization.removeprefix("Bearer "))
    if found is None:
        raise NotLoggedIn
    return found


Crm = Annotated[CRM, Depends(the_crm)]
By = Annotated[Actor, Depends(whoever)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


def shown(receipt: Receipt) -> dict[str, Any]:
    """A receipt as an answer."""
    kept = receipt.stream, receipt.version, receipt.position
    return dict(zip(("stream", "version", "position"), kept, strict=True))


def receive_payment(payment: Payment, crm: Crm, by: By, idempotency_key: Key = None) -> Any:
    """Record a payment; sent again under its key, it is recorded once and answered alike."""
    command = ReceivePayment(**payment.model_dump())
    return shown(crm.do(command, by=by, id=command_id(by.id, idempotency_key)))


def arrears(on: date, crm: Crm, by: By) -> Any:
    """Who owes what."""
    lines = crm.accounts.arrears(on, by=by, purpose="collection")
    return [{"household": line.household, "overdue_fen": line.aged.overdue_fen} for line in lines]


async def head(crm: Crm) -> Any:
    """Whether the log answers: how an end-point that must be `async` asks, in a thread."""
    return {"position": await run_in_threadpool(crm.log.head)}


def refuse(_: Request, error: Exception) -> JSONResponse:
    """An error of the library as an answer."""
    assert isinstance(error, CrmError)
    seconds = retry_after(error)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return JSONResponse(
        problem(error), status_of(error), headers, media_type="application/problem+json"
    )


def stranger(_: Request, __: Exception) -> JSONResponse:
    """Nobody is logged in."""
    return JSONResponse({"status": 401}, 401, {"WWW-Authenticate": "Bearer"})


def make_app(opener: Callable[[], CRM] | None = None) -> FastAPI:
    """The application; the log is opened when the server begins, after all forks."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        crm = await run_in_threadpool(opener or (lambda: open_crm(os.environ["CRM_DB"])))
        app.state.crm = crm
        try:
            yield
        finally:
            await run_in_threadpool(crm.close)

    app = FastAPI(lifespan=lifespan)
    app.post("/payments")(receive_payment)
    app.get("/arrears")(arrears)
    app.get("/health")(head)
    app.exception_handler(CrmError)(refuse)
    app.exception_handler(NotLoggedIn)(stranger)
    return app
