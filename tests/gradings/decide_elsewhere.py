"""Grades a small estate and prints digests of every decision; run in processes of their own.

What varies between the processes must not show: hash seed, time zone, locale.
"""

from __future__ import annotations

import json
import locale
import sys
from datetime import date, timedelta
from hashlib import sha256

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import RecordInterest, RegisterHousehold
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.requests.commands import ReceiveRequest

CLERK = Actor("S1", "specialist")
START = parse_instant("2011-01-01T00:30:00+08:00")  # still 2010 in UTC
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8")


def fill(crm: CRM) -> None:
    """Eight households, each with another story."""
    for n in range(8):
        home, at = f"户{n}İı", START + timedelta(hours=n)
        commands = [
            RegisterHousehold(
                home,
                "星河小区",
                "1号楼",
                "1单元",
                f"{n}01",
                owner=Personal(f"{home}#owner", "业主"),
            ),
            RaiseCharge(home, f"C{n}", "parking", "2011-01", 1000 + n, date(2011, 1, 31)),
            ReceivePayment(home, f"P{n}", 1000, date(2011, 2, 1) + timedelta(days=30 * n), "cash"),
            RecordPurchase(home, f"B{n}", "éclairage", 300_000 * n + 1, date(2011, 12, 31)),
            *(
                ReceiveRequest(
                    f"R{n}-{i}", home, "app", "complaint", "other", "major", "漏水 İ", at, "S1"
                )
                for i in range(n)
            ),
            RecordInterest(home, "gym", date(2011, 5, 5), Word(f"{home}#owner", "app", "I-1")),
        ]
        for number, command in enumerate(commands):
            crm.do(command, by=CLERK, id=f"{n}-{number}", at=at)


def main() -> None:
    for name in LOCALES:
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:  # not installed here; the one the process began with stays
            locale.setlocale(locale.LC_ALL, "C")
        with open_crm("memory:") as crm:
            fill(crm)
            run = crm.grade(2011)
            bytes_of = [crm.log.canonical(grading) for grading in run.gradings]
            said = [crm.explain(g.household, 2011, lang="zh") for g in run.gradings]
            replay = crm.replay()
        result = {
            "run": run.run,
            "decisions": sha256(b"".join(bytes_of)).hexdigest(),
            "explanations": sha256(json.dumps(said).encode()).hexdigest(),
            "identical": replay.identical,
        }
        sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
