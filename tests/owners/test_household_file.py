"""The household's file: record card, proposed changes, keepers, and the file as of any day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import Actor, Personal, Refused
from crm_core.application import filing
from crm_core.application.filing import FileItem, HouseholdFile
from crm_core.crm import CRM
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.word import Word
from crm_core.messages.events import MessageQueued, MessageSent
from crm_core.opinions import RecordOpinion, WithdrawOpinion
from crm_core.owners import (
    CARD,
    AssignKeeper,
    DecideChange,
    MergeHousehold,
    ProposeChange,
    RecordInterest,
    RecordItem,
    RegisterHousehold,
    ReportChange,
    TransferOwnership,
    VerifyItem,
    WithdrawItem,
)
from crm_core.owners.card.events import ItemRecorded
from crm_core.owners.card.standard import BUSINESS, CONTACTS, ITEMS, in_standard
from crm_core.owners.commands import SOURCES
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.payments.commands import RecordPurchase
from crm_core.requests import (
    ConfirmClosing,
    Dispatch,
    ReceiveRequest,
    Reclassify,
    Reopen,
    ReportDone,
)
from crm_core.requests.events import (
    Apologised,
    ConfirmationAttemptFailed,
    CustomerAnswered,
    ProgressNoted,
)
from crm_core.staff import EndStaffRole, RegisterStaff
from crm_core.testing import given as past

CLERK = Actor("S17", "specialist")
MANAGER = Actor("S3", "manager")
GUARD = Actor("S40", "security")
HOME = "V00001"
OWNER = f"{HOME}#owner"
ME = Actor(OWNER, "owner")
ENTERED = datetime(2010, 1, 5, 4, tzinfo=UTC)
DAY = date(2011, 6, 1)


def about(text: str) -> Personal:
    return Personal(OWNER, text)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        command = RegisterHousehold(
            HOME,
            "星河小区",
            "1号楼",
            "2单元",
            "301",
            owner=about("张伟"),
            phone=about("13800138000"),
            moved_in=date(2010, 1, 1),
        )
        opened.do(command, by=CLERK, at=ENTERED)
        yield opened


def record(crm: CRM, item: str, text: str, on: date = DAY, **more: Any) -> None:
    command = RecordItem(HOME, OWNER, item, about(text), on, **more)
    crm.do(command, by=CLERK, at=start_of_day(on))


def the_file(crm: CRM, on: date | None = None, known: datetime | None = None) -> HouseholdFile:
    file = crm.owners.file(HOME, by=CLERK, purpose="case 7", on=on, known=known)
    assert file is not None
    return file


def item(file: HouseholdFile, name: str, entry: str = "") -> FileItem:
    [found] = [one for one in file.items() if (one.item, one.entry) == (name, entry)]
    return found


def values(file: HouseholdFile) -> dict[str, Any]:
    return {one.item + one.entry: one.value for one in file.items()}


# --- OWN-04, OWN-05: the record card -------------------------------------------------------------


@pytest.mark.rule("OWN-04")
def test_a_person_has_several_contacts_each_with_its_language_hours_and_preference(
    crm: CRM,
) -> None:
    record(crm, "mobile", "138 0013-8000", entry="1")
    more = {"preferred": True, "language": about("粤语"), "hours": about("after 18:00")}
    record(crm, "mobile", "+86 139 0000 0000", entry="2", **more)
    record(crm, "wechat", "zhang_wei")
    record(crm, "contact_frequency", "monthly")
    record(crm, "preferred_way", "wechat")
    found = the_file(crm)
    first, second = item(found, "mobile", "1"), item(found, "mobile", "2")
    assert (first.value, first.preferred, first.language) == ("13800138000", False, None)
    assert (second.value, second.preferred) == ("+8613900000000", True)
    assert (second.language, second.hours) == ("粤语", "after 18:00")
    assert {one.item for one in found.wishes} == {"contact_frequency", "preferred_way"}


@pytest.mark.rule("OWN-04")
def test_the_card_has_every_item_of_the_record_card_and_of_a_companys_status_record() -> None:
    """《客户资料记录卡》 and 《客户状况记录表》."""
    card = {"employer", "post", "address", "contact_frequency", "preferred_way"}
    company = {
        *("legal_person", "general_manager", "main_business", "headcount", "business_state"),
        *("bank", "loans", "cash_flow", "payer", "payment_attitude", "cheques"),
        *("development_potential", "satisfaction"),
    }
    assert card <= set(ITEMS)
    assert company == set(BUSINESS)


@pytest.mark.rule("OWN-04")
@pytest.mark.rule("PRV-03")
def test_items_are_sealed_under_the_members_key_and_go_with_it(crm: CRM) -> None:
    record(crm, "employer", "华东电力设计院")
    [stored] = [one.event for one in crm.history(CARD.stream(HOME))]
    assert isinstance(stored, ItemRecorded)
    assert stored.value.subject == OWNER
    assert "华东" not in crm.log.canonical(stored).decode()
    assert values(the_file(crm))["employer"] == "华东电力设计院"
    crm.host.vault.erase(OWNER)
    assert values(the_file(crm))["employer"] == Withheld("erased")


@pytest.mark.rule("OWN-05")
def test_every_item_says_from_where_by_whom_and_when(crm: CRM) -> None:
    record(crm, "post", "engineer", source="engineering")
    found = item(the_file(crm), "post")
    assert (found.source, found.entered_by) == ("engineering", "specialist:S17")
    assert (found.told_on, found.entered_at) == (DAY, start_of_day(DAY))
    name = item(the_file(crm), "name")
    assert (name.source, name.entered_by) == ("move_in_registration", "specialist:S17")


@pytest.mark.rule("OWN-05")
def test_channels_and_departments_are_sources() -> None:
    assert set(SOURCES) >= {
        *("move_in_registration", "service_request", "survey", "home_visit", "phone", "wechat"),
        *("app", "community_event", "sales", "engineering", "security", "cleaning"),
    }


@pytest.mark.rule("OWN-05")
@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("mobile", "１３８ 0013-8000", "13800138000"),
        ("landline", "(0755) 8888 8888", "075588888888"),
        ("email", " Zhang@EXAMPLE.com", "Zhang@example.com"),
        ("birthday", "02-29", "02-29"),
        ("headcount", "１２０", "120"),
        ("employer", " 华东 电力（集团）", " 华东 电力（集团）"),
        ("mobile", "call me", None),
        ("email", "zhang", None),
        ("birthday", "1970-02-28", None),
        ("birthday", "02-30", None),
        ("birthday", "13-01", None),
        ("headcount", "many", None),
        ("age_band", "35", None),
        ("preferred_way", "drums", None),
        ("contact_frequency", "never", None),
        ("employer", "  ", None),
    ],
)
def test_items_are_kept_in_one_form_and_names_as_they_are(
    name: str, typed: str, kept: str | None
) -> None:
    assert in_standard(name, typed) == kept


@pytest.mark.rule("OWN-05")
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30))
def test_whatever_is_kept_of_a_number_is_kept_again(text: str) -> None:
    for name in (*CONTACTS, "birthday", "headcount"):
        kept = in_standard(name, text)
        assert kept is None or in_standard(name, kept) == kept


def ask(item: str = "post", text: str = "x", **more: Any) -> RecordItem:
    return attrs.evolve(RecordItem(HOME, OWNER, item, about(text), DAY, **more), stranger=False)


TOLD = ItemRecorded(
    basis="",
    document="",
    entry="",
    hours=None,
    household=HOME,
    item="post",
    language=None,
    member=OWNER,
    on=DAY,
    preferred=False,
    kept_for="",
    source="phone",
    value=about("x"),
    word=None,
)


@pytest.mark.parametrize(
    ("before", "command", "reason", "rule"),
    [
        ((), ask("shoe_size"), "unknown_item", "OWN-04"),
        ((), ask(source="hearsay"), "unknown_source", "OWN-05"),
        ((), ask("mobile", "none"), "item_malformed", "OWN-05"),
        ((), ask("preferred_way", "drums"), "item_malformed", "OWN-05"),
        ((), ask(preferred=True), "no_contact", "OWN-04"),
        ((), ask(hours=about("evenings")), "no_contact", "OWN-04"),
        ((), attrs.evolve(ask(), stranger=True), "unknown_member", "OWN-02"),
        ((), attrs.evolve(ask(), value=Personal("P9", "x")), "person_of_another", "OWN-02"),
        ((), ask("mobile", "123", language=Personal("P9", "x")), "person_of_another", "OWN-02"),
        ((), WithdrawItem(HOME, OWNER, "post", DAY, "left"), "item_not_held", "OWN-04"),
        ((TOLD,), WithdrawItem(HOME, OWNER, "post", DAY, " "), "reason_missing", "LOG-06"),
    ],
)
@pytest.mark.rule("OWN-04")
@pytest.mark.rule("OWN-05")
def test_what_is_no_item_of_a_member_is_refused(
    before: tuple[Any, ...], command: Any, reason: str, rule: str
) -> None:
    past(CARD, *before).when(command).refused(reason, rule)


@pytest.mark.rule("OWN-04")
def test_an_item_that_was_withdrawn_holds_no_more_and_stays_in_the_history(crm: CRM) -> None:
    record(crm, "post", "engineer")
    left = date(2011, 8, 1)
    crm.do(WithdrawItem(HOME, OWNER, "post", left, "retired"), by=CLERK, at=start_of_day(left))
    assert "post" not in values(the_file(crm))
    assert values(the_file(crm, on=date(2011, 7, 31)))["post"] == "engineer"


@pytest.mark.rule("OWN-08")
def test_files_without_a_keeper_and_those_whose_keeper_left_are_listed(crm: CRM) -> None:
    today = crm.host.clock.now().date()
    other = RegisterHousehold("V00002", "Anhe", "1", "1", "1")
    crm.do(other, by=CLERK)
    employed = {"S1": "director", "S3": "manager", "S17": "specialist", "S18": "specialist"}
    for staff, role in employed.items():
        by = MANAGER if role == "director" else Actor("S1", "director")
        crm.do(RegisterStaff(staff, role, date(2010, 1, 1)), by=by)
    crm.do(AssignKeeper(HOME, "S18", date(2010, 2, 1), "district 1"), by=MANAGER)
    assert [one.household for one in crm.owners.unkept(by=MANAGER)] == ["V00002"]
    assert crm.owners.unkept(by=MANAGER, estate="星河小区") == ()
    crm.do(
        EndStaffRole("S18", "specialist", today - timedelta(days=1), "left"),
        by=Actor("S1", "director"),
    )
    [left, never] = crm.owners.unkept(by=MANAGER)
    assert (left.household, left.keeper, left.since) == (HOME, "S18", date(2010, 2, 1))
    assert (never.household, never.keeper) == ("V00002", None)
    crm.do(AssignKeeper(HOME, "S17", today, "S18 has left"), by=MANAGER)
    crm.do(MergeHousehold("V00002", HOME, today, "twice"), by=MANAGER)
    assert crm.owners.unkept(by=MANAGER) == ()


# --- OWN-03, OWN-10: seven categories as of any day ----------------------------------------------


def bought(crm: CRM, number: str, fen: int, on: date) -> None:
    crm.do(RecordPurchase(HOME, number, "保洁", fen, on), by=CLERK, at=start_of_day(on))


def asked(crm: CRM, number: str, kind: str, on: date, rings: int | None = None) -> None:
    channel = "wechat" if rings is None else "phone"
    command = ReceiveRequest(
        request=number,
        household=HOME,
        channel=channel,
        kind=kind,
        trade="engineering",
        severity="general",
        summary="noise",
        received_at=start_of_day(on),
        first_asked="S17",
        rings=rings,
    )
    crm.do(command, by=CLERK, at=start_of_day(on))


@pytest.mark.rule("OWN-03")
def test_a_voice_is_of_the_kind_and_as_open_as_its_request_is(crm: CRM) -> None:
    """A complaint that is no complaint after all, is closed, and is opened again."""
    clock = SetClock(start_of_day(date(2011, 3, 1)))
    crm.host.clock = clock
    asked(crm, "R1", "complaint", date(2011, 3, 1))
    asked(crm, "R2", "repair", date(2011, 3, 1))
    told: list[tuple[str, str]] = []
    word = Word(OWNER, "phone", "call 9")
    fitter = Actor("E1", "operator")
    for make, by in (
        (lambda at: Reclassify("R1", "asks only", at, kind="enquiry"), CLERK),
        (lambda at: Dispatch("R1", "E1", "operator", at), CLERK),
        (lambda at: ReportDone("R1", at), fitter),
        (lambda at: ConfirmClosing("R1", at, "satisfied", word), CLERK),
        (lambda at: Reopen("R1", at, "again"), CLERK),
    ):
        crm.do(make(clock.now()), by=by)
        [voice] = the_file(crm).voices
        told.append((voice.kind, voice.status))
    assert told == [
        ("enquiry", "open"), ("enquiry", "open"), ("enquiry", "open"), ("enquiry", "closed"),
        ("enquiry", "open"),
    ]  # fmt: skip


@pytest.mark.rule("OWN-03")
@pytest.mark.rule("PAY-16")
def test_payments_are_those_of_the_tenure_of_the_day(crm: CRM) -> None:
    """What the seller owed and paid is none of the buyer's."""
    for charge, due in (("C1", date(2011, 3, 4)), ("C2", date(2011, 8, 4))):
        raised = RaiseCharge(HOME, charge, "management_fee", charge, 10_000, due)
        crm.do(raised, by=CLERK, at=start_of_day(due))
    buyer = Personal("P9", "李娜")
    sold = TransferOwnership(HOME, "P9", date(2011, 7, 1), buyer, "sold")
    crm.do(sold, by=CLERK, at=start_of_day(date(2011, 7, 1)))
    lines = [one.number for one in the_file(crm, on=date(2011, 9, 1)).payments.lines]
    assert lines == ["C2"]
    lines = [one.number for one in the_file(crm, on=date(2011, 6, 1)).payments.lines]
    assert lines == ["C1"]


