"""A flat that is sold twice in a year, the second time known late: who owes what (PAY-16, K27)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Refused
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.word import Word
from crm_core.owners import EndRole, RegisterHousehold, TransferOwnership
from crm_core.owners.commands import AddMember, owner_id
from crm_core.payments import PromisePayment, RaiseCharge, ReceivePayment
from crm_core.payments.events import Instalment, Part

CLERK, FINANCE, MANAGER = (
    Actor("S1", "specialist"),
    Actor("F1", "finance"),
    Actor("M1", "manager"),
)
AI, BO, CY = owner_id("V1"), "V1#bo", "V1#cy"


def day(text: str) -> date:
    return date.fromisoformat(text)


class Clock:
    """Stands at noon of the day that is told."""

    today = day("2023-01-01")

    def now(self) -> datetime:
        return start_of_day(self.today).replace(minute=30)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.host.clock = Clock()
        told(
            opened,
            "2023-01-01",
            RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=Personal(AI, "Ai")),
        )
        yield opened


def told(crm: CRM, on: str, *commands: Any, by: Actor = CLERK) -> None:
    """On that day somebody enters something."""
    crm.clock.today = day(on)  # type: ignore[attr-defined]
    for command in commands:
        crm.do(command, by=by)


def bill(number: str, due: str) -> RaiseCharge:
    return RaiseCharge("V1", number, "management_fee", due[:7], 100_00, day(due))


def pays(number: str, on: str, fen: int, payer: str | None = None, **more: Any) -> ReceivePayment:
    return ReceivePayment("V1", number, fen, day(on), "transfer", payer=payer, **more)


def credit(crm: CRM, on: str, known: datetime | None = None) -> tuple[str, int, int]:
    [line] = crm.accounts.credit(day(on), known=known)
    return line.grade, line.overdue_days, line.overdue_fen


def owing(crm: CRM, on: str) -> dict[str, int]:
    return {row.tenure: row.overdue_fen for row in crm.accounts.owing(day(on))}


def ladder(crm: CRM, tenure: str) -> list[tuple[str, tuple[str, ...]]]:
    """Acts of the ladder with their charges."""
    stream = "collection/V1" if tenure == "first" else f"collection/V1@{tenure}"
    events = [e.event for e in crm.history("V1") if e.stream == stream]
    return [(e.act, e.charges) for e in events if hasattr(e, "act") and hasattr(e, "needs")]


@pytest.mark.rule("PAY-16", "OWN-02", "PAY-03", "PAY-10", "GRD-01")
@pytest.mark.case("K27")
def test_a_flat_sold_twice_in_a_year_the_second_time_known_late(crm: CRM) -> None:
    """Each owner has their own statement, credit and ladder, and nobody another one's."""
    # Ai owes since January, and sells to Bo in the middle of June.
    for number, due in (("C1", "2024-01-31"), ("C2", "2024-04-30"), ("C3", "2024-07-31")):
        told(crm, "2024-01-01", bill(number, due))
    told(
        crm,
        "2024-06-16",
        TransferOwnership(
            "V1", BO, day("2024-06-16"), Personal(BO, "Bo"), reason="transfer of ownership"
        ),
    )
    assert credit(crm, "2024-06-15") == ("B3", 136, 200_00)
    assert credit(crm, "2024-06-16") == ("A", 0, 0)
    assert owing(crm, "2024-06-16") == {"first": 200_00}

    # Bo pays what fell due in July, and a part of Ai's January; Ai pays something, too.
    told(crm, "2024-08-05", pays("P1", "2024-08-05", 100_00))
    told(crm, "2024-08-06", pays("P2", "2024-08-06", 30_00, charge="C1"), by=FINANCE)
    told(crm, "2024-08-07", pays("P3", "2024-08-07", 20_00, payer=AI), by=FINANCE)
    assert owing(crm, "2024-08-31") == {"first": 150_00}
    assert credit(crm, "2024-08-31") == ("A", 0, 0)
    ai = crm.accounts.statement("V1", day("2024-08-31"), tenure="first")
    assert (ai["balance_fen"], ai["debtors"]) == (150_00, [AI])
    assert {row["charge"]: row["unpaid_fen"] for row in ai["unpaid"]} == {
        "C1": 50_00,
        "C2": 100_00,
    }

    # Bills go on; what fell due in November is Bo's as far as anybody knows.
    told(crm, "2024-09-01", bill("C4", "2024-10-31"), bill("C5", "2024-11-30"))
    crm.clock.today = day("2024-12-20")  # type: ignore[attr-defined]
    crm.tick()
    assert credit(crm, "2024-12-20") == ("B2", 50, 200_00)
    before = crm.clock.now()

    # In January it comes to be known that Bo sold to Cy on the last day of October.
    told(
        crm,
        "2025-01-10",
        AddMember("V1", CY, "owner", day("2024-11-01"), Personal(CY, "Cy")),
        EndRole("V1", BO, "owner", day("2024-10-31"), "sold"),
    )
    crm.clock.today = day("2025-01-11")  # type: ignore[attr-defined]
    crm.tick()

    # The last day of October is Bo's, and November is Cy's: as known now, not as known then.
    assert owing(crm, "2024-12-20") == {
        "first": 150_00,
        "2024-06-16": 100_00,
        "2024-11-01": 100_00,
    }
    assert credit(crm, "2024-12-20") == ("B1", 20, 100_00)
    assert credit(crm, "2024-12-20", before) == ("B2", 50, 200_00)
    for tenure, balance, debtors in (
        ("first", 150_00, [AI]),
        ("2024-06-16", 100_00, [BO]),
        ("2024-11-01", 100_00, [CY]),
    ):
        said = crm.accounts.statement("V1", day("2024-12-31"), tenure=tenure)
        assert (said["balance_fen"], said["debtors"]) == (balance, debtors)
        assert said["lines"][-1]["balance_fen"] == balance
    assert crm.accounts.statement("V1", day("2024-12-31"))["tenure"] == "2024-11-01"

    # Each is asked for their own charges alone.
    asked = {charge for _, charges in ladder(crm, "2024-11-01") for charge in charges}
    assert asked <= {"C5"}
    assert asked
    assert {c for _, charges in ladder(crm, "first") for c in charges} == {"C1", "C2"}

    # The year's grading is Cy's: nothing of Ai and Bo is in it, or explains it.
    run = crm.grade(2024, by=MANAGER)
    [grading] = run.gradings
    assert (grading.facts.credit, grading.facts.worst_credit) == ("B2", "B2")
    assert grading.facts.overdue_fen == 100_00
    assert grading.facts.charges_due == 1
    seen = {e.position: e.event for e in crm.history("V1")}
    assert {getattr(seen[p], "charge", None) for p in grading.evidence.credit} == {"C5"}


