"""The application as its clients see it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment

from crm_adapters import open_crm
from crm_core import Actor
from crm_core.owners import RegisterHousehold

os.environ["DJANGO_SETTINGS_MODULE"] = "django_property.settings"
django.setup()
setup_test_environment()

from django_property.log import crm  # noqa: E402

PAYMENT = {
    "household": "V1",
    "payment": "P1",
    "amount_fen": 12700,
    "paid_on": "2024-03-01",
    "method": "cash",
}


@pytest.fixture(autouse=True)
def _log(tmp_path: Path) -> Iterator[None]:
    settings.CRM_DB = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(settings.CRM_DB, create=True) as made:
        made.do(RegisterHousehold("V1", "Anhe", "1", "1", "101"), by=Actor("S1", "specialist"))
    yield
    crm.close()


def pay(key: str | None = "k1", token: str = "token-of-s1", **changes: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return Client().post(
        "/payments", {**PAYMENT, **changes}, content_type="application/json", headers=headers
    )


def test_a_payment_sent_again_is_recorded_once_and_answered_alike() -> None:
    first, again = pay(), pay()
    assert first.status_code == again.status_code == 200, first.content
    assert first.json() == again.json()
    assert Client().get("/health").json()["position"] == first.json()["position"]


def test_a_payment_sent_many_times_at_once_is_recorded_once() -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: pay(), range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "k1", "amount_fen": 1}, 422, "CRM-F002"),
        ({"key": None}, 422, "CRM-I001"),
        ({"key": "k2", "household": "V9"}, 409, "CRM-R001"),
    ],
)
def test_what_is_wrong_has_its_status_and_its_code(
    changes: dict[str, Any], status: int, code: str
) -> None:
    pay()
    answer = pay(**changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_nobody_does_nothing() -> None:
    assert pay(token="somebody").status_code == 401


def test_a_worker_that_is_forked_opens_its_own_log() -> None:
    """As a server that loads the application once does."""
    assert pay().status_code == 200
    child = os.fork()
    if not child:
        status = pay("k2", payment="P2").status_code
        os._exit(0 if status == 200 else 1)
    _, ended = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended) == 0
    assert pay("k3", payment="P3").status_code == 200
    events = [e.event for e in crm().history("account/V1")]
    assert {getattr(event, "payment", "") for event in events} >= {"P1", "P2", "P3"}
