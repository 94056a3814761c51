"""Undo of an import, the same files again, and several imports at once (IMP-01, K44)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_core import CRM, Household, Refused
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import AddMember, ChangeContact, EndRole
from crm_core.payments import Account
from crm_core.payments.commands import (
    CancelCharge,
    DisputeCharge,
    ProposeRefund,
    RaiseCharge,
    ReceivePayment,
    ReversePayment,
)
from crm_core.requests import Closed, Open, Request
from crm_core.requests.commands import NoteProgress
from import_estates import (
    BOSS,
    CHARGE,
    CLERK,
    EVERYTHING,
    HOST,
    HOUSEHOLD,
    PAYMENT,
    PURCHASE,
    REQUEST,
    TENANT,
    Files,
    facts,
    picture,
    take_in,
)

WHY = "the files of another month"

Load = Callable[..., ImportReport]


@pytest.fixture(params=["sqlite", "postgresql"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CRM]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/a.db"
        with open_crm(url, create=True) as opened:
            yield opened
    else:
        with open_crm(
            request.getfixturevalue("postgres_url"), create=True, keys=str(tmp_path / "a.keys")
        ) as opened:
            yield opened


@pytest.fixture
def load(crm: CRM, tmp_path: Path) -> Load:
    def import_estate(files: Files, **options: Any) -> ImportReport:
        folder = tmp_path / f"import-{len(list(tmp_path.iterdir()))}"
        return take_in(crm, folder, files, **options)

    return import_estate


def undo(crm: CRM, number: str = "1") -> Any:
    return crm.imports.undo(number, by=BOSS, reason=WHY)


def rests(crm: CRM, number: str = "1") -> list[tuple[str, str, str]]:
    found = crm.imports.look(number, by=BOSS).rests
    return [(one.name.partition("/")[0], one.what, one.number) for one in found]


# --- the record ---------------------------------------------------------------------------------


@pytest.mark.rule("IMP-01")
def test_an_import_is_recorded_once_with_its_files(crm: CRM, load: Load) -> None:
    """Given files, when they are imported, then one record tells them; a repeat adds none."""
    report = load(EVERYTHING)
    [one] = crm.imports.every()
    assert (one.number, one.recorded.events, one.undone) == ("1", report.events, None)
    assert crm.log.count() == report.events + 1
    told = {file.name: (file.kind, file.rows, file.imported) for file in one.recorded.files}
    assert told["charges.csv"] == ("charges", 1, 1)
    assert all(len(file.digest) == 64 for file in one.recorded.files)
    assert load(EVERYTHING).events == 0
    assert len(crm.imports.every()) == 1
    assert load({"charges": [{**CHARGE, "charge": "C2"}]}).events == 1
    assert [one.number for one in crm.imports.every()] == ["1", "2"]


def test_a_dry_run_and_a_faulty_import_leave_no_record(crm: CRM, load: Load) -> None:
    load(EVERYTHING, dry_run=True)
    load({**EVERYTHING, "charges": [{**CHARGE, "amount": "x"}]})
    assert (crm.imports.every(), crm.log.head()) == ([], 0)


def test_the_record_moves_no_cut_off(crm: CRM, load: Load) -> None:
    """A record is no fact of a household: what was known is known since it was."""
    load(EVERYTHING)
    assert crm.log.cutoff(None, without="gradings.").known < datetime(2024, 10, 1, tzinfo=UTC)


# --- undone -------------------------------------------------------------------------------------


@pytest.mark.rule("IMP-01")
def test_what_is_undone_is_void_from_its_own_day_on(crm: CRM, load: Load) -> None:
    """Given an import, when it is undone, then nothing of it holds on any day as known now."""
    empty = picture(crm)
    load(EVERYTHING)
    before = datetime.now(UTC)
    done = undo(crm)
    assert dict(done.voided) == {
        "household": 1, "role": 1, "charge": 1, "payment": 1, "purchase": 1, "request": 1,
        "closing": 1,
    }  # fmt: skip
    after = picture(crm)
    assert {k: v for k, v in after.items() if k != "states"} == {
        k: v for k, v in empty.items() if k != "states"
    }
    assert crm.get(Household, "V1", by=HOST) is None
    assert crm.get(Request, "R1", by=HOST) is None
    account = crm.get(Account, "V1", by=HOST)
    assert account is not None
    assert account.charge("C1") is account.payment("P1") is account.purchase("S1") is None
    # As known before, everything stands as it was.
    assert crm.get(Household, "V1", by=HOST, known=before) is not None
    assert isinstance(crm.get(Request, "R1", by=HOST, known=before), Closed)
    [line] = crm.accounts.credit(date(2024, 2, 1), known=before)
    assert (line.grade, line.overdue_fen) == ("B2", 12700)
    [one] = crm.imports.every()
    assert one.undone is not None
    assert (one.undone.reason, one.undone.undone_by, one.undone.events) == (
        WHY,
        "wang",
        done.events,
    )


@pytest.mark.rule("IMP-01")
def test_the_same_files_come_in_again_and_say_the_same(crm: CRM, load: Load) -> None:
    """Given an undone import, when its files come again, then all holds as before, once."""
    load(EVERYTHING)
    before = picture(crm)
    undo(crm)
    again = load(EVERYTHING)
    assert {f.imported for f in again.files.values()} == {1}
    assert picture(crm) == before
    assert load(EVERYTHING).events == 0
    undo(crm, "2")
    load(EVERYTHING)
    assert picture(crm) == before


@pytest.mark.rule("IMP-01")
def test_mended_files_take_the_place_of_what_was_undone(crm: CRM, load: Load) -> None:
    """What comes after an undo is known since then: an earlier knowledge sees the first import."""
    load(EVERYTHING)
    then = datetime.now(UTC)
    undo(crm)
    mended = {**EVERYTHING, "charges": [{**CHARGE, "amount": "99.00"}]}
    load(mended, by=HOST)
    day = date(2024, 2, 1)
    assert [line.overdue_fen for line in crm.accounts.credit(day)] == [9900]
    assert [line.overdue_fen for line in crm.accounts.credit(day, known=then)] == [12700]
    for known in (None, then):
        frames = list(crm.accounts.credit(day, known=known, engine="frames"))
        assert frames == list(crm.accounts.credit(day, known=known))


def test_a_weekly_file_is_undone_and_leaves_the_others(crm: CRM, load: Load) -> None:
    """Given a request of one file and its end of another, when that is undone, then it is open."""
    opened = {**REQUEST, "closed_at": ""}
    load({**EVERYTHING, "transfers": [TENANT], "requests": [opened]})
    before = picture(crm)
    load({"transfers": [{**TENANT, "until": "2024-05-31"}], "requests": [REQUEST]})
    assert isinstance(crm.get(Request, "R1", by=HOST), Closed)
    done = undo(crm, "2")
    assert dict(done.voided) == {"closing": 1, "role_end": 1}
    assert isinstance(crm.get(Request, "R1", by=HOST), Open)
    after = picture(crm)
    assert after == before
    load({"transfers": [{**TENANT, "until": "2024-05-31"}], "requests": [REQUEST]})
    assert isinstance(crm.get(Request, "R1", by=HOST), Closed)


@pytest.mark.rule("IMP-01", "PAY-16")
def test_gradings_and_tenures_are_as_without_a_later_import(crm: CRM, load: Load) -> None:
    """Given a sale, a purchase and a complaint of a later file, when it is undone, none counts."""
    load({**EVERYTHING, "transfers": []})
    before = picture(crm)
    owner = {**TENANT, "member": "V1#owner", "role": "owner", "name": "张三", "recorded": ""}
    later: Files = {
        "transfers": [
            {**owner, "since": "2010-03-01", "until": "2024-06-30"},
            {**owner, "member": "B1", "name": "赵六", "since": "2024-07-01"},
        ],
        "purchases": [{**PURCHASE, "purchase": "S2", "amount": "5000.00"}],
        "requests": [{**REQUEST, "request": "R2"}],
    }
    load(later)
    with_it = picture(crm)
    assert with_it["facts"] != before["facts"]
    undo(crm, "2")
    assert picture(crm) == before
    assert list(facts(crm, "frames")) == list(facts(crm, "events")) == before["facts"]
    load(later)
    assert picture(crm) == with_it


@pytest.mark.rule("PAY-16")
def test_who_never_came_has_no_tenure(crm: CRM, load: Load) -> None:
    """Given a buyer of a later file, when it is undone, then the household never changed hands."""
    left = {
        **TENANT, "member": "V1#owner", "role": "owner", "name": "张三", "recorded": "",
        "since": "2010-03-01", "until": "2024-06-30",
    }  # fmt: skip
    bought = {**left, "member": "B1", "name": "赵六", "since": "2024-07-01", "until": ""}
    load({**EVERYTHING, "transfers": [left]})
    before = picture(crm)
    load({"transfers": [bought]})
    assert [tenure for _, _, tenure in facts(crm, "events")] == ["2024-07-01"]
    undo(crm, "2")
    assert picture(crm) == before
    assert list(facts(crm, "frames")) == before["facts"]


def test_the_place_is_free_again(crm: CRM, load: Load) -> None:
    load({"households": [HOUSEHOLD]})
    undo(crm)
    report = load({"households": [{**HOUSEHOLD, "household": "V2"}]})
    assert (report.faults, report.events) == ([], 3)
    undo(crm, "2")
    assert load({"households": [HOUSEHOLD]}).events == 3


def test_views_follow(crm: CRM, load: Load) -> None:
    """Directory, open requests, what is due and work lists hold nothing of what is void."""
    opened = {**REQUEST, "closed_at": ""}
    load({**EVERYTHING, "requests": [opened]})
    views = ("owners.directory", "requests.open", "requests.due", "requests.work",
             "requests.occurrences")  # fmt: skip
    projections = {view.name: view for view in crm.registry.projections}

    def rows() -> dict[str, int]:
        for name in views:
            crm.views.catch_up(projections[name])
        return {name: len(list(crm.views.scan(projections[name]))) for name in views}

    assert rows() == dict.fromkeys(views, 1)
    undo(crm)
    assert rows() == dict.fromkeys(views, 0)
    load({**EVERYTHING, "requests": [opened]})
    assert rows() == dict.fromkeys(views, 1)


# --- what keeps it from starting ----------------------------------------------------------------

WORD = Word("V1#owner", "phone", "call-1")
TODAY = date(2024, 12, 1)

RESTING: dict[str, tuple[Any, str, str, str]] = {
    "a payment of a charge": (
        ReceivePayment("V1", "P9", 100, TODAY, "cash", charge="C1"),
        "payments.payment_received", "charge", "C1",
    ),
    "a dispute of a charge": (
        DisputeCharge("V1", "D1", "C1", 100, TODAY, "wrong meter", WORD),
        "payments.charge_disputed", "charge", "C1",
    ),
    "a bounced payment": (
        ReversePayment("V1", "P1", TODAY, "bounced"),
        "payments.payment_reversed", "payment", "P1",
    ),
    "a number changed": (
        ChangeContact("V1", "T1", "told", phone=Personal("T1", "13900000000")),
        "owners.contact_changed", "role", "T1",
    ),
    "an end of a role": (
        EndRole("V1", "T1", "tenant", TODAY, "moved out"),
        "owners.role_ended", "role", "T1",
    ),
    "a charge of the household": (
        RaiseCharge("V1", "C9", "other", "2024-12", 500, TODAY),
        "payments.charge_raised", "household", "V1",
    ),
    "a member of the household": (
        AddMember("V1", "F1", "family_member", TODAY, Personal("F1", "王五")),
        "owners.member_added", "household", "V1",
    ),
    "work on a request": (
        NoteProgress("R1", "looked at it", noted_at=parse_instant("2024-09-02T10:00:00+08:00"),
                     customer_told=True),
        "requests.progress_noted", "request", "R1",
    ),
}  # fmt: skip


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("what", RESTING)
def test_what_rests_on_a_fact_keeps_the_undo_from_starting(crm: CRM, load: Load, what: str) -> None:
    """Given what somebody recorded by hand on it, when it is to be undone, then it is not."""
    command, name, of, number = RESTING[what]
    load({**EVERYTHING, "requests": [{**REQUEST, "closed_at": ""}]})
    crm.do(command, by=CLERK)
    assert rests(crm) == [(name, of, number)]
    before = crm.log.head()
    with pytest.raises(Refused) as refused:
        undo(crm)
    assert refused.value.reason == "import_rested_on"
    assert refused.value.details["count"] == 1
    assert crm.log.head() == before


def test_a_refund_rests_on_the_payment(crm: CRM, load: Load) -> None:
    load({**EVERYTHING, "charges": []} | {"charges": [{**CHARGE, "amount": "1.00"}]})
    crm.do(ProposeRefund("V1", "RF1", 100, TODAY, "moves out"), by=CLERK)
    assert rests(crm) == [("payments.refund_proposed", "payment", "P1")]


def test_a_payment_by_hand_that_was_taken_back_rests_on_nothing(crm: CRM, load: Load) -> None:
    load(EVERYTHING)
    crm.do(ReceivePayment("V1", "P9", 100, TODAY, "cash", charge="C1"), by=CLERK)
    crm.do(ReversePayment("V1", "P9", TODAY, "typed twice"), by=CLERK)
    assert rests(crm) == []
    undo(crm)


def test_another_import_rests_on_the_first_until_it_is_undone(crm: CRM, load: Load) -> None:
    load({"households": [HOUSEHOLD], "charges": [CHARGE]})
    load({"payments": [{**PAYMENT, "charge": "C1"}], "purchases": [PURCHASE]})
    assert rests(crm) == [
        ("payments.payment_received", "charge", "C1"),
        ("payments.purchase_made", "household", "V1"),
    ]
    undo(crm, "2")
    assert rests(crm) == []
    undo(crm)


def test_what_somebody_made_void_by_hand_is_passed_over(crm: CRM, load: Load) -> None:
    """A cancelled charge stays cancelled, also when the file comes again: a person said so."""
    load(EVERYTHING)
    crm.do(CancelCharge("V1", "C1", TODAY, "never owed"), by=CLERK)
    done = undo(crm)
    assert (done.gone, done.voided["charge"]) == (1, 0)
    report = load(EVERYTHING)
    assert (report.files["charges.csv"].repeated, report.files["payments.csv"].imported) == (1, 1)


@pytest.mark.rule("IMP-01")
def test_gradings_are_listed_and_stay(crm: CRM, load: Load) -> None:
    """Given a run of record that saw it, when an import is undone, then only on request."""
    load(EVERYTHING)
    run = crm.grade(2024)
    [graded] = run.gradings
    look = crm.imports.look("1", by=BOSS)
    assert [(one.year, one.run, one.of_record) for one in look.gradings] == [
        (2024, graded.run, True)
    ]
    with pytest.raises(Refused) as refused:
        undo(crm)
    assert refused.value.reason == "import_graded"
    crm.imports.undo("1", by=BOSS, reason=WHY, despite_gradings=True)
    assert crm.gradings.grades(2024).gradings[0] == graded
    assert crm.gradings.replay(2024).differing == ()


@pytest.mark.rule("LOG-06", "LOG-08")
def test_who_may_undo_what(crm: CRM, load: Load) -> None:
    load(EVERYTHING)
    for by, number, reason, expected in (
        (CLERK, "1", WHY, "role_insufficient"),
        (BOSS, "7", WHY, "import_unknown"),
        (BOSS, "1", "  ", "reason_missing"),
    ):
        with pytest.raises(Refused) as refused:
            crm.imports.undo(number, by=by, reason=reason)
        assert refused.value.reason == expected
    undo(crm)
    with pytest.raises(Refused) as refused:
        undo(crm)
    assert refused.value.reason == "import_undone"


# --- late facts of a weekly file ------------------------------------------------------------------


@pytest.mark.case("K09")
@pytest.mark.rule("IMP-03", "REQ-09")
def test_an_end_that_comes_late_lifts_what_the_clock_had_found(crm: CRM, load: Load) -> None:
    """Given a breach that a tick recorded, when a file brings an earlier end, it is lifted."""
    due = {"due_at": "2024-09-02T12:00:00+08:00", "closed_at": ""}
    load({**EVERYTHING, "requests": [{**REQUEST, **due}]})
    crm.tick(parse_instant("2024-09-04T09:00:00+08:00"))
    breached = crm.get(Request, "R1", by=HOST)
    assert isinstance(breached, Open)
    assert breached.duties
    late = {**REQUEST, **due, "closed_at": "2024-09-02T11:00:00+08:00"}
    report = load({"requests": [late]})
    assert (report.faults, report.files["requests.csv"].imported) == ([], 1)
    closed = crm.get(Request, "R1", by=HOST)
    assert isinstance(closed, Closed)
    assert (closed.duties, closed.closed_at) == ((), parse_instant("2024-09-02T11:00:00+08:00"))
    # And back: without that end the breach stands again.
    undo(crm, "2")
    again = crm.get(Request, "R1", by=HOST)
    assert isinstance(again, Open)
    assert len(again.duties) == len(breached.duties)


@pytest.mark.rule("IMP-03", "PAY-03")
def test_a_payment_of_last_year_counts_from_its_day_and_is_known_since_the_file_says(
    crm: CRM, load: Load
) -> None:
    load({**EVERYTHING, "payments": []} | {"payments": [{**PAYMENT, "amount": "1.00"}]})
    day, then = date(2024, 12, 31), parse_instant("2025-01-05T09:00:00+08:00")
    late = {"payment": "P2", "amount": "126.00", "paid_on": "2024-12-20"}
    known = "2025-02-01T09:00:00+08:00"
    assert load({"payments": [{**PAYMENT, **late, "recorded": known}]}).faults == []
    assert [line.overdue_fen for line in crm.accounts.credit(day, known=then)] == [12600]
    assert [line.overdue_fen for line in crm.accounts.credit(day)] == [0]


# --- several at once ------------------------------------------------------------------------------


@pytest.mark.case("K44")
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_three_imports_of_one_folder_at_once(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One brings the facts, the others find them: nothing is doubled, nobody fails."""
    generate_estate(tmp_path / "estate", households=15, first_year=2024, last_year=2024, seed=5)
    if store == "sqlite":
        url = f"sqlite:///{tmp_path}/a.db"
    else:
        url = request.getfixturevalue("postgres_url")
    keys = str(tmp_path / "a.keys")
    open_crm(url, create=True, keys=keys).close()
    begin = Barrier(3)

    def one(_: int) -> ImportReport:
        with open_crm(url, keys=keys) as opened:
            begin.wait()
            return import_files(opened, [tmp_path / "estate"], by=HOST)

    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(one, range(3)))
    assert [report.faults for report in reports] == [[], [], []]
    rows = {name: file.rows for name, file in reports[0].files.items()}
    for name, count in rows.items():
        assert sum(report.files[name].imported for report in reports) == count
        assert sum(report.files[name].repeated for report in reports) == 2 * count
    with open_crm(url, keys=keys) as opened:
        assert len(opened.imports.every()) == 1
        assert opened.log.count() == sum(report.events for report in reports) + 1
        assert opened.verify().intact