@pytest.mark.rule("PAY-16", "PAY-01", "PAY-02")
@pytest.mark.case("K24")
def test_one_transfer_pays_for_both_owners_and_what_is_left_is_the_payers(crm: CRM) -> None:
    told(crm, "2024-01-01", bill("C1", "2024-01-31"), bill("C2", "2024-07-31"))
    told(
        crm,
        "2024-06-16",
        TransferOwnership(
            "V1", BO, day("2024-06-16"), Personal(BO, "Bo"), reason="transfer of ownership"
        ),
    )
    parts = (Part("C1", 120_00), Part("C2", 50_00))
    told(crm, "2024-08-01", pays("P1", "2024-08-01", 200_00, payer=AI, parts=parts), by=FINANCE)
    # Of the 120 for Ai's own bill 20 are left over, of the rest nobody said what for: 50 of Ai's.
    ai = crm.accounts.statement("V1", day("2024-08-01"), tenure="first")
    bo = crm.accounts.statement("V1", day("2024-08-01"))
    assert (ai["balance_fen"], ai["advance_fen"]) == (-50_00, 50_00)
    # A seller's credit never settles the buyer's charge.
    assert (bo["balance_fen"], bo["overdue_fen"]) == (50_00, 50_00)
    told(crm, "2024-08-02", pays("P2", "2024-08-02", 70_00, payer=AI, charge="C2"), by=FINANCE)
    ai, bo = (
        crm.accounts.statement("V1", day("2024-08-02"), tenure=tenure)
        for tenure in ("first", "2024-06-16")
    )
    assert (ai["balance_fen"], bo["balance_fen"]) == (-70_00, 0)


@pytest.mark.rule("PAY-09", "PAY-16")
def test_the_sellers_promise_neither_bars_the_buyers_nor_is_kept_by_their_money(crm: CRM) -> None:
    told(crm, "2024-01-01", bill("C1", "2024-01-31"), bill("C2", "2024-07-31"))
    told(crm, "2024-06-01", promises("Q1", AI, "2024-06-01", "2024-09-30"))
    told(
        crm,
        "2024-06-16",
        TransferOwnership(
            "V1", BO, day("2024-06-16"), Personal(BO, "Bo"), reason="transfer of ownership"
        ),
    )
    told(crm, "2024-08-05", promises("Q2", BO, "2024-08-05", "2024-08-20"))
    told(crm, "2024-08-10", pays("P1", "2024-08-10", 100_00, payer=BO))
    found = {
        one["promise"]: one["status"]
        for tenure in ("first", "2024-06-16")
        for one in crm.accounts.statement("V1", day("2024-08-31"), tenure=tenure)["promises"]
    }
    assert found == {"Q1": "open", "Q2": "kept"}
    with pytest.raises(Refused) as refused:
        told(crm, "2024-08-11", promises("Q3", AI, "2024-08-11", "2024-09-30"))
    assert refused.value.reason == "promise_open"


def promises(number: str, member: str, on: str, due: str) -> PromisePayment:
    part = Instalment(amount_fen=100_00, due=day(due))
    word = Word(member, "phone", "call 7")
    return PromisePayment("V1", number, (part,), day(on), "asked for time", word)
