"""Bills and payments as billing systems have them, changes of owners, and the present (IMP-01)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_adapters.files.importing import ImportReport, import_files
from crm_core import CRM, Actor, Household, Personal
from crm_core.kernel.tenures import FIRST
from crm_core.owners import AddMember
from crm_core.owners.tenures import tenures
from crm_core.payments.commands import CancelCharge, ReversePayment
from crm_core.payments.events import Part, PaymentReceived

WHO = Actor("tester", "host")
FINANCE = Actor("F1", "finance")
NOW = datetime(2025, 1, 15, 4, tzinfo=UTC)

HOUSEHOLDS = """household,estate,building,unit,room,kind,owner,moved_in
V1,星河小区,1,1,101,person,张三,2010-03-01
V2,星河小区,1,1,102,person,,
"""
CHARGES = """charge,household,kind,period,amount,due,recorded
C1,V1,management_fee,2024-01,100.00,2024-01-01,2023-12-10T09:00:00+08:00
C2,V1,management_fee,2024-02,100.00,2024-02-01,2024-01-10T09:00:00+08:00
"""
PAYMENTS = "payment,household,amount,paid_on,method,charge,payer,recorded\n"
TRANSFERS = "household,member,role,name,since,until,recorded\n"
SOLD = """V1,V1#owner,owner,张三,2010-03-01,2024-06-15,{known}
V1,B1,owner,李四,2024-06-16,,{known}
"""


@attrs.frozen
class StoppedClock:
    """A clock that stands."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.host.clock = StoppedClock(NOW)
        yield opened


Load = Callable[..., ImportReport]


@pytest.fixture
def load(crm: CRM, tmp_path: Path) -> Load:
    """Imports files of the texts given, with the two households above."""

    def of(*, options: dict[str, Any] | None = None, **texts: str) -> ImportReport:
        folder = tmp_path / f"import-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, text in {"households": HOUSEHOLDS, **texts}.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        return import_files(crm, [folder], by=WHO, **(options or {}))

    return of


def placed(report: ImportReport) -> list[tuple[str, int, str, str]]:
    return [(f.file, f.row, f.column, f.code) for f in report.faults]


def received(crm: CRM, household: str = "V1") -> list[PaymentReceived]:
    stream = crm.history(f"account/{household}")
    return [e.event for e in stream if isinstance(e.event, PaymentReceived)]


def counts(report: ImportReport, file: str) -> tuple[int, int, int, int]:
    found = report.files[f"{file}.csv"]
    return found.rows, found.imported, found.repeated, found.faulty


# --- one payment in several rows -----------------------------------------------------------------


@pytest.mark.rule("PAY-01", "IMP-01")
@pytest.mark.case("K24")
def test_rows_of_one_number_are_one_payment_whose_parts_are_for_their_charges(
    load: Load, crm: CRM
) -> None:
    rows = PAYMENTS + "".join(
        f"P1,V1,{amount},2024-02-03,transfer,{charge},V1#owner,\n"
        for amount, charge in (("60.00", "C2"), ("100.00", "C1"), ("5.00", ""))
    )
    report = load(charges=CHARGES, payments=rows)
    assert not report.faults
    assert counts(report, "payments") == (3, 3, 0, 0)
    [paid] = received(crm)
    assert (paid.payment, paid.amount_fen, paid.charge) == ("P1", 165_00, None)
    assert paid.parts == (Part("C1", 100_00), Part("C2", 60_00))
    assert paid.payer == "V1#owner"
    # The same rows again, in whatever order, add nothing.
    head, *lines = rows.splitlines(keepends=True)
    again = load(charges=CHARGES, payments=head + "".join(reversed(lines)))
    assert (again.events, counts(again, "payments")) == (0, (3, 0, 3, 0))


