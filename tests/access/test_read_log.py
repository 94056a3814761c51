"""The read log: who saw what about whom, before they saw it (PRV-06, T28, T29, 0058)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.town import BOSS, CLERK, NOW, StandingClock, town
from crm_adapters import open_crm
from crm_adapters.eventlog.opening import open_database
from crm_adapters.reads import DatabaseReadLog, MemoryReadLog
from crm_core import CRM, Actor
from crm_core.errors import Failed, Invalid, Refused, StoreUnreachable
from crm_core.kernel.sealed import Withheld
from crm_core.owners import Household
from crm_core.reads import Read, ReadLog
from crm_core.staff import (
    EndStaffRole,
    RecordTraining,
    RecordUndertaking,
    RegisterStaff,
)

HOUR = timedelta(hours=1)


def read(number: int = 0, **said: Any) -> Read:
    fields: dict[str, Any] = {
        "at": NOW + number * HOUR,
        "actor": "specialist:S1",
        "purpose": "service: a call",
        "household": "V1",
        "subject": "V1#owner",
        "fields": ("phone",),
        "source": "owners.opened",
    }
    return Read(**{**fields, **said})


@contextmanager
def log_of(kind: str, folder: Path, fresh: Any) -> Iterator[ReadLog]:
    if kind == "memory":
        yield MemoryReadLog()
        return
    url = f"sqlite:///{folder / 'reads.db'}" if kind == "sqlite" else fresh()
    database = open_database(url, create=True)
    yield DatabaseReadLog(database)
    database.close()


@pytest.fixture(params=["memory", "sqlite", "postgres", "mariadb"])
def reads(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadLog]:
    def fresh() -> str:
        return str(request.getfixturevalue(f"{request.param}_url"))

    with log_of(request.param, tmp_path, fresh) as log:
        yield log


# --- every adapter -------------------------------------------------------------------------------


@pytest.mark.rule("PRV-06")
def test_what_is_written_is_found_by_whom_it_is_about_and_when(reads: ReadLog) -> None:
    rows = [
        read(0),
        read(1, subject="", fields=("layer", "type"), source="gradings.history"),
        read(2, household="V2", subject="V2#owner"),
        read(3, subject="V1#tenant", reason="purpose"),
        read(4, household="", subject="S9", fields=("contact",), source="staff.contact"),
    ]
    reads.write(rows[:2])
    reads.write(rows[2:])
    assert list(reads.about("V1")) == [rows[0], rows[1], rows[3]]
    # What was seen of the household as a whole is of everybody in it.
    assert list(reads.about("V1", "V1#owner")) == rows[:2]
    assert list(reads.about("", "S9")) == rows[4:]
    assert list(reads.about("V1", since=NOW + HOUR, until=NOW + 3 * HOUR)) == [rows[1]]
    assert reads.count() == 5
    assert reads.verify() is None


@pytest.mark.rule("PRV-06", "PRV-08")
@pytest.mark.case("T29")
def test_who_is_affected_is_who_was_shown_in_the_window(reads: ReadLog) -> None:
    reads.write(
        [
            read(0),
            read(1),
            read(2, household="V2", subject="V2#owner", actor="finance:F1"),
            read(3, household="V3", subject="V3#owner", reason="purpose"),
            read(4, household="V4", subject="", fields=("overdue_fen_x", "layer")),
        ]
    )
    found = reads.affected()
    assert [(s.household, s.subject, s.reads) for s in found] == [
        ("V1", "V1#owner", 2),
        ("V2", "V2#owner", 1),
        ("V4", "", 1),
    ]
    assert (found[0].first_at, found[0].last_at) == (NOW, NOW + HOUR)
    assert [s.household for s in reads.affected(NOW + HOUR, NOW + 3 * HOUR)] == ["V1", "V2"]
    assert [s.household for s in reads.affected(actors=["finance:F1"])] == ["V2"]
    assert [s.household for s in reads.affected(fields=["layer"])] == ["V4"]
    for pattern in ("overdueXfen_x", "overdue%", "lay!er", "%", "!"):
        assert list(reads.affected(fields=[pattern])) == []


@pytest.mark.rule("PRV-06")
@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["V1", "V2", "V3"]), st.integers(0, 9), st.sampled_from(["", "tier"])
        )
    ),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_affected_equals_the_set_of_reads_in_any_window(
    told: list[tuple[str, int, str]], first: int, last: int
) -> None:
    log = MemoryReadLog()
    log.write([read(at, household=home, reason=why) for home, at, why in told])
    found = log.affected(NOW + first * HOUR, NOW + last * HOUR)
    assert {s.household for s in found} == {
        home for home, at, why in told if first <= at < last and not why
    }


# --- append-only ---------------------------------------------------------------------------------


@pytest.mark.rule("PRV-06", "LOG-04")
@pytest.mark.parametrize(
    "statement", ["UPDATE crm_reads SET purpose = 'x'", "DELETE FROM crm_reads"]
)
def test_the_database_itself_changes_no_row(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "reads.db"
    with log_of("sqlite", tmp_path, None) as log:
        log.write([read()])
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError) as refused:
        connection.execute(statement)
    assert "append-only" in str(refused.value)


@pytest.mark.rule("PRV-06", "LOG-04")
def test_a_postgresql_server_changes_no_row(postgres_url: str) -> None:
    import psycopg

    with log_of("postgresql", Path(), lambda: postgres_url) as log:
        log.write([read()])
        plain = postgres_url.replace("+psycopg", "")
        for statement in ("UPDATE crm_reads SET purpose = ''", "DELETE FROM crm_reads",
                          "TRUNCATE crm_reads"):  # fmt: skip
            with psycopg.connect(plain) as connection:
                connection.execute("SET crm.tenant = ''")
                with pytest.raises(psycopg.Error) as refused:
                    connection.execute(statement)
            assert "append-only" in str(refused.value)


@pytest.mark.rule("PRV-06", "LOG-04")
@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE crm_reads SET actor = 'director:D1' WHERE number = 2", 2),
        ("DELETE FROM crm_reads WHERE number = 1", 1),
        ("UPDATE crm_reads SET tenant = 'other'", None),
    ],
)
def test_a_row_that_somebody_changed_all_the_same_is_found(
    tmp_path: Path, change: str, where: int | None
) -> None:
    with log_of("sqlite", tmp_path, None) as log:
        log.write([read(0), read(1), read(2)])
    with sqlite3.connect(tmp_path / "reads.db") as connection:
        for what in ("update", "delete"):
            connection.execute(f"DROP TRIGGER crm_reads_no_{what}")
        connection.execute(change)
    with log_of("sqlite", tmp_path, None) as log:
        # Rows given to another tenant are gone here, and do not fit there.
        assert log.verify() == where
    if where is None:
        database = open_database(f"sqlite:///{tmp_path / 'reads.db'}", tenant="other")
        assert DatabaseReadLog(database).verify() == 1
        database.close()


# --- before it is shown --------------------------------------------------------------------------


class Closed(MemoryReadLog):
    """A log that cannot be written: its disk is full."""

    def write(self, reads: Any) -> None:
        raise StoreUnreachable("reads_read_only", store="full")


@pytest.mark.rule("PRV-06")
def test_where_it_cannot_be_written_personal_values_stay_closed() -> None:
    """And everything else is shown."""
    with town() as crm:
        crm.host.reads = Closed()
        asked = {"by": CLERK, "purpose": "service: a call"}
        with pytest.raises(Failed):
            crm.reveal("V1", "V1#owner", "name", **asked)
        [first, _] = crm.gradings.directory(**asked)
        assert first.layer == Withheld("read_log")
        assert first.grading.household == "V1"
        shown = crm.owners.sheet("V1", **asked)
        assert shown["room"] == "101"
        assert shown["roles"][0]["name"] == Withheld("read_log")
        assert shown["gradings"][0]["layer"] == Withheld("read_log")
        crm.host.reads = None
        with pytest.raises(Refused) as refused:
            crm.reveal("V1", "V1#owner", "name", **asked)
        assert refused.value.reason == "access_read_log"
        with pytest.raises(Invalid):
            crm.privacy.who_saw("V1")


@pytest.mark.rule("PRV-06")
@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_a_log_that_can_only_be_read_shows_nothing_personal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True):
        pass
    with town(url):
        pass
    (tmp_path / "crm.db").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with open_crm(url) as crm, pytest.raises(Failed):
            crm.reveal("V1", "V1#owner", "name", by=CLERK, purpose="service")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.rule("PRV-06")
def test_records_of_reads_are_no_events_and_move_nothing() -> None:
    with town() as crm:
        before = (crm.log.head(), crm.log.root(), crm.gradings.cutoff(None))
        for _ in range(3):
            crm.reveal("V1", "V1#owner", "phone", by=CLERK, purpose="service")
            list(crm.gradings.directory(by=CLERK, purpose="grading"))
        assert (crm.log.head(), crm.log.root(), crm.gradings.cutoff(None)) == before
        assert crm.host.reads.count() == 3 + 3 * 2


@pytest.mark.rule("PRV-06")
def test_who_saw_what_is_told_to_whom_it_is_about() -> None:
    with town() as crm:
        crm.reveal("V1", "V1#owner", "phone", by=CLERK, purpose="service: the leak")
        with pytest.raises(Refused):
            crm.reveal("V1", "V1#owner", "phone", by=CLERK, purpose="curiosity")
        owner = Actor("V1#owner", "owner")
        seen = crm.privacy.who_saw("V1", "V1#owner", by=owner)
        assert [(r.actor, r.fields, r.purpose, r.reason) for r in seen] == [
            ("specialist:S1", ("phone",), "service: the leak", ""),
            ("specialist:S1", ("phone",), "curiosity", "purpose"),
        ]
        # Free words of a purpose are not for the account that runs the program.
        assert [r.purpose for r in crm.privacy.who_saw("V1")] == ["service", "curiosity"]
        for by in (CLERK, Actor("V2#owner", "owner"), Actor("X", "cleaning")):
            with pytest.raises(Refused):
                crm.privacy.who_saw("V1", by=by)
        assert [s.household for s in crm.privacy.affected(by=BOSS)] == ["V1"]


# --- undertakings and training (PRV-07) ----------------------------------------------------------


def cleared(crm: CRM, staff: str, until: date) -> None:
    day = date(2024, 1, 1)
    crm.do(RecordUndertaking(staff, "NDA-7", day, until), by=BOSS)
    crm.do(RecordTraining(staff, "PIPL", day, date(2030, 1, 1)), by=BOSS)


@pytest.mark.rule("PRV-07")
@pytest.mark.case("T28")
def test_an_undertaking_that_expired_stops_access_and_the_denial_is_written_down() -> None:
    with town() as crm:
        crm.do(RegisterStaff("D1", "director", date(2024, 1, 1)), by=BOSS)
        crm.do(RegisterStaff("S1", "specialist", date(2024, 1, 1)), by=BOSS)

        def look() -> str:
            return crm.reveal("V1", "V1#owner", "name", by=CLERK, purpose="service")

        with pytest.raises(Refused) as refused:
            look()
        assert refused.value.reason == "access_undertaking"
        crm.do(RecordUndertaking("S1", "NDA-7", date(2024, 1, 1), date(2024, 3, 2)), by=BOSS)
        with pytest.raises(Refused) as refused:
            look()
        assert refused.value.reason == "access_training"
        crm.do(RecordTraining("S1", "PIPL", date(2024, 1, 1), date(2030, 1, 1)), by=BOSS)
        assert look() == "张三"
        crm.host.clock = StandingClock(NOW + timedelta(days=2))
        with pytest.raises(Refused):
            look()
        # The service tier is not personal, and goes on.
        state = crm.get(Household, "V1", by=CLERK, purpose="service")
        assert state is not None
        assert state.room == "101"
        seen = [r for r in crm.host.reads.about("V1") if r.subject == "V1#owner"]
        assert [r.reason for r in seen] == ["undertaking", "training", "", "undertaking"]


@pytest.mark.rule("PRV-06", "PRV-07", "LOG-08")
@pytest.mark.parametrize("what", ["undertaking", "role"])
def test_what_ends_while_a_long_answer_is_read_ends_the_reading(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an answer that is read page by page, then each page is asked for anew."""
    monkeypatch.setattr("crm_core.application.looking.PAGE", 1)
    monkeypatch.setattr("crm_core.application.listing.PAGE", 1)
    day = date(2024, 1, 1)
    with town() as crm:
        for staff, role in (("D1", "director"), ("S1", "specialist")):
            crm.do(RegisterStaff(staff, role, day), by=BOSS)
        cleared(crm, "S1", date(2024, 3, 1))
        lines = crm.gradings.directory(by=CLERK, purpose="file")
        listing = crm.privacy.listing(
            ("household", "service"), {"household": "household", "service": "purchase"},
            by=CLERK, purpose="file",
        )  # fmt: skip
        rows = listing.each(["V1", "V2"], lambda row: row)
        assert next(lines).layer == "ordinary"
        assert next(rows) == "V1"
        crm.host.clock = StandingClock(NOW + timedelta(days=1))
        if what == "role":
            crm.do(EndStaffRole("S1", "specialist", date(2024, 3, 1), "left"), by=BOSS)
            for left in (lines, rows):
                with pytest.raises(Refused) as gone:
                    next(left)
                assert gone.value.reason == "role_not_registered"
        else:
            assert next(lines).layer == Withheld("undertaking")
            with pytest.raises(Refused) as over:
                next(rows)
            assert over.value.reason == "access_undertaking"
        shown = [r for r in crm.host.reads.about("V2") if not r.reason]
        assert shown == []