@pytest.mark.rule("OWN-04")
def test_figures_are_of_twelve_months_and_the_last_contact_is_the_latest(crm: CRM) -> None:
    for number, day in (("B1", date(2010, 6, 1)), ("B2", date(2010, 6, 2)), ("B3", DAY)):
        bought = RecordPurchase(HOME, number, "gym", 12_00, day)
        crm.do(bought, by=CLERK, at=start_of_day(day))
    for number, day in (("R1", date(2010, 5, 1)), ("R2", date(2010, 7, 1)), ("R3", DAY)):
        asked(crm, number, "repair", day)
    figures = the_file(crm, on=DAY).figures
    # What was bought a year ago to the day is of the year before.
    assert figures.monthly_purchases_fen == 2_00
    assert (figures.contacts, figures.last_contact_at) == (2, start_of_day(DAY))


@pytest.mark.rule("OWN-04")
def test_of_two_words_for_one_day_the_last_holds_and_an_earlier_day_takes_nothing_back(
    crm: CRM,
) -> None:
    record(crm, "post", "engineer")
    record(crm, "post", "chief engineer")
    assert values(the_file(crm))["post"] == "chief engineer"
    record(crm, "post", "student", on=date(2011, 5, 1))
    assert values(the_file(crm))["post"] == "chief engineer"