@pytest.mark.case("K24")
def test_one_row_is_a_payment_as_before_and_another_household_may_use_its_number(
    load: Load, crm: CRM
) -> None:
    rows = "P1,V1,100.00,2024-02-03,cash,C1,,\nP1,V2,7.00,2024-02-04,card,,,\n"
    assert not load(charges=CHARGES, payments=PAYMENTS + rows).faults
    assert [(p.charge, p.parts, p.amount_fen) for p in received(crm)] == [("C1", (), 100_00)]
    assert [(p.charge, p.amount_fen) for p in received(crm, "V2")] == [(None, 7_00)]


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
@pytest.mark.parametrize(
    ("second", "column"),
    [
        ("P1,V1,60.00,2024-02-04,transfer,C2,,", "paid_on"),
        ("P1,V1,60.00,2024-02-03,cash,C2,,", "method"),
        ("P1,V1,60.00,2024-02-03,transfer,C2,V1#owner,", "payer"),
        ("P1,V1,60.00,2024-02-03,transfer,C2,,2024-02-05T09:00:00Z", "recorded"),
    ],
)
def test_rows_of_one_payment_that_say_different_things_are_a_fault(
    second: str, column: str, load: Load, crm: CRM
) -> None:
    first = "P1,V1,100.00,2024-02-03,transfer,C1,,"
    report = load(charges=CHARGES, payments=f"{PAYMENTS}{first}\n{second}\n")
    assert placed(report) == [("payments.csv", 3, column, "rows_differ")]
    assert "row 2" in report.faults[0].message
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
def test_the_same_charge_twice_in_one_payment_is_a_fault(load: Load) -> None:
    line = "P1,V1,50.00,2024-02-03,transfer,C1,,\n"
    report = load(charges=CHARGES, payments=PAYMENTS + 2 * line)
    assert placed(report) == [("payments.csv", 3, "payment", "row_twice")]


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
def test_the_row_that_names_an_unknown_charge_is_the_one_that_is_told(load: Load) -> None:
    rows = "P1,V1,60.00,2024-02-03,cash,C1,,\nP1,V1,40.00,2024-02-03,cash,C9,,\n"
    report = load(charges=CHARGES, payments=PAYMENTS + rows)
    assert placed(report) == [("payments.csv", 3, "charge", "unknown_charge")]
    # Also where one of them is in the log already.
    assert not load(charges=CHARGES).faults
    more = CHARGES + "C3,V1,management_fee,2024-03,100.00,2024-03-01,2024-02-10T09:00:00+08:00\n"
    rows = "P1,V1,60.00,2024-01-03,cash,C1,,\nP1,V1,40.00,2024-01-03,cash,C3,,\n"
    assert not load(charges=more.replace("C1,V1,m", "C7,V1,m"), payments=PAYMENTS + rows).faults


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
def test_a_payment_is_skipped_whole(load: Load, crm: CRM, tmp_path: Path) -> None:
    rows = (
        "P1,V1,60.00,2024-02-03,cash,C1,,\n"
        "P1,V1,4O.00,2024-02-03,cash,C2,,\n"
        "P2,V1,1.00,2024-02-03,cash,,,\n"
    )
    told = [("payments.csv", 3, "amount", "amount_malformed")]
    assert placed(load(charges=CHARGES, payments=PAYMENTS + rows)) == told
    rejects = tmp_path / "rejects.csv"
    skipping = {"skip_faulty": True, "rejects": rejects}
    report = load(charges=CHARGES, payments=PAYMENTS + rows, options=skipping)
    assert placed(report) == [("payments.csv", 2, "payment", "rows_incomplete"), *told]
    assert [paid.payment for paid in received(crm)] == ["P2"]
    assert counts(report, "payments") == (3, 1, 0, 2)
    assert "60.00" in rejects.read_text(encoding="utf-8")
    corrected = load(charges=CHARGES, payments=PAYMENTS + rows.replace("4O", "40"))
    assert counts(corrected, "payments") == (3, 2, 1, 0)
    assert [paid.amount_fen for paid in received(crm)] == [1_00, 100_00]


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
def test_a_row_more_of_a_payment_in_the_log_is_a_fault(load: Load) -> None:
    row = "P1,V1,60.00,2024-02-03,cash,C1,,\n"
    load(charges=CHARGES, payments=PAYMENTS + row)
    more = row + "P1,V1,40.00,2024-02-03,cash,C2,,\n"
    report = load(charges=CHARGES, payments=PAYMENTS + more)
    assert placed(report) == [("payments.csv", 2, "payment", "payment_exists")]


# --- bills of nothing, negative bills, debtors ---------------------------------------------------

ODD = "charge,household,kind,period,amount,due,debtor,corrects,recorded\n"