@pytest.mark.rule("PRV-06", "LOG-04")
def test_rows_cut_off_from_the_end_are_found_by_a_digest_that_was_noted(reads: ReadLog) -> None:
    """Rows that came since change nothing; nobody can add others in the place of those cut off."""
    assert reads.verify(reads.head()) is None
    reads.write([read(0), read(1)])
    noted = reads.head()
    assert reads.verify(noted) is None
    reads.write([read(2)])
    assert reads.verify(noted) is None
    cut = MemoryReadLog()
    cut.write([read(0)])
    assert cut.verify() is None
    assert cut.verify(noted) == 2
    cut.write([read(5), read(6)])
    assert cut.verify() is None
    assert cut.verify(noted) == 4
    # The very same rows are the very same digests, of one tenant.
    same = MemoryReadLog()
    same.write([read(0), read(1)])
    assert (same.head() == noted) == isinstance(reads, MemoryReadLog | DatabaseReadLog)


@pytest.mark.rule("PRV-06", "LOG-04")
def test_the_tail_of_a_database_s_read_log_cannot_go_unseen_by_who_noted_it(
    tmp_path: Path,
) -> None:
    with log_of("sqlite", tmp_path, None) as log:
        log.write([read(0), read(1), read(2)])
        noted = log.head()
    with sqlite3.connect(tmp_path / "reads.db") as connection:
        connection.execute("DROP TRIGGER crm_reads_no_delete")
        connection.execute("DELETE FROM crm_reads WHERE number = 3")
    with log_of("sqlite", tmp_path, None) as log:
        assert log.verify() is None
        assert log.verify(noted) == 3