class SetClock:
    """A clock that goes on by a second whenever it is asked."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.mark.rule("OWN-03")
def test_every_kind_of_contact_stands_in_the_log_and_what_the_customer_was_not_told_does_not(
    crm: CRM,
) -> None:
    asked(crm, "R1", "repair", date(2011, 3, 1))
    at = start_of_day(date(2011, 3, 2))
    happened = (
        ("request/R1", made(ProgressNoted, customer_told=True, noted_at=at)),
        ("request/R1", made(ProgressNoted, customer_told=False, noted_at=at)),
        ("request/R1", made(ConfirmationAttemptFailed, attempted_at=at, channel="phone")),
        ("request/R1", made(Apologised, apologised_at=at)),
        ("request/R1", made(CustomerAnswered, answered_at=at)),
        ("messages/V00001", made(MessageQueued, message="M1", channel="sms")),
        ("messages/V00001", made(MessageQueued, message="M2", channel="sms")),
        ("messages/V00001", made(MessageSent, message="M1")),
    )
    recorded = [
        Recorded(n, stream, n, "", HOME, "", Envelope("specialist:S17", "c", event, at.date(), at))
        for n, (stream, event) in enumerate(happened, 1)
    ]
    fold = filing._Fold(HOME, crm.host.zone)
    for one in recorded:
        fold.take(one, true=True)
    assert [(one.what, one.channel, one.number) for one in fold.contacts] == [
        ("progress", "", "R1"),
        ("attempt", "phone", "R1"),
        ("apology", "", "R1"),
        ("answer", "", "R1"),
        ("message", "sms", "M1"),
    ]


def made(kind: type, **said: Any) -> Any:
    """An event of which only what is said matters."""
    names = [field.name for field in attrs.fields(kind)]
    known = {"request": "R1"} if "request" in names else {}
    return kind(**dict.fromkeys(names, "") | known | said)


@pytest.mark.rule("OWN-03")
def test_contact_log_voices_and_payments_are_folded_from_the_other_slices(crm: CRM) -> None:
    """Nothing of it is typed into the file."""
    asked(crm, "R1", "complaint", date(2011, 3, 1), rings=2)
    asked(crm, "R2", "repair", date(2011, 3, 2))
    opinion = RecordOpinion(HOME, "O1", "forum", OWNER, date(2011, 3, 3), "thread 7")
    crm.do(opinion, by=CLERK, at=start_of_day(date(2011, 3, 3)))
    charge = RaiseCharge(HOME, "C1", "management_fee", "2011", 10_000, date(2011, 3, 4))
    crm.do(charge, by=CLERK, at=start_of_day(date(2011, 3, 4)))
    paid = ReceivePayment(HOME, "P1", 4_000, date(2011, 3, 5), "cash")
    crm.do(paid, by=CLERK, at=start_of_day(date(2011, 3, 5)))
    word = Word(OWNER, "phone", "call 3")
    crm.do(RecordInterest(HOME, "gym", date(2011, 3, 6), word), by=CLERK, at=start_of_day(DAY))

    file = the_file(crm, on=DAY)
    assert (file.property.estate, file.property.room) == ("星河小区", "301")
    assert [(one.what, one.number) for one in file.contact_log[:3]] == [
        ("call", "R1"),
        ("request", "R2"),
        ("opinion", "O1"),
    ]
    assert [(one.number, one.kind, one.status) for one in file.voices] == [
        ("R1", "complaint", "open"),
        ("O1", "opinion", "recorded"),
    ]
    assert (file.payments.credit, file.payments.overdue_fen) == ("B2", 6_000)
    assert [(line.what, line.number) for line in file.payments.lines] == [
        ("charge_raised", "C1"),
        ("payment_received", "P1"),
    ]
    assert file.interests == (("gym", date(2011, 3, 6)),)
    assert [(one.member, one.roles[0].role) for one in file.family] == [(OWNER, "owner")]
    crm.do(WithdrawOpinion(HOME, "O1", DAY, "of a neighbour"), by=CLERK)
    assert [one.number for one in the_file(crm).voices] == ["R1"]


@pytest.mark.rule("OWN-04")
def test_highest_and_average_monthly_purchase_are_computed(crm: CRM) -> None:
    bought(crm, "U0", 90_000, date(2010, 5, 31))
    bought(crm, "U1", 12_000, date(2010, 6, 2))
    bought(crm, "U2", 30_006, DAY)
    bought(crm, "U3", -6_000, DAY)
    figures = the_file(crm, on=DAY).figures
    assert figures.highest_purchase_fen == 90_000
    # 36,006 fen over twelve months are 3,000.5 a month.
    assert figures.monthly_purchases_fen == 3_001


@pytest.mark.rule("OWN-10")
def test_the_file_is_as_it_stood_and_as_it_was_known(crm: CRM) -> None:
    record(crm, "post", "engineer", date(2011, 3, 1))
    late = RecordItem(HOME, OWNER, "post", about("director"), date(2011, 4, 1))
    crm.do(late, by=CLERK, at=start_of_day(date(2011, 9, 1)))

    def post(on: date, known: date | None = None) -> Any:
        instant = None if known is None else start_of_day(known)
        return values(the_file(crm, on=on, known=instant)).get("post")

    assert post(date(2011, 2, 28)) is None
    assert post(date(2011, 3, 1)) == "engineer"
    assert post(date(2011, 4, 1)) == "director"
    assert post(date(2011, 4, 1), known=date(2011, 8, 31)) == "engineer"
    assert (
        crm.owners.file(HOME, by=CLERK, purpose="service", known=ENTERED.replace(year=2009)) is None
    )


@pytest.mark.rule("PRV-01")
@pytest.mark.rule("OWN-03")
def test_who_states_no_purpose_or_may_not_sees_why_and_no_value(crm: CRM) -> None:
    record(crm, "post", "engineer")

    def seen(by: Actor, purpose: str | None) -> set[Any]:
        file = crm.owners.file(HOME, by=by, purpose=purpose)
        assert file is not None
        return set(values(file).values())

    assert seen(CLERK, None) == {Withheld("purpose_missing")}
    assert seen(Actor("A1", "auditor"), "audit 3") == {Withheld("tier")}
    assert seen(ME, "my own file") == {"张伟", "13800138000", "engineer"}
    with pytest.raises(Refused) as refused:
        crm.owners.file(HOME, by=Actor("V00009#owner", "owner"), purpose="service")
    assert refused.value.reason == "not_of_household"


# --- OWN-08: self-service, front line, keepers ---------------------------------------------------


def propose(crm: CRM, change: str, name: str, text: str, by: Actor = ME) -> None:
    kind = ProposeChange if by.role == "owner" else ReportChange
    command = kind(HOME, change, OWNER, name, about(text), DAY, "new number")
    crm.do(command, by=by, at=start_of_day(DAY))


def decide(crm: CRM, change: str, *, accepted: bool, by: Actor = CLERK) -> None:
    command = DecideChange(HOME, change, accepted, "called back")
    crm.do(command, by=by, at=start_of_day(date(2011, 6, 2)))


@pytest.mark.rule("OWN-08")
def test_an_owner_proposes_and_nothing_changes_before_somebody_accepts(crm: CRM) -> None:
    propose(crm, "C1", "phone", "139 0000 0000")
    assert item(the_file(crm), "phone").value == "13800138000"
    assert crm.reveal(HOME, OWNER, "phone", by=CLERK, purpose="service") == "13800138000"
    decide(crm, "C1", accepted=True)
    found = item(the_file(crm), "phone")
    assert (found.value, found.source, found.entered_by) == ("13900000000", "app", str(ME))
    assert crm.reveal(HOME, OWNER, "phone", by=CLERK, purpose="service") == "13900000000"
    assert item(the_file(crm, on=DAY), "phone").value == "13800138000"


@pytest.mark.rule("OWN-08")
def test_what_is_rejected_changes_nothing_and_stays_in_the_history(crm: CRM) -> None:
    record(crm, "employer", "华东电力")
    propose(crm, "C1", "employer", "a bank", by=GUARD)
    decide(crm, "C1", accepted=False)
    assert item(the_file(crm), "employer").value == "华东电力"
    names = [one.name for one in crm.history(CARD.stream(HOME))]
    assert names[-2:] == ["owners.change_proposed/1", "owners.change_decided/1"]
    with pytest.raises(Refused) as refused:
        decide(crm, "C1", accepted=True)
    assert refused.value.reason == "change_decided"


@pytest.mark.rule("OWN-08")
@pytest.mark.rule("LOG-08")
def test_nobody_decides_what_they_reported_themselves(crm: CRM) -> None:
    propose(crm, "C1", "post", "engineer", by=CLERK)
    with pytest.raises(Refused) as refused:
        decide(crm, "C1", accepted=True, by=Actor(CLERK.id, "director"))
    assert refused.value.reason == "own_proposal"
    with pytest.raises(Refused) as refused:
        decide(crm, "C1", accepted=True, by=GUARD)
    assert refused.value.reason == "role_insufficient"
    decide(crm, "C1", accepted=True, by=MANAGER)
    assert item(the_file(crm), "post").value == "engineer"


@pytest.mark.rule("OWN-08")
def test_a_neighbour_proposes_nothing(crm: CRM) -> None:
    with pytest.raises(Refused) as refused:
        propose(crm, "C1", "post", "x", by=Actor("V00009#owner", "owner"))
    assert refused.value.reason == "not_of_household"


def proposal(**changes: Any) -> ProposeChange:
    command = ProposeChange(HOME, "C1", OWNER, "post", about("x"), DAY, "said so")
    return attrs.evolve(command, by=ME, stranger=False, **changes)


@pytest.mark.rule("OWN-08")
@pytest.mark.parametrize(
    ("changes", "reason", "rule"),
    [
        ({"change": ""}, "change_unnumbered", "OWN-08"),
        ({"item": "shoe_size"}, "unknown_item", "OWN-08"),
        ({"reason": ""}, "reason_missing", "LOG-06"),
        ({"source": "hearsay"}, "unknown_source", "OWN-05"),
        ({"item": "phone"}, "item_malformed", "OWN-05"),
        ({"value": Personal("P9", "x")}, "person_of_another", "OWN-02"),
    ],
)
def test_a_proposal_is_held_to_the_data_standard(
    changes: dict[str, Any], reason: str, rule: str
) -> None:
    past(CARD).when(proposal(**changes)).refused(reason, rule)


@pytest.mark.rule("OWN-08")
def test_a_change_is_proposed_once_and_decided_with_a_reason(crm: CRM) -> None:
    propose(crm, "C1", "post", "engineer")
    for command, reason in (
        (DecideChange(HOME, "C1", True, " "), "reason_missing"),
        (DecideChange(HOME, "C9", True, "x"), "unknown_change"),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=CLERK)
        assert refused.value.reason == reason
    with pytest.raises(Refused) as refused:
        propose(crm, "C1", "post", "director")
    assert refused.value.reason == "change_exists"


@pytest.mark.rule("OWN-08")
def test_changes_wait_for_the_keeper_of_the_file_and_for_those_above(crm: CRM) -> None:
    def waiting(by: Actor) -> list[tuple[str, str]]:
        return [(task.what, task.subject) for task in crm.todo(by=by)]

    other = Actor("S18", "specialist")
    propose(crm, "C1", "post", "engineer")
    assert waiting(CLERK) == waiting(other) == waiting(MANAGER) == [("change", "C1")]
    crm.do(AssignKeeper(HOME, "S17", DAY, "building 1"), by=MANAGER)
    assert the_file(crm).keeper == "S17"
    assert waiting(CLERK) == waiting(MANAGER) == [("change", "C1")]
    assert waiting(other) == []
    decide(crm, "C1", accepted=True)
    assert waiting(CLERK) == []


@pytest.mark.rule("OWN-08")
def test_a_keeper_is_on_the_staff_and_is_kept_by_day(crm: CRM) -> None:
    crm.do(AssignKeeper(HOME, "S17", DAY, "building 1"), by=MANAGER)
    crm.do(AssignKeeper(HOME, "S18", date(2011, 9, 1), "S17 left"), by=MANAGER)
    assert the_file(crm, on=date(2011, 8, 31)).keeper == "S17"
    assert the_file(crm, on=date(2011, 9, 1)).keeper == "S18"
    for command, reason in (
        (AssignKeeper(HOME, "S19", DAY, ""), "reason_missing"),
        (AssignKeeper(HOME, "", DAY, "x"), "not_on_staff"),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=MANAGER)
        assert refused.value.reason == reason
    director = Actor("D1", "director")
    for staff, role in (("D1", "director"), ("S3", "manager")):
        crm.do(RegisterStaff(staff, role, date(2011, 1, 1)), by=director)
    with pytest.raises(Refused) as refused:
        crm.do(AssignKeeper(HOME, "S44", DAY, "x"), by=MANAGER)
    assert refused.value.reason == "not_on_staff"


# --- OWN-07: how sure ----------------------------------------------------------------------------


def verify(crm: CRM, name: str, result: str, on: date) -> None:
    command = VerifyItem(HOME, OWNER, name, result, "phone", on)
    crm.do(command, by=CLERK, at=start_of_day(on))


@pytest.mark.rule("OWN-07")
def test_every_item_says_how_long_ago_it_was_last_confirmed(crm: CRM) -> None:
    record(crm, "post", "engineer", date(2011, 1, 1))
    assert item(the_file(crm, on=date(2011, 1, 31)), "post").age_days == 30
    verify(crm, "post", "confirmed", date(2011, 2, 1))
    verify(crm, "post", "unreachable", date(2011, 3, 1))
    found = item(the_file(crm, on=date(2011, 3, 3)), "post")
    assert (found.confirmed_on, found.age_days, found.doubted) == (date(2011, 2, 1), 30, False)
    verify(crm, "post", "wrong", date(2011, 4, 1))
    assert item(the_file(crm, on=date(2011, 4, 1)), "post").doubted
    record(crm, "post", "director", date(2011, 4, 2))
    found = item(the_file(crm, on=date(2011, 4, 3)), "post")
    assert (found.value, found.age_days, found.doubted) == ("director", 1, False)


@pytest.mark.rule("OWN-07")
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (VerifyItem(HOME, OWNER, "post", "confirmed", "phone", DAY), "item_not_held"),
        (VerifyItem(HOME, OWNER, "name", "maybe", "phone", DAY), "unknown_result"),
        (VerifyItem(HOME, OWNER, "name", "confirmed", "drums", DAY), "unknown_way"),
        (VerifyItem(HOME, "P9", "name", "confirmed", "phone", DAY), "unknown_member"),
    ],
)
def test_a_check_is_of_something_that_the_file_has(crm: CRM, command: Any, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        crm.do(command, by=CLERK)
    assert refused.value.reason == reason
