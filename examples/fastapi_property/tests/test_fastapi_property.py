"""The application as its clients see it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fastapi_property.app import make_app

from crm_adapters import open_crm
from crm_core import CRM, Actor
from crm_core.errors import StoreUnreachable
from crm_core.owners import RegisterHousehold
from crm_core.payments import RaiseCharge

CLERK = Actor("S1", "specialist")
S1, M1 = ({"Authorization": f"Bearer token-of-{who}"} for who in ("s1", "m1"))
PAYMENT = {
    "household": "V1",
    "payment": "P1",
    "amount_fen": 12700,
    "paid_on": "2024-03-01",
    "method": "cash",
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101"), by=CLERK)
        charge = RaiseCharge("V1", "C1", "management_fee", "2024", 50_000, date(2024, 2, 1))
        crm.do(charge, by=CLERK)
    return url


@pytest.fixture
def client(url: str) -> Iterator[TestClient]:
    with TestClient(make_app(lambda: open_crm(url))) as client:
        yield client


def pay(client: TestClient, key: str = "k1", who: Any = S1, **changes: Any) -> Any:
    return client.post(
        "/payments", json={**PAYMENT, **changes}, headers={**who, "Idempotency-Key": key}
    )


def test_a_payment_sent_again_is_recorded_once_and_answered_alike(client: TestClient) -> None:
    before = client.get("/health").json()["position"]
    first, again = pay(client), pay(client)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["stream"] == "account/V1"
    assert client.get("/health").json()["position"] == first.json()["position"] > before


def test_a_payment_sent_many_times_at_once_is_recorded_once(client: TestClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: pay(client), range(48)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


def test_threads_share_one_crm(client: TestClient) -> None:
    """Many payments at once into one account: others are first all the time."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: pay(client, f"k{n}", payment=f"P{n}"), range(40)))
    assert {answer.status_code for answer in answers} <= {200, 503}
    for answer in answers:
        assert answer.status_code == 200 or answer.headers["Retry-After"] == "1"


def test_a_key_of_somebody_else_is_another_key(client: TestClient) -> None:
    assert pay(client).status_code == 200
    assert pay(client, who=M1, payment="P2").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": "k1", "amount_fen": 1}, 422, "CRM-F002"),
        ({"key": ""}, 422, "CRM-I001"),
        ({"key": "k2", "household": "V9"}, 409, "CRM-R001"),
        ({"key": "k3", "method": "gold"}, 409, "CRM-R001"),
    ],
)
def test_what_is_wrong_has_its_status_and_its_code(
    client: TestClient, changes: dict[str, Any], status: int, code: str
) -> None:
    pay(client)
    answer = pay(client, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Retry-After" not in answer.headers


def test_without_a_key_or_a_login_nothing_is_done(client: TestClient) -> None:
    assert client.post("/payments", json=PAYMENT, headers=S1).status_code == 422
    assert client.post("/payments", json=PAYMENT).status_code == 401


def test_what_passes_says_when_to_come_again(url: str) -> None:
    def ended(*_: object) -> Any:
        raise StoreUnreachable("process_forked", store="/srv/secret.db")

    def opener() -> CRM:
        crm = open_crm(url)
        crm.log.append = ended  # type: ignore[method-assign]
        return crm

    with TestClient(make_app(opener)) as client:
        answer = pay(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "secret" not in answer.text


def test_who_owes_is_read(client: TestClient) -> None:
    answer = client.get("/arrears", params={"on": "2024-06-30"}, headers=M1)
    assert answer.json() == [{"household": "V1", "overdue_fen": 50_000}]


def test_the_log_is_closed_with_the_server(url: str) -> None:
    opened: list[CRM] = []

    def opener() -> CRM:
        opened.append(open_crm(url))
        return opened[-1]

    app = make_app(opener)
    assert not opened
    with TestClient(app):
        assert len(opened) == 1
    with open_crm(url) as again:
        assert again.verify().intact