@pytest.mark.rule("PAY-01", "IMP-01")
@pytest.mark.case("K24")
def test_a_bill_of_nothing_and_one_below_zero_are_taken_in_any_order_of_the_file(
    load: Load, crm: CRM
) -> None:
    """The correction comes behind what it corrects, whichever the file has first."""
    report = load(
        charges=ODD
        + "N1,V1,management_fee,2024-01,-30.00,2024-01-01,,C1,\n"
        + "C1,V1,management_fee,2024-01,100.00,2024-01-01,,,\n"
        + "C0,V1,enforcement_costs,2024-01,0.00,2024-01-01,,,\n"
    )
    assert not report.faults
    names = [e.name for e in crm.history("account/V1")]
    assert sorted(names) == sorted(
        ["payments.charge_raised/1", "payments.charge_raised/1", "payments.charge_corrected/1"]
    )
    assert names.index("payments.charge_corrected/1") > 0
    owed = {line.household: line.overdue_fen for line in crm.accounts.credit(date(2024, 3, 1))}
    assert owed["V1"] == 70_00


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
def test_a_charge_is_known_at_the_latest_when_a_negative_bill_names_it(
    load: Load, crm: CRM
) -> None:
    """As when a payment does; without `recorded` its due date would come too late."""
    report = load(
        charges=ODD
        + "N1,V1,management_fee,2024-01,-30.00,2024-01-01,,C1,\n"
        + "C1,V1,management_fee,2024-02,100.00,2024-02-01,,,\n"
    )
    assert not report.faults
    known = {e.recorded for e in crm.history("account/V1")}
    assert known == {datetime(2023, 12, 31, 16, tzinfo=UTC)}


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
@pytest.mark.parametrize("parts", [("60.00", "0.00"), ("60.00", "-5.00")])
def test_no_part_of_a_payment_is_nothing_or_less(
    parts: tuple[str, str], load: Load, crm: CRM
) -> None:
    for charge in ("C2", ""):
        rows = (
            f"P1,V1,{parts[0]},2024-02-03,cash,C1,,\nP1,V1,{parts[1]},2024-02-03,cash,{charge},,\n"
        )
        report = load(charges=CHARGES, payments=PAYMENTS + rows)
        assert placed(report) == [("payments.csv", 3, "amount", "amount_out_of_range")]
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K24")
@pytest.mark.parametrize(
    ("amount", "corrects", "column", "code"),
    [
        ("-30.00", "", "corrects", "corrected_charge_missing"),
        ("30.00", "C1", "amount", "amount_out_of_range"),
        ("0.00", "C1", "amount", "amount_out_of_range"),
        ("-130.00", "C1", "amount", "correction_exceeds_charge"),
        ("-30.00", "N1", "corrects", "unknown_charge"),
        ("-30.00", "C9", "corrects", "unknown_charge"),
    ],
)
def test_what_a_bill_below_zero_corrects_is_there(
    amount: str, corrects: str, column: str, code: str, load: Load, crm: CRM
) -> None:
    rows = (
        "C1,V1,management_fee,2024-01,100.00,2024-01-01,,,\n"
        f"N1,V1,management_fee,2024-01,{amount},2024-01-01,,{corrects},\n"
    )
    assert placed(load(charges=ODD + rows)) == [("charges.csv", 3, column, code)]
    assert crm.log.head() == 0


@pytest.mark.rule("PAY-16", "IMP-01")
def test_who_owes_a_charge_and_who_paid_are_kept(load: Load, crm: CRM) -> None:
    report = load(
        transfers=TRANSFERS + SOLD.format(known=""),
        charges=ODD + "C1,V1,utilities,2024-07,10.00,2024-07-01,V1#owner,,\n",
        payments=PAYMENTS + "P1,V1,10.00,2024-07-02,cash,,B1,\n",
    )
    assert not report.faults
    raised = next(e.event for e in crm.history("account/V1"))
    assert raised.debtor == "V1#owner"
    assert received(crm)[0].payer == "B1"


# --- numbers of what is no more ------------------------------------------------------------------


@pytest.mark.rule("PAY-01", "IMP-01")
@pytest.mark.case("K23")
def test_rows_of_what_was_cancelled_or_reversed_since_are_repeated_and_no_new_facts(
    load: Load, crm: CRM
) -> None:
    paid = PAYMENTS + "P1,V1,100.00,2024-02-03,cash,C1,,\n"
    load(charges=CHARGES, payments=paid)
    crm.do(CancelCharge("V1", "C1", date(2024, 3, 1), "mistaken"), by=FINANCE)
    crm.do(ReversePayment("V1", "P1", date(2024, 3, 1), "bounced"), by=FINANCE)
    again = load(charges=CHARGES, payments=paid)
    assert (again.faults, again.events) == ([], 0)
    assert (counts(again, "charges"), counts(again, "payments")) == ((2, 0, 2, 0), (1, 0, 1, 0))
    # A cheque that comes again has a day of its own, and is new.
    anew = load(charges=CHARGES, payments=paid.replace("2024-02-03", "2024-03-05"))
    assert (anew.faults, anew.events) == ([], 1)