@pytest.mark.rule("PRV-06")
def test_a_read_says_what_was_seen_and_never_what_it_is() -> None:
    assert {f.name for f in attrs.fields(Read)} == {
        "at", "actor", "purpose", "household", "subject", "fields", "source", "correlation",
        "reason",
    }  # fmt: skip
    with town() as crm:
        crm.reveal("V1", "V1#owner", "phone", by=CLERK, purpose="service")
        assert "13800000001" not in repr(list(crm.host.reads.about("V1")))


@pytest.mark.rule("PRV-05", "PRV-06")
@pytest.mark.case("L5")
def test_a_number_is_shown_for_what_its_owner_agreed_to_and_no_longer() -> None:
    """What needs consent is closed until it is given; what needs none, until they object."""
    from access.town import BOSS, CLERK, NOW, town
    from crm_core.errors import Refused
    from crm_core.privacy import WithdrawConsent

    with town() as crm:
        with pytest.raises(Refused) as never_agreed:
            crm.reveal("V1", "V1#owner", "phone", by=BOSS, purpose="marketing: an offer")
        assert never_agreed.value.reason == "access_consent"
        assert crm.reveal("V1", "V1#owner", "phone", by=BOSS, purpose="care: a visit")
        crm.do(WithdrawConsent("V1", "V1#owner", "care", NOW), by=CLERK)
        with pytest.raises(Refused) as objected:
            crm.reveal("V1", "V1#owner", "phone", by=BOSS, purpose="care: a visit")
        assert objected.value.reason == "access_consent"
        assert crm.reveal("V2", "V2#owner", "phone", by=BOSS, purpose="care: a visit")
        assert crm.host.reads is not None
        denied = [r.reason for r in crm.host.reads.about("V1", "V1#owner") if r.reason]
        assert denied == ["consent", "consent"]


