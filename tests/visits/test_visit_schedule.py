"""What calls for a visit, in which time, and what becomes of it when it was otherwise (VIS-01)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from visiting import (
    CLERK,
    DAY,
    DIRECTOR,
    FITTER,
    HOUR,
    MINUTE,
    START,
    SUPERVISOR,
    at,
    close,
    estate,
    finished,
    home,
    made,
    now,
    open_visits,
    receive,
    refused,
    repair,
    send,
    state,
    tick,
    visit,
)

from crm_adapters import open_crm
from crm_core import CRM, Personal, PolicyBook
from crm_core.errors import CrmError
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.text import place_key
from crm_core.kernel.word import Word
from crm_core.owners import (
    EndRole,
    MergeHousehold,
    TransferOwnership,
    UndoMerge,
)
from crm_core.owners.commands import VoidHousehold
from crm_core.privacy.consent import WithdrawConsent
from crm_core.requests import (
    ConfirmClosing,
    MarkDuplicate,
    MergeDuplicate,
    Reopen,
    ReportDone,
    UndoDuplicate,
)
from crm_core.requests.commands import VoidRequest
from crm_core.slices import shipped
from crm_core.visits import ArrangeVisits, RecordOccasion, WithdrawOccasion
from crm_core.visits.events import VisitCalledOff, VisitScheduled
from crm_core.visits.policy import DEFAULT_VISITS, TRIGGERS, VisitPolicy

pytestmark = pytest.mark.rule("VIS-01")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with estate() as opened:
        yield opened


def day(year: int, month: int, number: int) -> datetime:
    """The beginning of a day of the estate."""
    return start_of_day(date(year, month, number))


# --- the rows of the policy ----------------------------------------------------------------------


def test_a_repair_that_is_closed_is_visited_three_to_five_days_later(crm: CRM) -> None:
    finished(crm, severity="major")
    assert now(crm) == START + 2 * MINUTE
    assert tick(crm) == 1
    found = visit(crm, "repair_finished:R1")
    assert found.since == now(crm)
    assert (found.from_at, found.due_at) == (day(2024, 5, 9), day(2024, 5, 12))
    assert (found.scheduled.content, found.hands, found.must) == ("explain", ("E1",), True)
    assert (
        found.scheduled.policy == shipped().find(VisitPolicy, DEFAULT_VISITS, date(2024, 5, 6)).ref
    )


@pytest.mark.parametrize(
    ("said", "always"),
    [
        ({"severity": "major"}, True),
        ({"summary": "厨房漏水了"}, True),
        ({"summary": "the ceiling LEAKS"}, True),
        ({}, False),
    ],
)
def test_urgent_repairs_and_leaks_are_all_visited_and_of_the_others_a_lot_is_asked(
    crm: CRM, said: dict[str, Any], always: bool
) -> None:
    finished(crm, **said)
    tick(crm)
    found = visit(crm, "repair_finished:R1")
    assert (found.scheduled.seed == "") is always
    assert found.must or not always


def test_a_complaint_in_writing_is_called_about_at_once(crm: CRM) -> None:
    receive(crm, kind="complaint", channel="letter")
    receive(crm, "R2", kind="complaint", channel="counter")
    assert tick(crm) == 1
    found = visit(crm, "complaint_written:R1")
    assert (found.from_at, found.due_at) == (START, START + 2 * HOUR)
    assert found.latest_at == day(2024, 5, 8)
    assert (found.scheduled.content, found.must) == ("mediation", True)


def test_what_comes_on_a_friday_evening_is_due_when_calls_are_made_again(crm: CRM) -> None:
    at(crm, datetime(2024, 5, 10, 9, 30, tzinfo=UTC))  # 17:30
    receive(crm, kind="complaint", channel="forum")
    tick(crm)
    # Saturday 11 May is a make-up day of the official notice, and counts as a Friday.
    assert visit(crm, "complaint_written:R1").due_at == datetime(2024, 5, 11, 2, 30, tzinfo=UTC)


def test_a_complaint_that_is_closed_is_called_about_within_48_hours_at_most_3_days(
    crm: CRM,
) -> None:
    receive(crm, kind="complaint", channel="letter")
    tick(crm)
    repair(crm)
    close(crm)
    tick(crm)
    assert open_visits(crm) == {"complaint_closed:R1"}
    found = visit(crm, "complaint_closed:R1")
    assert found.due_at == now(crm) + 48 * HOUR
    assert found.latest_at == day(2024, 5, 10)
    assert visit(crm, "complaint_written:R1").why == "matter"


def test_a_proposal_is_thanked_for_at_once(crm: CRM) -> None:
    receive(crm, kind="suggestion")
    assert tick(crm) == 1
    found = visit(crm, "proposal_received:R1")
    assert (found.scheduled.content, found.due_at) == ("affection", START + 2 * HOUR)


def test_that_a_repair_is_arranged_is_told_the_same_day(crm: CRM) -> None:
    receive(crm)
    assert tick(crm) == 0
    send(crm)
    assert tick(crm) == 1
    found = visit(crm, "repair_arranged:R1")
    assert (found.from_at, found.due_at, found.latest_at) == (
        START,
        day(2024, 5, 7),
        day(2024, 5, 7),
    )
    assert found.scheduled.means[0] == "sms"


def test_who_waits_longer_than_promised_is_called_at_once(crm: CRM) -> None:
    receive(crm)
    at(crm, START + 31 * MINUTE)
    tick(crm)
    found = visit(crm, "repair_overdue:R1:closing-1")
    assert (found.since, found.scheduled.content) == (START + 30 * MINUTE, "mediation")


def test_who_moves_in_is_visited_the_next_day_and_after_months(crm: CRM) -> None:
    home(crm, "V9", moved_in=date(2024, 5, 5))
    assert tick(crm) == 4
    found = {one.scheduled.row: one for one in state(crm, "V9").every()}
    times = {row: (one.from_at, one.due_at) for row, one in found.items()}
    assert times == {
        "hand_over": (day(2024, 5, 6), day(2024, 5, 7)),
        "months_4_6": (day(2024, 9, 5), day(2024, 11, 6)),
        "months_10_12": (day(2025, 3, 5), day(2025, 5, 6)),
        "one_year": (day(2025, 5, 5), day(2025, 6, 6)),
    }
    assert {row: one.scheduled.content for row, one in found.items()} == {
        "hand_over": "guidance",
        **dict.fromkeys(("months_4_6", "months_10_12", "one_year"), "suggestion"),
    }


@pytest.mark.parametrize(
    ("kind", "until", "rows"),
    [
        ("installation", None, {"hand_over": date(2024, 5, 7)}),
        (
            "contract",
            None,
            {
                "months_4_6": date(2024, 9, 6),
                "months_10_12": date(2025, 3, 6),
                "one_year": date(2025, 5, 6),
            },
        ),
        ("survey_dissatisfied", None, {"survey_dissatisfied": date(2024, 5, 6)}),
        (
            "special_service",
            date(2024, 5, 26),
            {"service_middle": date(2024, 5, 16), "service_end": date(2024, 5, 26)},
        ),
    ],
)
def test_what_stands_nowhere_else_is_recorded_and_calls_for_visits(
    crm: CRM, kind: str, until: date | None, rows: dict[str, date]
) -> None:
    record = RecordOccasion("V1", "O1", kind, date(2024, 5, 6), "contract 7", until)
    crm.do(record, by=CLERK)
    assert tick(crm) == len(rows)
    found = {one.scheduled.row: one.from_at for one in state(crm).every()}
    assert found == {row: start_of_day(on) for row, on in rows.items()}
    crm.do(WithdrawOccasion("V1", "O1", "of another household"), by=CLERK)
    assert tick(crm) == len(rows)
    assert not open_visits(crm)


def test_every_row_of_the_method_and_every_trigger_stands_in_the_policy() -> None:
    """Research 7.5; what is drawn yearly (no contact, rounds) stands under the selections."""
    policy = shipped().find(VisitPolicy, DEFAULT_VISITS, date(2024, 5, 6))
    shares = {name: row.share for name, row in policy.rows.items()}
    assert shares == {
        "complaint_written": 100, "complaint_closed": 100, "proposal_received": 100,
        "repair_arranged": 100, "repair_overdue": 100, "repair_finished": 30, "hand_over": 100,
        "months_4_6": 30, "months_10_12": 30, "one_year": 30, "survey_dissatisfied": 100,
        "service_middle": 30, "service_end": 30,
    }  # fmt: skip
    assert {row.trigger for row in policy.rows.values()} == set(TRIGGERS)
    for row in ("months_4_6", "months_10_12", "one_year"):
        assert policy.rows[row].share_by_layer == {"important": 100, "main": 100}
    assert policy.selections["round"].percent == 50
    assert policy.selections["affection"].days == 365


# --- what comes late, or was otherwise -----------------------------------------------------------


def test_the_clock_schedules_once_however_often_it_looks(crm: CRM) -> None:
    finished(crm)
    assert [tick(crm) for _ in range(3)] == [1, 0, 0]
    at(crm, now(crm) + 10 * DAY)
    assert tick(crm) == 0
    assert sum(isinstance(one.event, VisitScheduled) for one in crm.history("visits/V1")) == 1


def test_a_closing_that_is_entered_late_is_visited_by_when_it_was_closed(crm: CRM) -> None:
    receive(crm, severity="major")
    repair(crm)
    done = now(crm)
    at(crm, done + 4 * DAY)
    word = Word("V1#owner", "phone", "77")
    crm.do(ConfirmClosing("R1", done + MINUTE, "satisfied", word), by=CLERK)
    tick(crm)
    found = visit(crm, "repair_finished:R1")
    assert (found.since, found.due_at) == (done + MINUTE, day(2024, 5, 12))


def test_what_was_over_long_before_it_came_to_be_known_calls_for_nothing(crm: CRM) -> None:
    old = RecordOccasion("V1", "O1", "installation", date(2024, 3, 1), "order 7")
    crm.do(old, by=CLERK)
    recent = RecordOccasion("V1", "O2", "installation", date(2024, 4, 20), "order 8")
    crm.do(recent, by=CLERK)
    tick(crm)
    assert open_visits(crm) == {"hand_over:of-O2"}


def test_a_request_that_is_opened_again_is_not_visited_until_it_is_closed_again(crm: CRM) -> None:
    finished(crm, severity="major")
    tick(crm)
    at(crm, now(crm) + DAY)
    crm.do(Reopen("R1", now(crm), "it drips again"), by=CLERK)
    tick(crm)
    assert not open_visits(crm)
    assert visit(crm, "repair_finished:R1").why == "matter"
    crm.do(ReportDone("R1", now(crm)), by=FITTER)
    close(crm)
    tick(crm)
    assert open_visits(crm) == {"repair_finished:R1:1"}
    assert visit(crm, "repair_finished:R1:1").from_at == day(2024, 5, 10)


def test_a_duplicate_has_no_visits_of_its_own_and_has_them_again_if_it_is_none(crm: CRM) -> None:
    receive(crm, kind="complaint", channel="letter")
    receive(crm, "R2", kind="complaint", channel="forum")
    tick(crm)
    assert open_visits(crm) == {"complaint_written:R1", "complaint_written:R2"}
    crm.do(MarkDuplicate("R2", "R1", "the same letter"), by=CLERK)
    tick(crm)
    assert open_visits(crm) == {"complaint_written:R1"}
    crm.do(UndoDuplicate("R2", "another letter", now(crm)), by=CLERK)
    tick(crm)
    assert open_visits(crm) == {"complaint_written:R1", "complaint_written:R2"}
    crm.do(MergeDuplicate("R2", "R1", "the same after all", now(crm)), by=CLERK)
    tick(crm)
    assert open_visits(crm) == {"complaint_written:R1"}


def test_a_request_that_never_came_in_calls_for_nothing(crm: CRM) -> None:
    receive(crm, kind="suggestion")
    tick(crm)
    crm._desk.within(VoidRequest("R1", "entered twice"), by=CLERK)
    tick(crm)
    assert not open_visits(crm)


# --- what becomes of the household ---------------------------------------------------------------


def test_who_sold_is_not_called_about_it_and_neither_is_who_bought(crm: CRM) -> None:
    finished(crm, severity="major")
    tick(crm)
    at(crm, now(crm) + DAY)
    sold = date(2024, 5, 7)
    buyer = Personal("V1#b", "Wang")
    crm.do(TransferOwnership("V1", "V1#b", sold, buyer, reason="transfer of ownership"), by=CLERK)
    tick(crm)
    assert visit(crm, "repair_finished:R1").why == "tenure"
    rows = {visit(crm, one).scheduled.row for one in open_visits(crm)}
    assert rows == {"hand_over", "months_4_6", "months_10_12", "one_year"}


def test_a_sale_of_a_later_day_is_looked_at_on_that_day(crm: CRM) -> None:
    finished(crm, severity="major")
    buyer = Personal("V1#b", "Wang")
    crm.do(
        TransferOwnership("V1", "V1#b", date(2024, 5, 8), buyer, reason="transfer of ownership"),
        by=CLERK,
    )
    tick(crm)
    assert "repair_finished:R1" in open_visits(crm)
    at(crm, day(2024, 5, 8) + HOUR)
    tick(crm)
    assert visit(crm, "repair_finished:R1").why == "tenure"


def test_where_nobody_is_left_nobody_is_called(crm: CRM) -> None:
    finished(crm, severity="major")
    tick(crm)
    crm.do(EndRole("V1", "V1#owner", "owner", date(2024, 5, 5), "moved away"), by=CLERK)
    tick(crm)
    assert visit(crm, "repair_finished:R1").why == "nobody"


def test_who_is_erased_is_called_no_more(crm: CRM) -> None:
    finished(crm, severity="major")
    tick(crm)
    crm.privacy.erase("V1", by=SUPERVISOR, purpose="they asked for it")
    tick(crm)
    assert visit(crm, "repair_finished:R1").why == "erased"


def test_visits_of_a_merged_file_are_those_of_the_surviving_one_and_back(crm: CRM) -> None:
    finished(crm, severity="major")
    tick(crm)
    crm.do(MergeHousehold("V1", "V2", date(2024, 5, 6), "the same flat"), by=SUPERVISOR)
    tick(crm)
    assert (open_visits(crm), open_visits(crm, "V2")) == (set(), {"repair_finished:R1"})
    assert visit(crm, "repair_finished:R1").why == "file"
    crm.do(UndoMerge("V1", "not the same"), by=SUPERVISOR)
    tick(crm)
    assert (open_visits(crm), open_visits(crm, "V2")) == ({"repair_finished:R1"}, set())
    call = made("repair_finished:R1", START + 4 * DAY, contact_left="E1")
    at(crm, START + 4 * DAY)
    crm.do(call, by=CLERK)
    assert tick(crm) == 0


def test_a_file_that_is_void_has_no_visits(crm: CRM) -> None:
    home(crm, "V9", moved_in=date(2024, 5, 5))
    tick(crm)
    assert open_visits(crm, "V9")
    crm._desk.within(
        VoidHousehold("V9", place_key("Anhe", "1", "1", "V9"), date(2024, 5, 5), "entered twice"),
        by=CLERK,
    )
    tick(crm)
    assert not open_visits(crm, "V9")
    assert {one.why for one in state(crm, "V9").every()} == {"file"}


def test_who_wants_no_attention_gets_none_and_is_still_called_about_a_repair(crm: CRM) -> None:
    home(crm, "V9", moved_in=date(2024, 5, 5))
    finished(crm, "R9", "V9", severity="major")
    tick(crm)
    crm.do(WithdrawConsent("V9", "V9#owner", "care", now(crm)), by=CLERK)
    tick(crm)
    assert open_visits(crm, "V9") == {"hand_over:in-2024-05-05", "repair_finished:R9"}
    assert visit(crm, "months_4_6:in-2024-05-05", "V9").why == "refused"


# --- two at once, other policies -----------------------------------------------------------------


def test_two_ticks_at_once_schedule_nothing_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with estate(url, households=4) as crm:
        for n in range(1, 5):
            finished(crm, f"R{n}", f"V{n}", severity="major")
        then = now(crm) + MINUTE
    errors: list[CrmError] = []

    def run() -> None:
        try:
            with open_crm(url) as one:
                one.tick(then)
        except CrmError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with open_crm(url) as crm:
        crm.tick(then + MINUTE)
        found = [one.event for n in range(1, 5) for one in crm.history(f"visits/V{n}")]
        assert [type(one) for one in found] == [VisitScheduled] * 4


def test_nobody_arranges_visits_by_hand(crm: CRM) -> None:
    assert refused(crm, ArrangeVisits("V1", ("R1",)), DIRECTOR) == ("given_inside_only", "LOG-08")


def test_a_visit_keeps_its_policy_and_later_matters_have_the_later_one() -> None:
    with estate() as crm:
        text = _policy_text().replace('from = "3 days"', 'from = "1 days"')
        text = text.replace("version = 1", "version = 2").replace("2000-01-01", "2024-06-01")
        finished(crm, severity="major")
        tick(crm)
        crm.host.policies = PolicyBook([*crm.registry.shipped, VisitPolicy.parse(text)])
        at(crm, START + 28 * DAY)
        finished(crm, "R2", severity="major")
        tick(crm)
        found = {one.visit: one for one in state(crm).every()}
        assert found["repair_finished:R1"].scheduled.policy.version == 1
        assert found["repair_finished:R2"].scheduled.policy.version == 2
        assert found["repair_finished:R2"].from_at == day(2024, 6, 4)


def test_a_host_without_such_a_policy_has_no_visits_and_a_clock_that_runs() -> None:
    with estate() as crm:
        others = [p for p in crm.registry.shipped if not isinstance(p, VisitPolicy)]
        crm.host.policies = PolicyBook(others)
        finished(crm)
        assert tick(crm) == 0


def test_what_was_called_off_says_so_once(crm: CRM) -> None:
    finished(crm, severity="major")
    tick(crm)
    crm.do(Reopen("R1", now(crm), "again"), by=CLERK)
    tick(crm)
    assert tick(crm) == 0
    events = [one.event for one in crm.history("visits/V1")]
    assert [type(one) for one in events] == [VisitScheduled, VisitCalledOff]


def _policy_text() -> str:
    from importlib.resources import files

    folder = files("crm_core.visits") / "policies"
    return (folder / "visit-cn-default.toml").read_text(encoding="utf-8")


def test_times_of_the_shipped_policy_are_read_as_they_are_written() -> None:
    policy = VisitPolicy.parse(_policy_text())
    assert (policy.attempts, policy.rest, policy.agreed) == (3, 7 * DAY, 30 * MINUTE)
    assert policy.lapse == timedelta(days=30)