# --- changes of owners ---------------------------------------------------------------------------


def owners(crm: CRM, household: str = "V1", known: datetime | None = None) -> list[str]:
    told = crm.history(f"household/{household}")
    found = tenures(e.event for e in told if known is None or e.recorded <= known)
    return [f"{tenure.key}:{','.join(tenure.debtors)}" for tenure in found.every]


@pytest.mark.rule("OWN-02", "PAY-16", "IMP-01")
@pytest.mark.case("K27")
def test_a_change_of_owners_begins_a_tenure_when_it_is_known(load: Load, crm: CRM) -> None:
    known = "2024-09-01T09:00:00+08:00"
    report = load(transfers=TRANSFERS + SOLD.format(known=known))
    assert (report.faults, counts(report, "transfers")) == ([], (2, 2, 0, 0))
    assert owners(crm) == [f"{FIRST}:V1#owner", "2024-06-16:B1"]
    before = datetime(2024, 9, 1, tzinfo=UTC)
    assert owners(crm, known=before) == [f"{FIRST}:V1#owner"]
    for e in list(crm.history("household/V1"))[-2:]:
        assert (e.recorded, e.envelope.imported) == (datetime(2024, 9, 1, 1, tzinfo=UTC), NOW)
    again = load(transfers=TRANSFERS + SOLD.format(known=known))
    assert (again.events, counts(again, "transfers")) == (0, (2, 0, 2, 0))


@pytest.mark.rule("OWN-02", "PAY-16")
def test_who_comes_while_an_owner_stays_joins(load: Load, crm: CRM) -> None:
    rows = (
        "V1,B1,co_owner,李四,2024-06-16,,\n"
        "V1,V1#owner,owner,张三,2010-03-01,2024-08-31,\n"
        "V1,T1,tenant,王五,2024-09-01,2025-08-31,\n"
    )
    assert not load(transfers=TRANSFERS + rows).faults
    assert owners(crm) == [f"{FIRST}:V1#owner,B1"]
    file = crm.get(Household, "V1")
    assert file is not None
    held = {(role.member, role.role): role.until for role in file.roles()}
    assert held[("T1", "tenant")] == date(2025, 8, 31), "when a lease ends may be still to come"


@pytest.mark.rule("OWN-02", "IMP-01")
def test_a_household_that_changes_hands_twice_and_back(load: Load, crm: CRM) -> None:
    """Whatever the order of the rows; all of it became known at once."""
    rows = [
        "V1,V1#owner,owner,张三,2010-03-01,2024-02-29,2024-10-01T09:00:00+08:00\n",
        "V1,B1,owner,李四,2024-03-01,2024-06-15,2024-10-01T09:00:00+08:00\n",
        "V1,V1#owner,owner,张三,2024-06-16,,2024-10-01T09:00:00+08:00\n",
    ]
    assert not load(transfers=TRANSFERS + "".join(reversed(rows))).faults
    keys = [FIRST, "2024-03-01", "2024-06-16"]
    assert [one.partition(":")[0] for one in owners(crm)] == keys
    assert load(transfers=TRANSFERS + "".join(rows)).events == 0


@pytest.mark.rule("IMP-01")
def test_a_role_imported_while_it_lasted_comes_again_with_its_end(load: Load, crm: CRM) -> None:
    row = "V2,T1,tenant,王五,2024-03-01,{until},{known}\n"
    load(transfers=TRANSFERS + row.format(until="", known="2024-03-02T09:00:00+08:00"))
    ended = row.format(until="2024-05-31", known="2024-06-03T09:00:00+08:00")
    report = load(transfers=TRANSFERS + ended)
    assert (report.faults, report.events) == ([], 1)
    assert counts(report, "transfers") == (1, 1, 0, 0)
    assert load(transfers=TRANSFERS + ended).events == 0


@pytest.mark.rule("IMP-01")
def test_a_role_may_stand_in_the_file_as_it_began_and_as_it_ended(load: Load, crm: CRM) -> None:
    """Each became known when its own row says; the beginning is recorded once."""
    rows = (
        "V2,T1,tenant,王五,2024-03-01,2024-05-31,2024-06-03T09:00:00+08:00\n"
        "V2,T1,tenant,王五,2024-03-01,,2024-03-02T09:00:00+08:00\n"
    )
    report = load(transfers=TRANSFERS + rows)
    assert (report.faults, counts(report, "transfers")) == ([], (2, 2, 0, 0))
    told = [(e.name, e.recorded.date()) for e in list(crm.history("household/V2"))[1:]]
    assert told == [
        ("owners.member_added/1", date(2024, 3, 2)),
        ("owners.role_ended/1", date(2024, 6, 3)),
    ]
    again = load(transfers=TRANSFERS + rows)
    assert (again.events, counts(again, "transfers")) == (0, (2, 0, 2, 0))