# --- for any estate -------------------------------------------------------------------------------

IDS = st.sampled_from(["1", "2", "3"])
DAY = st.dates(date(2023, 1, 1), date(2025, 6, 30))


@st.composite
def estates(draw: st.DrawFn) -> Files:
    """A few rows of each file about two households."""
    homes = [HOUSEHOLD, {**HOUSEHOLD, "household": "V2", "room": "102", "phone": ""}]
    charges = [
        {**CHARGE, "charge": f"C{n}", "household": draw(st.sampled_from(["V1", "V2"])),
         "amount": f"{draw(st.integers(1, 500))}.00", "due": draw(DAY).isoformat(), "recorded": ""}
        for n in range(draw(st.integers(0, 4)))
    ]  # fmt: skip
    payments = [
        {**PAYMENT, "payment": f"P{n}", "household": home, "paid_on": draw(DAY).isoformat(),
         "amount": f"{draw(st.integers(1, 500))}.00", "recorded": "",
         "charge": draw(st.sampled_from(["", *[c["charge"] for c in charges
                                               if c["household"] == home]]))}
        for n in range(draw(st.integers(0, 4)))
        for home in [draw(st.sampled_from(["V1", "V2"]))]
    ]  # fmt: skip
    purchases = [
        {**PURCHASE, "purchase": f"S{n}", "purchased_on": draw(DAY).isoformat(), "recorded": "",
         "amount": f"{draw(st.integers(1, 50))}.00"}
        for n in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    sold = draw(DAY)
    transfers = draw(
        st.sampled_from(
            [
                [],
                [TENANT],
                [
                    {**TENANT, "member": "V1#owner", "role": "owner", "name": "张三",
                     "since": "2010-03-01", "until": sold.isoformat(), "recorded": ""},
                    {**TENANT, "member": "B1", "role": "owner", "name": "赵六",
                     "since": (sold + timedelta(days=1)).isoformat(), "recorded": ""},
                ],
            ]
        )
    )  # fmt: skip
    seconds = st.integers(0, 75_000_000)
    received = parse_instant("2023-01-01T00:00:00+08:00") + timedelta(seconds=draw(seconds))
    closed = received + draw(st.timedeltas(timedelta(0), timedelta(days=40)))
    requests = [
        {**REQUEST, "request": f"R{n}", "kind": draw(st.sampled_from(["complaint", "repair"])),
         "received_at": received.isoformat(timespec="seconds"),
         "closed_at": draw(st.sampled_from(["", closed.isoformat(timespec="seconds")]))}
        for n in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return {
        "households": homes,
        "transfers": transfers,
        "charges": charges,
        "payments": payments,
        "purchases": purchases,
        "requests": requests,
    }


@pytest.mark.rule("IMP-01")
@given(estates())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_undone_and_again_is_the_same(files: Files) -> None:
    """For any estate: nothing holds after the undo, and all of it holds again after the files."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, open_crm("memory:") as crm:
        report = take_in(crm, Path(folder) / "a", files)
        assert report.faults == []
        before = picture(crm)
        crm.imports.undo("1", by=BOSS, reason=WHY)
        assert list(facts(crm, "events")) == list(facts(crm, "frames")) == []
        take_in(crm, Path(folder) / "a", files)
        assert picture(crm) == before
        assert list(facts(crm, "events")) == list(facts(crm, "frames"))
