"""Orders, escalations and apologies reach people: from an event to staff and to the household."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_adapters.notify import Outbox, notices
from crm_core import CRM, Actor, Personal
from crm_core.application.work import Planned
from crm_core.errors import Refused
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Plain
from crm_core.messages import (
    STAFF_MESSAGES,
    Parameter,
    QueueMessage,
    RecordFailureToStaff,
    TellStaff,
)
from crm_core.owners import RegisterHousehold
from crm_core.plans.events import PlanDrafted
from crm_core.plans.notices import STAFF_NOTICES as PLAN_NOTICES
from crm_core.ports import Outgoing
from crm_core.requests import (
    Apologise,
    CloseImported,
    Dispatch,
    GiveUpCommitment,
    GrabOrder,
    HandOver,
    MakeCommitment,
    NoteProgress,
    PauseRequest,
    ReceiveRequest,
    RefuseOrder,
    Reopen,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
)
from crm_core.staff import (
    AssignTrades,
    CancelCover,
    ChangeStaffContact,
    EndStaffRole,
    PlanCover,
    RecordTraining,
    RecordUndertaking,
    RegisterStaff,
)
from crm_core.surveys import WatchForum
from crm_core.visits.events import VisitScheduled
from crm_core.visits.notices import STAFF_NOTICES as VISIT_NOTICES

CLERK, SUPERVISOR = Actor("S17", "specialist"), Actor("B3", "supervisor")
E4, E5 = Actor("E4", "operator"), Actor("E5", "operator")
DIRECTOR, HOST = Actor("D1", "director"), Actor("root", "host")
NINE = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = date(2010, 1, 1)
ROLES = {
    "D1": "director",
    "M1": "manager",
    "B3": "supervisor",
    "S17": "specialist",
    "S18": "specialist",
    "E4": "operator",
    "E5": "operator",
}
TRADES = {"E4": ("engineering",), "E5": ("engineering", "cleaning")}


class Sink:
    """The other side: keeps what it took."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    def send(self, outgoing: Outgoing) -> str:
        self.sent.append(outgoing)
        return "ok"

    def close(self) -> None:
        """Nothing is held open."""


class Centre:
    """A service centre with its people, a household, and an outbox that follows."""

    def __init__(self) -> None:
        self.crm: CRM = open_crm("memory:")
        self.at = NINE
        self.followed = 0
        centre = self

        class Clock:
            def now(self) -> datetime:
                return centre.at

        self.crm.host.clock = Clock()
        self.sink = Sink()
        self.outbox = Outbox(self.crm, {"": self.sink})
        owner = "V1#owner"
        self.do(
            RegisterHousehold(
                "V1",
                "星河",
                "1",
                "1",
                "101",
                owner=Personal(owner, "欧阳修"),
                phone=Personal(owner, "13800000000"),
                moved_in=LONG_AGO,
            )
        )

    def do(self, command: Any, by: Actor = CLERK) -> Any:
        return self.crm.do(command, by=by)

    def staff(self) -> Centre:
        """The register, with a contact for everybody."""
        for staff, role in ROLES.items():
            contact = Personal(staff, f"tel-{staff}")
            self.do(RegisterStaff(staff, role, LONG_AGO, contact=contact), DIRECTOR)
        for staff, trades in TRADES.items():
            self.do(AssignTrades(staff, trades, LONG_AGO), DIRECTOR)
        return self

    def shift(self, line: str, staff: str, start: datetime, end: datetime) -> None:
        self.do(PlanCover(line, f"{line}-{staff}-{start:%d%H%M}", staff, start, end), SUPERVISOR)

    def receive(self, request: str = "R1", severity: str = "general") -> None:
        self.do(
            ReceiveRequest(
                request, "V1", "phone", "repair", "engineering", severity, "x", self.at, "S17"
            )
        )

    def send(self) -> list[tuple[str, str, str]]:
        """What leaves now: to whom, by which template, and the text."""
        following = notices(self.crm)
        for recorded in list(self.crm.log.feed(after=self.followed, names=following.names)):
            following.handle(recorded)
            following.handle(recorded)  # An interruption brings it again: it changes nothing.
            self.followed = recorded.position
        before = len(self.sink.sent)
        self.outbox.dispatch()
        return [(o.address.subject, o.address.reveal(), o.body) for o in self.sink.sent[before:]]

    def reached(self) -> list[str]:
        """Which members of staff are reached now."""
        return sorted(who for who, _, _ in self.send() if "#" not in who)

    def told_household(self) -> list[str]:
        return [body for who, _, body in self.send() if "#" in who]

    def status(self, staff: str) -> list[tuple[str, str]]:
        decider = STAFF_MESSAGES.decider
        state, _ = self.crm.log.fold(f"staff_messages/{staff}", decider.evolve, decider.initial)
        found = [state.status(message) for message in state.queued]
        return [(status.name, status.reason) for status in found]