@pytest.mark.rule("IMP-01")
def test_the_registered_owner_may_stand_there_too_and_says_nothing_new(
    load: Load, crm: CRM
) -> None:
    row = "V1,V1#owner,owner,张三,2010-03-01,,\n"
    report = load(transfers=TRANSFERS + row)
    assert (report.faults, counts(report, "transfers")) == ([], (1, 0, 1, 0))
    assert [e.name for e in crm.history("household/V1")].count("owners.member_added/1") == 1


@pytest.mark.rule("IMP-01", "OWN-02")
def test_an_import_puts_no_day_of_a_role_twice_behind_one_that_is_known(
    load: Load, crm: CRM
) -> None:
    """An old lease turns up: its days may not touch those of the lease that is known."""
    known = "V1,T1,tenant,李四,2023-03-01,,\n"
    assert not load(transfers=TRANSFERS + known).faults
    found = "V1,T1,tenant,李四,2022-01-01,{until},2024-06-01T09:00:00+08:00\n"
    for until in ("2023-03-01", ""):
        report = load(transfers=TRANSFERS + found.format(until=until))
        assert placed(report) == [("transfers.csv", 2, "since", "role_held")]
    # By itself a time before a known one is entered by hand, with its end.
    report = load(transfers=TRANSFERS + found.format(until="2022-12-31"))
    assert placed(report) == [("transfers.csv", 2, "since", "role_held")]
    old = AddMember(
        "V1", "T1", "tenant", date(2022, 1, 1), Personal("T1", "李四"),
        until=date(2022, 12, 31), reason="old lease found",
    )  # fmt: skip
    crm.do(old, by=Actor("S1", "specialist"))
    file = crm.get(Household, "V1")
    assert file is not None
    assert [(r.since.year, r.until is None) for r in file.roles() if r.role == "tenant"] == [
        (2023, True),
        (2022, False),
    ]
    again = load(transfers=TRANSFERS + known)
    assert (again.faults, again.events) == ([], 0)


@pytest.mark.rule("IMP-01", "OWN-02")
@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("V1,B1,owner,李四,2024-06-16,2024-06-15,", "until", "instants_reversed"),
        ("V9,B1,owner,李四,2024-06-16,,", "household", "unknown_household"),
        ("V1,B1,heir,李四,2024-06-16,,", "role", "role_unknown"),
        ("V1,B1,owner,李四,2025-01-16,,", "since", "from_the_future"),
        ("V1,B1,owner,李四,2024-06-16,,2025-01-15T12:06:00+08:00", "recorded", "from_the_future"),
        ("V1,V1#owner,owner,张三,2011-03-01,2024-06-15,", "since", "role_held"),
        ("V2,V2#owner,owner,张三,2011-03-01,2010-06-15,", "until", "instants_reversed"),
    ],
)
def test_what_is_wrong_with_a_transfer_is_told_at_its_cell(
    row: str, column: str, code: str, load: Load, crm: CRM
) -> None:
    assert placed(load(transfers=f"{TRANSFERS}{row}\n")) == [("transfers.csv", 2, column, code)]
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01", "PRV-03")
def test_another_name_under_a_known_role_is_a_fault_and_so_is_an_erased_person(
    load: Load, crm: CRM
) -> None:
    row = "V1,B1,co_owner,李四,2024-06-16,,\n"
    load(transfers=TRANSFERS + row)
    changed = load(transfers=TRANSFERS + row.replace("李四", "李四儿"))
    assert placed(changed) == [("transfers.csv", 2, "since", "role_held")]
    crm.host.vault.erase("B1")
    erased = load(transfers=TRANSFERS + row)
    assert placed(erased) == [("transfers.csv", 2, "name", "person_erased")]


@pytest.mark.rule("IMP-01")
def test_a_dry_run_of_a_transfer_keeps_nothing(load: Load, crm: CRM) -> None:
    report = load(transfers=TRANSFERS + SOLD.format(known=""), options={"dry_run": True})
    assert (report.faults, crm.log.head()) == ([], 0)
    assert counts(report, "transfers")[1] == 2


