"""Writes the corpus and its digests; run by hand, where event shapes or policies are new.

PYTHONPATH=src:src/adapters:tests/replay python tests/replay/make_corpus.py
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from decide_corpus import decided
from hypothesis import HealthCheck, Phase, given, seed, settings

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.gradings.reading import DEFAULT_READING
from crm_core.kernel.dates import instant_text, start_of_day
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.opinions.commands import RecordOpinion, WithdrawOpinion
from crm_core.owners.commands import (
    AddMember,
    AgreeDebtor,
    RegisterHousehold,
    ReleaseDebtor,
    TransferOwnership,
)
from crm_core.owners.facts import REGISTERED
from crm_core.payments.commands import (
    AcknowledgeDebt,
    AgreeClause,
    ClaimLateCharge,
    DecideDispute,
    DecideWaiver,
    DisputeCharge,
    EndClause,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    TakeBackWaiver,
    WithdrawDispute,
)
from crm_core.payments.events import Instalment
from crm_core.requests.commands import ReceiveRequest
from crm_core.testing.strategies import Estate, estates, knowledge, play
from crm_core.testing.strategies.values import CLERK, MANAGER

YEAR = 2011
LATE = "late-charge-daily"
ESTATES = 30
HERE = Path(__file__).parent


def told(tell: Callable[[CRM], object], known: datetime) -> dict[str, Any]:
    """An estate as its log holds it, and what is asked about it."""
    with open_crm("memory:") as crm:
        tell(crm)
        households = {
            household: [
                {
                    "position": e.position,
                    "name": e.name,
                    "household": e.household,
                    "effective": e.effective.isoformat(),
                    "recorded": instant_text(e.recorded),
                    "data": json.loads(crm.log.canonical(e.event)),
                }
                for e in events
            ]
            for household, events in crm.log.by_household(names=EVENT_NAMES | {REGISTERED})
        }
        cutoffs = (crm.gradings.cutoff(None), crm.gradings.cutoff(known))
    asked = [
        {
            "year": year,
            "position": cutoff.position,
            "known": instant_text(cutoff.known),
            "policy": policy,
            "reading": DEFAULT_READING,
        }
        for year, policy in (
            (YEAR, "grade-cn-default/1"),
            (YEAR, "grade-cn-default/2"),
            (YEAR + 1, "grade-cn-monotone/1"),
        )
        for cutoff in cutoffs
    ]
    return {"households": households, "asked": asked}


def at_the_edges(crm: CRM) -> None:
    """Who buys around the amounts on which layers turn, and who owes for how long."""
    amounts = (7_999_99, 8_000_00, 9_999_99, 10_000_00, 15_999_99, 16_000_00, 20_000_00)
    for number, fen in enumerate(amounts):
        home, on = f"G{number}", date(YEAR, 3, 1)
        for command in (
            RegisterHousehold(home, "星河小区", "1号楼", "1单元", f"{number}01"),
            RaiseCharge(home, "C1", "parking", "2011", 100, on),
            ReceivePayment(home, "P1", 100, on, "cash"),
            RecordPurchase(home, "B0", "保洁", fen * 10 // 11 * (number % 2), date(YEAR - 1, 3, 1)),
            RecordPurchase(home, "B1", "保洁", fen, on),
        ):
            if getattr(command, "amount_fen", 1):
                crm.do(command, by=CLERK, at=start_of_day(date(YEAR, 4, 1)))
    at = start_of_day(date(YEAR, 4, 1))
    fields = ("phone", "complaint", "cleaning", "general", "漏水", at, "S1")
    for command in (
        RegisterHousehold("V9", "星河小区", "1号楼", "1单元", "901"),
        RaiseCharge("V9", "C1", "parking", "2011", 100, date(YEAR, 6, 1)),
        RegisterHousehold("V8", "星河小区", "1号楼", "1单元", "801"),
        RaiseCharge("V8", "C1", "parking", "2010", 100, date(YEAR - 1, 6, 1)),
        RegisterHousehold("V7", "星河小区", "1号楼", "1单元", "702"),
        RaiseCharge("V7", "C1", "parking", "2011", 100, date(YEAR, 9, 1)),
        RegisterHousehold("V6", "星河小区", "2号楼", "1单元", "601"),
        RaiseCharge("V6", "C1", "parking", "2011", 100, date(YEAR, 12, 10)),
        *(ReceiveRequest(f"R{number}", "V9", *fields) for number in range(4)),
        RegisterHousehold("V4", "星河小区", "2号楼", "1单元", "401"),
        RaiseCharge("V4", "C1", "parking", "2011", 100, date(YEAR, 6, 1)),
        ReceivePayment("V4", "P1", 100, date(YEAR, 4, 1), "cash"),
        RecordPurchase("V4", "B1", "保洁", 900_00, date(YEAR, 4, 1)),
        *(ReceiveRequest(f"R{number}", "V4", *fields) for number in range(4, 8)),
    ):
        crm.do(command, by=CLERK, at=at)
    day, word = date(YEAR, 7, 1), Word("V5#owner", "letter", "letter-1")
    owner = AddMember("V5", "V5#owner", "owner", day, Personal("V5#owner", "业主"))
    for command in (
        RegisterHousehold("V5", "星河小区", "2号楼", "1单元", "501"),
        owner,
        *(
            RaiseCharge("V5", f"C{n}", "management_fee", "2011", 100_00, date(YEAR, n, 1))
            for n in (1, 3, 5)
        ),
        DisputeCharge("V5", "D1", "C1", 100_00, day, "not delivered", word),
        ProposeDisputeDecision("V5", "D1", 40_00, date(YEAR, 8, 1), "partly"),
        DecideDispute("V5", "D1", True, date(YEAR, 8, 1)),
        DisputeCharge("V5", "D2", "C3", 50_00, day, "too much", word),
        WithdrawDispute("V5", "D2", date(YEAR, 7, 20), "settled", word),
        PromisePayment(
            "V5", "W1", (Instalment(amount_fen=60_00, due=date(YEAR, 9, 1)),), day, "asked", word
        ),
        AcknowledgeDebt("V5", "A1", ("C5",), day, "letter-1", word),
        RecordOpinion("V5", "O1", "forum", "V5#owner", day, "thread-1"),
        RecordOpinion("V5", "O2", "meeting", "V5#owner", day, "meeting-1"),
        WithdrawOpinion("V5", "O2", day, "another household"),
        AgreeClause("V5", "K1", "late_charge", LATE, date(YEAR, 1, 1), "contract", word),
        ClaimLateCharge("V5", "L1", "C5", date(YEAR, 9, 1), date(YEAR, 9, 8), LATE),
    ):
        decides = isinstance(command, DecideDispute | ClaimLateCharge)
        by = MANAGER if decides else CLERK
        crm.do(command, by=by, at=start_of_day(date(YEAR, 9, 2)))


def changed_hands(crm: CRM) -> None:
    """Who bought, who owes by contract, and bills and waivers that were put right (PAY-16)."""
    day, sold = date(YEAR, 1, 10), date(YEAR, 6, 16)
    word = Word("T1#owner", "letter", "letter-2")
    owner, tenant = Personal("T1#owner", "业主"), Personal("T1#tenant", "租户")
    for command in (
        RegisterHousehold("T1", "星河小区", "3号楼", "1单元", "101", owner=owner),
        *(
            RaiseCharge("T1", f"C{n}", "management_fee", "2011", 100_00, date(YEAR, n, 1))
            for n in (1, 3, 5, 7, 9)
        ),
        RaiseCharge("T1", "N1", "management_fee", "2011", -30_00, day, corrects="C3"),
        AgreeClause("T1", "K1", "late_charge", LATE, day, "contract", word),
        EndClause("T1", "K1", date(YEAR, 2, 1), "new contract"),
        ProposeWaiver("T1", "W1", "C1", 50_00, date(YEAR, 2, 1), "flood"),
        DecideWaiver("T1", "W1", True, date(YEAR, 2, 1)),
        TakeBackWaiver("T1", "W1", date(YEAR, 3, 1), "no flood"),
        AddMember("T1", "T1#tenant", "tenant", day, tenant),
        AgreeDebtor("T1", "A1", "T1#tenant", date(YEAR, 4, 1), "lease 7"),
        ReleaseDebtor("T1", "A1", date(YEAR, 5, 31), "moved out"),
        TransferOwnership(
            "T1", "T1#buyer", sold, Personal("T1#buyer", "买方"), reason="transfer of ownership"
        ),
        ReceivePayment("T1", "P1", 250_00, date(YEAR, 8, 1), "cash", payer="T1#owner"),
        ReceivePayment("T1", "P2", 70_00, date(YEAR, 8, 2), "cash", charge="C7"),
        RegisterHousehold("T2", "星河小区", "3号楼", "1单元", "102"),
        RaiseCharge("T2", "C1", "parking", "2011", 100, date(YEAR, 11, 15)),
    ):
        decides = isinstance(command, DecideWaiver | TakeBackWaiver)
        crm.do(command, by=MANAGER if decides else CLERK, at=start_of_day(date(YEAR, 9, 2)))


def main() -> None:
    found: list[dict[str, Any]] = []

    @seed(20111231)
    @settings(
        max_examples=ESTATES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(estates(YEAR), knowledge(YEAR))
    def collect(estate: Estate, known: datetime) -> None:
        found.append(told(lambda crm: play(crm, estate), known))

    collect()
    found.append(told(at_the_edges, start_of_day(date(YEAR + 1, 1, 1))))
    found.append(told(changed_hands, start_of_day(date(YEAR + 1, 1, 1))))
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in found)
    (HERE / "corpus.json").write_text(f'{{"estates":[\n{lines}\n]}}\n', encoding="utf-8")
    digests = json.dumps(decided(dict(enumerate(found))), indent=0)
    (HERE / "expected.json").write_text(digests + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