@pytest.fixture
def bare() -> Iterator[Centre]:
    made = Centre()
    yield made
    made.crm.close()


@pytest.fixture
def centre(bare: Centre) -> Centre:
    return bare.staff()


# --- orders --------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-06", "OUT-01")
def test_an_order_reaches_the_operator_at_the_contact_of_the_register(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    [(who, contact, body)] = centre.send()
    assert (who, contact) == ("E4", "tel-E4")
    assert body == "工单 R1 已于2011年3月1日09:00派给您或您的部门，请处理。"
    assert centre.send() == []
    assert centre.status("E4") == [("sent", "")]


@pytest.mark.rule("REQ-06", "OUT-01")
def test_an_order_of_a_department_reaches_those_of_it_on_duty(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.do(Dispatch("R1", "engineering", "department", NINE))
    assert centre.reached() == ["E4", "E5"]
    centre.shift("engineering", "E5", NINE, NINE + HOUR)
    centre.do(Dispatch("R1", "engineering", "department", NINE, "grab"))
    [(who, _, body)] = centre.send()
    assert who == "E5"
    assert "先抢先得" in body
    centre.do(GrabOrder("R1", NINE), E5)
    assert centre.reached() == []


@pytest.mark.rule("REQ-06", "OUT-01")
def test_a_department_of_nobody_is_told_by_its_leader(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.do(Dispatch("R1", "greening", "department", NINE))
    assert centre.reached() == ["B3"]
    centre.do(EndStaffRole("B3", "supervisor", date(2011, 2, 27), "left"), DIRECTOR)
    centre.do(Dispatch("R1", "parking", "department", NINE))
    assert centre.reached() == ["M1"]


@pytest.mark.parametrize("back", [RefuseOrder, ReturnOrder])
@pytest.mark.rule("REQ-06", "OUT-01")
def test_who_gets_an_order_back_is_told(centre: Centre, back: Any) -> None:
    centre.receive()
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    centre.send()
    centre.do(back("R1", "no valve", NINE), E4)
    [(who, _, body)] = centre.send()
    assert who == "S17"
    assert "退单" in body
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    centre.do(back("R1", "no valve", NINE, to="E5"), E4)
    # The first of the two orders has moved on before anybody was told: nobody runs for nothing.
    assert centre.reached() == ["E5"]


@pytest.mark.rule("REQ-01", "REQ-06", "REQ-16", "OUT-01")
def test_who_gets_a_request_is_told_and_again_when_it_is_opened_again(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.do(HandOver("R1", "S18", "shift ended"))
    assert centre.reached() == ["S18"]
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    centre.do(ReportDone("R1", NINE), E4)
    centre.send()
    centre.do(Reopen("R1", NINE, "leaks again"))
    told = centre.send()
    assert sorted(who for who, _, _ in told) == ["E4", "S18"]
    assert all("重新开启" in body for _, _, body in told)


@pytest.mark.rule("REQ-01", "OUT-01")
def test_nobody_is_told_of_what_they_did_themselves(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.do(Dispatch("R1", "S17", "operator", NINE))
    assert centre.reached() == []
    centre.do(HandOver("R1", "S18", "shift ended"), Actor("S18", "specialist"))
    assert centre.reached() == []


@pytest.mark.rule("OUT-01")
def test_work_waits_for_duty_hours_and_not_for_the_end_of_quiet_hours(centre: Centre) -> None:
    centre.at = NINE + 14 * HOUR  # 23:00, which is quiet for a household
    centre.shift("engineering", "E4", centre.at - HOUR, centre.at + HOUR)
    centre.shift("engineering", "E5", centre.at + 8 * HOUR, centre.at + 16 * HOUR)
    centre.receive()
    for number, staff in enumerate(("E4", "E5", "S18")):
        centre.do(Dispatch("R1", staff, "operator", centre.at + number * MINUTE))
        reached = centre.reached()
        assert reached == ([] if staff == "E5" else [staff]), staff
    assert centre.status("E5") == [("waiting", "")]
    centre.at += 8 * HOUR - timedelta(seconds=1)
    assert centre.reached() == []
    centre.at += timedelta(seconds=1)
    assert centre.reached() == ["E5"]


@pytest.mark.rule("OUT-01")
def test_a_shift_that_is_cancelled_meanwhile_puts_the_message_off(centre: Centre) -> None:
    centre.shift("engineering", "E4", NINE + HOUR, NINE + 2 * HOUR)
    centre.shift("engineering", "E4", NINE + 5 * HOUR, NINE + 6 * HOUR)
    centre.receive()
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    assert centre.reached() == []
    centre.do(CancelCover("engineering", f"engineering-E4-{NINE + HOUR:%d%H%M}", "ill"), SUPERVISOR)
    centre.at = NINE + HOUR
    assert centre.reached() == []
    assert centre.status("E4") == [("waiting", "off_duty")]
    centre.at = NINE + 5 * HOUR
    assert centre.reached() == ["E4"]


@pytest.mark.rule("OUT-01")
def test_nobody_refuses_or_caps_what_staff_are_told_of_their_work(centre: Centre) -> None:
    for number in range(5):
        centre.receive(f"R{number}")
        centre.do(Dispatch(f"R{number}", "E4", "operator", NINE))
    assert centre.reached() == ["E4"] * 5
    assert not hasattr(TellStaff("E4", "c:0", "order-given"), "word")


@pytest.mark.rule("OUT-01")
def test_who_left_meanwhile_is_not_told(centre: Centre) -> None:
    centre.shift("engineering", "E4", NINE + DAY, NINE + DAY + HOUR)
    centre.receive()
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    assert centre.reached() == []
    centre.do(EndStaffRole("E4", "operator", NINE.date(), "left"), DIRECTOR)
    centre.at = NINE + DAY
    assert "E4" not in centre.reached()
    assert centre.status("E4") == [("withheld", "not_on_the_staff")]


@pytest.mark.rule("OUT-01")
def test_a_contact_is_opened_only_to_send_and_for_who_may(centre: Centre) -> None:
    centre.do(ChangeStaffContact("E4", Personal("E4", "tel-new")), DIRECTOR)
    day = NINE.date()
    centre.do(RecordUndertaking(SUPERVISOR.id, "N-1", day, day + 9 * DAY), DIRECTOR)
    centre.do(RecordTraining(SUPERVISOR.id, "PIPL", day, day + 9 * DAY), DIRECTOR)
    assert centre.crm.staff.contact("E4", by=SUPERVISOR, purpose="duty") == Plain("tel-new")
    assert centre.crm.staff.contact("S99", by=SUPERVISOR, purpose="duty") is None
    with pytest.raises(Refused, match="reach-staff"):
        centre.crm.staff.contact("E4", by=CLERK, purpose="curiosity")
    centre.receive()
    centre.do(Dispatch("R1", "E4", "operator", NINE))
    assert [contact for who, contact, _ in centre.send() if who == "E4"] == ["tel-new"]
    stored = [str(e.event) for e in centre.crm.history("staff_messages/E4")]
    assert stored
    assert not any("tel-" in text for text in stored)


@pytest.mark.rule("OUT-01")
def test_without_a_contact_it_is_given_up_where_everybody_sees_it(centre: Centre) -> None:
    centre.do(RegisterStaff("E9", "operator", LONG_AGO), DIRECTOR)
    centre.receive()
    centre.do(Dispatch("R1", "E9", "operator", NINE))
    assert "E9" not in centre.reached()
    assert centre.status("E9") == [("given_up", "address_missing")]


@pytest.mark.rule("OUT-01")
def test_without_a_register_nobody_on_the_staff_is_reached(bare: Centre) -> None:
    bare.receive()
    bare.do(Dispatch("R1", "E4", "operator", NINE))
    assert bare.reached() == []
    assert bare.status("E4") == []


@pytest.mark.rule("OUT-01", "LOG-08")
def test_staff_are_told_by_the_host_alone_and_of_work_alone(centre: Centre) -> None:
    told = TellStaff("E4", "c:0", "order-given", (Parameter("given_at", "2011-03-01T01:00:00Z"),))
    request = Parameter("request", "R1")
    for by in (CLERK, DIRECTOR, E4):
        with pytest.raises(Refused) as refused:
            centre.do(told, by)
        assert refused.value.reason == "role_insufficient"
    whole = attrs.evolve(told, parameters=(*told.parameters, request))
    for command, reason in (
        (attrs.evolve(whole, staff="S99"), "unknown_staff"),
        (attrs.evolve(whole, cause=""), "cause_missing"),
        (told, "parameter_missing"),
        (TellStaff("E4", "c:0", "commitment-broken-neutral"), "template_of_others"),
        (QueueMessage("V1", "c:0", "order-given", whole.parameters), "template_of_others"),
        (RecordFailureToStaff("E4", "none", 1, "rejected", transient=False), "unknown_message"),
    ):
        with pytest.raises(Refused) as refused:
            centre.do(command, HOST)
        assert refused.value.reason == reason
        assert "{" not in refused.value.refusal.told("zh")
    centre.do(whole, HOST)
    assert centre.status("E4") == [("waiting", "")]


# --- escalations ---------------------------------------------------------------------------------

# A promise within 5 minutes of 09:00 (half of it at 09:02:30): breached at 09:05, then every 2:30.


@pytest.mark.rule("REQ-13", "OUT-01")
def test_a_breach_climbs_one_role_for_each_further_half_of_the_target(centre: Centre) -> None:
    centre.receive()
    centre.send()
    steps = {
        "S17": NINE + 5 * MINUTE,
        "B3": NINE + 7.5 * MINUTE,
        "M1": NINE + 10 * MINUTE,
        "D1": NINE + 12.5 * MINUTE,
    }
    for staff, due in steps.items():
        centre.at = due  # exactly then it is still in time
        centre.crm.tick(by=HOST)
        assert staff not in centre.reached()
        centre.at = due + timedelta(seconds=1)
        centre.crm.tick(by=HOST)
        reached = centre.reached()
        # The specialists are two, and nobody above is told before it is their turn.
        assert reached == (["S17", "S18"] if staff == "S17" else [staff])
    centre.at = NINE + 15.5 * MINUTE
    centre.crm.tick(by=HOST)
    assert centre.reached() == []


@pytest.mark.rule("REQ-13", "OUT-01")
def test_of_a_role_those_on_duty_are_told(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.shift("specialist", "S18", NINE, NINE + HOUR)
    centre.at = NINE + 6 * MINUTE
    centre.crm.tick(by=HOST)
    [(who, _, body)] = centre.send()
    assert who == "S18"
    assert body == "工单 R1 的答复或承诺已于2011年3月1日09:05超时。"


@pytest.mark.rule("REQ-13", "OUT-01")
def test_a_role_that_nobody_holds_passes_on_to_the_next_above(centre: Centre) -> None:
    centre.receive()
    centre.send()
    for staff in ("S17", "S18"):
        centre.do(EndStaffRole(staff, "specialist", date(2011, 2, 27), "left"), DIRECTOR)
    centre.do(EndStaffRole("B3", "supervisor", date(2011, 2, 27), "left"), DIRECTOR)
    centre.at = NINE + 6 * MINUTE
    centre.crm.tick(by=HOST)
    assert centre.reached() == ["M1"]


@pytest.mark.rule("REQ-13", "OUT-01")
def test_an_escalation_found_too_late_is_withheld_and_not_sent(centre: Centre) -> None:
    centre.receive()
    centre.send()
    centre.at = NINE + 5 * DAY
    centre.crm.tick(by=HOST)
    assert centre.send() == []
    assert {status for staff in ("S17", "B3") for status in centre.status(staff)} == {
        ("withheld", "expired")
    }


@pytest.mark.rule("OUT-01")
def test_nobody_is_told_of_what_an_import_brings(centre: Centre) -> None:
    planned = [
        Planned(
            ReceiveRequest(
                "R7", "V1", "phone", "repair", "engineering", "general", "x", NINE, "S17"
            ),
            "import:1",
            NINE,
        ),
        Planned(CloseImported("R7", NINE + MINUTE), "import:2", NINE + MINUTE),
    ]
    centre.crm.batch(planned, by=HOST, imported=NINE)
    assert centre.send() == []


# --- broken promises -----------------------------------------------------------------------------


PROMISE = MakeCommitment("R1", "fixed", NINE + HOUR, NINE)
SORRY = Apologise("R1", "we are sorry", "阀门缺货", "今晚免费更换", NINE + 70 * MINUTE)


@pytest.mark.rule("REQ-09", "OUT-01")
def test_a_household_hears_of_a_broken_promise_at_once_and_again_with_reason_and_remedy(
    centre: Centre,
) -> None:
    centre.receive()
    centre.do(PROMISE)
    centre.send()
    centre.at = NINE + HOUR + timedelta(seconds=1)
    centre.crm.tick(by=HOST)
    told = centre.send()
    [(_who, _, body)] = [one for one in told if one[0] == "V1#owner"]
    assert body.startswith("欧阳修，您好：我们承诺在2011年3月1日10:00前办妥报事 R1，未能做到")
    assert ("S17", "tel-S17") in [(who, contact) for who, contact, _ in told]
    centre.at = NINE + 70 * MINUTE
    centre.do(SORRY)
    [body] = centre.told_household()
    assert "原因：阀门缺货。补救：今晚免费更换。" in body
    stored = [str(e.event) for e in centre.crm.history("messages/V1")]
    assert not any("阀门" in text for text in stored)


@pytest.mark.rule("REQ-09", "OUT-01")
def test_a_new_time_is_told_with_the_apology(centre: Centre) -> None:
    centre.receive()
    centre.do(PROMISE)
    centre.do(GiveUpCommitment("R1", NINE + MINUTE, "no valve"))
    centre.send()
    again = attrs.evolve(SORRY, apologised_at=NINE + 2 * MINUTE, new_due_at=NINE + 2 * HOUR)
    centre.at = NINE + 2 * MINUTE
    centre.do(again)
    told = [body for body in centre.told_household() if "补救" in body]
    assert [body.rpartition("：")[2] for body in told] == ["2011年3月1日11:00前。"]


@pytest.mark.rule("REQ-13", "OUT-01")
def test_nobody_is_told_of_what_turns_out_late_to_have_been_due(centre: Centre) -> None:
    """The pause ended sooner than was thought, so the promise was late; the lists still say so."""
    centre.receive()
    centre.do(PauseRequest("R1", "customer_absent", NINE + 2 * MINUTE, NINE + 5 * HOUR))
    centre.send()
    centre.at = NINE + HOUR
    centre.do(NoteProgress("R1", "nobody opens", False, NINE + 50 * MINUTE))
    centre.do(ResumeRequest("R1", NINE + 4 * MINUTE))
    breached = [
        recorded.event
        for recorded in centre.crm.history("request/R1")
        if recorded.name == "requests.clock_breached/1"
    ]
    late = {event.clock for event in breached if event.late}
    assert "promise-1" in late
    told = {body for _, _, body in centre.send()}
    assert not any("答复或承诺" in body for body in told)
    clocks = [t.details.get("clock") for t in centre.crm.todo(by=CLERK) if t.what == "breach"]
    assert "promise-1" in clocks


@pytest.mark.rule("REQ-09", "OUT-01")
def test_a_promise_that_is_given_up_is_told_before_its_time(centre: Centre) -> None:
    centre.receive()
    centre.do(PROMISE)
    centre.send()
    centre.do(GiveUpCommitment("R1", NINE + MINUTE, "no valve"))
    [body] = centre.told_household()
    assert "10:00" in body


@pytest.mark.rule("OUT-01", "PRV-03")
def test_words_of_another_household_are_never_quoted(centre: Centre) -> None:
    centre.do(
        RegisterHousehold(
            "V2",
            "星河",
            "1",
            "1",
            "102",
            owner=Personal("V2#owner", "苏轼"),
            phone=Personal("V2#owner", "13900000000"),
            moved_in=LONG_AGO,
        )
    )
    centre.receive()
    centre.do(PROMISE)
    centre.do(GiveUpCommitment("R1", NINE + MINUTE, "no valve"))
    centre.do(attrs.evolve(SORRY, apologised_at=NINE + 2 * MINUTE))
    centre.send()
    [sorry] = [e for e in centre.crm.history("request/R1") if e.name == "requests.apologised/1"]
    request = (Parameter("request", "R1"),)
    for cause in (sorry.envelope.event_id, "nothing:0", "odd"):
        centre.do(QueueMessage("V2", cause, "apology-made", request))
    assert centre.send() == []
    decider = STAFF_MESSAGES.decider
    state, _ = centre.crm.log.fold("messages/V2", decider.evolve, decider.initial)
    assert [state.status(m).reason for m in state.queued] == ["cause_unusable"] * 3


# --- visits, plans, forums -----------------------------------------------------------------------


@pytest.mark.rule("VIS-01", "OUT-01")
def test_a_visit_that_is_due_at_once_is_told_to_the_desk_and_one_that_lapsed_to_who_leads(
    centre: Centre,
) -> None:
    centre.do(
        ReceiveRequest(
            "R1", "V1", "letter", "complaint", "engineering", "general", "x", NINE, "S17"
        )
    )
    centre.at = NINE + MINUTE
    centre.crm.tick()
    told = [(who, body) for who, _, body in centre.send() if "回访" in body and "R1" in body]
    due = "2011年3月1日11:00"
    assert told == [(who, f"回访 complaint_written:R1 须在{due}前完成。") for who in ("S17", "S18")]
    centre.at = NINE + 40 * DAY
    centre.crm.tick()
    told = [(who, body) for who, _, body in centre.send() if "失效" in body and "R1" in body]
    assert told == [("B3", f"回访 complaint_written:R1 应在{due}前完成，始终没有完成，现已失效。")]


@pytest.mark.rule("VIS-01", "OUT-01")
def test_nobody_is_told_of_a_visit_that_has_days_or_on_which_no_lot_fell() -> None:
    found = [
        VisitScheduled(
            visit=f"x:{number}",
            household="V1",
            row="repair_finished",
            content="explain",
            purpose="service",
            means=("phone",),
            request=None,
            occasion=None,
            draw=None,
            since=NINE,
            from_at=NINE,
            due_at=NINE + days * DAY,
            latest_at=NINE + days * DAY,
            lapses_at=NINE + 30 * DAY,
            must=must,
            seed="",
            hands=(),
            policy=PolicyRef("0" * 64, "visit-cn-default", 1),
        )
        for number, days, must in ((1, 5, True), (2, 1, False), (3, 1, True))
    ]
    told = [VISIT_NOTICES[VisitScheduled](one, None) for one in found]  # type: ignore[arg-type]
    assert [len(one) for one in told] == [0, 0, 1]


@pytest.mark.rule("SUR-04", "OUT-01")
def test_a_day_on_which_nobody_looked_into_the_forum_is_told_to_who_leads(centre: Centre) -> None:
    centre.do(WatchForum("F1", "星河", "S17", "09:30", NINE.date()), SUPERVISOR)
    centre.at = NINE + 3 * HOUR
    centre.crm.tick()
    told = [(who, body) for who, _, body in centre.send() if "论坛" in body]
    assert told == [("B3", "2011年3月1日无人按时查看论坛 F1。请说明原因。")]


@pytest.mark.rule("PLN-02", "OUT-01")
def test_a_draft_is_told_to_who_reviews_it() -> None:
    drafted = PlanDrafted(
        plan="P1",
        version=1,
        method="visits",
        goal="trust",
        measures=(),
        budget_fen=0,
        runs_from=NINE.date(),
        runs_to=NINE.date(),
        answer="",
        on=NINE.date(),
        drafted_by="B3",
    )
    [told] = PLAN_NOTICES[PlanDrafted](drafted, None)  # type: ignore[arg-type]
    assert (told.template, told.role, told.values["step"]) == ("plan-waits", "manager", "review")