# --- the present ---------------------------------------------------------------------------------

REQUESTS = "request,household,channel,kind,trade,severity,summary,received_at,due_at,closed_at\n"
ASKED = "R1,V1,phone,repair,engineering,general,漏水,{},{},{}\n"
TODAY, TOMORROW = "2025-01-15", "2025-01-16"
SOON, LATER = "2025-01-15T12:05:00+08:00", "2025-01-15T12:05:01+08:00"


@pytest.mark.rule("PAY-03", "IMP-01", "IMP-03")
@pytest.mark.case("K26")
@pytest.mark.parametrize(
    ("file", "text", "column", "accepted", "refused"),
    [
        ("charges", CHARGES + "C9,V1,other,x,1.00,2042-01-01,{}\n", "recorded", SOON, LATER),
        ("payments", PAYMENTS + "P9,V1,1.00,{},cash,,,\n", "paid_on", TODAY, TOMORROW),
        ("payments", PAYMENTS + "P9,V1,1.00,2024-01-01,cash,,,{}\n", "recorded", SOON, LATER),
        (
            "purchases",
            "purchase,household,service,amount,purchased_on\nS1,V1,x,1.00,{}\n",
            "purchased_on",
            TODAY,
            TOMORROW,
        ),
        (
            "purchases",
            "purchase,household,service,amount,purchased_on,recorded\nS1,V1,x,1.00,2024-01-01,{}\n",
            "recorded",
            SOON,
            "2042-01-01T00:00:00Z",
        ),
        ("requests", REQUESTS + ASKED.format("{}", "", ""), "received_at", SOON, LATER),
        (
            "requests",
            REQUESTS + ASKED.format("2025-01-15T09:00:00+08:00", "", "{}"),
            "closed_at",
            SOON,
            LATER,
        ),
        ("transfers", TRANSFERS + "V1,B1,owner,李四,{},,\n", "since", TODAY, TOMORROW),
        ("transfers", TRANSFERS + "V1,B1,owner,李四,2024-01-01,,{}\n", "recorded", SOON, LATER),
    ],
)
def test_what_has_happened_does_not_lie_behind_the_import(
    file: str, text: str, column: str, accepted: str, refused: str, load: Load, crm: CRM
) -> None:
    """One fault at its row and column; what is a moment ahead is known at the import."""
    row = len(text.splitlines())
    report = load(**{file: text.format(refused)})
    assert placed(report) == [(f"{file}.csv", row, column, "from_the_future")]
    assert f"`{refused[:10]}" in report.faults[0].message or "T" in refused
    assert crm.log.head() == 0
    assert not load(**{file: text.format(accepted)}).faults
    assert max(e.recorded for e in crm.log.feed()) <= NOW


@pytest.mark.rule("PAY-03", "IMP-03")
@pytest.mark.case("K26")
def test_what_is_due_later_is_known_now_and_not_when_it_is_due(load: Load, crm: CRM) -> None:
    """Due dates, agreed times and ends of leases may be still to come; knowing may not."""
    report = load(
        charges=CHARGES + "C9,V1,other,2042,1.00,2042-01-01,\n",
        households=HOUSEHOLDS + "V3,星河小区,1,1,103,person,,2042-01-01\n",
        requests=REQUESTS + ASKED.format("2025-01-15T09:00:00+08:00", "2042-01-01T00:00:00Z", ""),
        transfers=TRANSFERS + "V2,T1,tenant,王五,2024-03-01,2042-05-31,\n",
    )
    assert not report.faults
    assert max(e.recorded for e in crm.log.feed()) == NOW
    [later] = [e for e in crm.history("account/V1") if e.event.charge == "C9"]
    assert later.recorded == NOW


@pytest.mark.case("K26")
def test_all_that_is_still_to_come_in_a_row_is_told(load: Load) -> None:
    late = "2042-01-01T00:00:00Z"
    report = load(
        payments=f"{PAYMENTS}P1,V1,1.00,2042-01-01,cash,,,{late}\n",
        requests=REQUESTS + ASKED.format(late, "2042-01-02T00:00:00Z", late),
    )
    assert placed(report) == [
        ("payments.csv", 2, "paid_on", "from_the_future"),
        ("payments.csv", 2, "recorded", "from_the_future"),
        ("requests.csv", 2, "closed_at", "from_the_future"),
        ("requests.csv", 2, "received_at", "from_the_future"),
    ]