@pytest.mark.rule("LOG-08", "PRV-07")
@pytest.mark.parametrize(
    ("who", "role"), [("S1", "director"), ("S2", "specialist"), ("Z9", "specialist")]
)
def test_who_left_or_claims_another_role_is_shown_nothing_by_any_question(
    who: str, role: str
) -> None:
    """S1 is a specialist, S2 left yesterday and is bound still, and nobody knows Z9."""
    day, left = date(2024, 1, 1), date(2024, 2, 29)
    with town() as crm:
        crm.do(RegisterStaff("D1", "director", day), by=BOSS)
        for staff in ("S1", "S2"):
            crm.do(RegisterStaff(staff, "specialist", day), by=BOSS)
            crm.do(RecordUndertaking(staff, "NDA-7", day, date(2030, 1, 1)), by=BOSS)
            crm.do(RecordTraining(staff, "PIPL", day, date(2030, 1, 1)), by=BOSS)
        crm.do(EndStaffRole("S2", "specialist", left, "left the company"), by=BOSS)
        asked = {"by": Actor(who, role), "purpose": "service"}
        for ask in (
            lambda: crm.owners.sheet("V1", **asked),
            lambda: crm.owners.find("101", **asked),
            lambda: list(crm.history("V1", **asked)),
            lambda: crm.accounts.statement("V1", date(2024, 2, 1), **asked),
            lambda: crm.get(Household, "V1", **asked),
            lambda: crm.reveal("V1", "V1#owner", "name", **asked),
        ):
            with pytest.raises(Refused) as refused:
                ask()
            assert refused.value.reason == "role_not_registered"
        rows = [r for r in crm.host.reads.about("") if r.actor == f"{role}:{who}"]
        assert {r.reason for r in rows} == {"register"}
        assert len(rows) == 6
