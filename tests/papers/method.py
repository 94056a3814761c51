"""The method as one scenario: from new households to the papers of two years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from crm_adapters import open_crm
from crm_core import CRM, Actor
from crm_core.gradings.commands import (
    ApprovePolicy,
    ConfirmGrading,
    ConfirmType,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
)
from crm_core.gradings.commands import Document as PolicyText
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.opinions import RecordOpinion
from crm_core.owners import (
    AddMember,
    AssignKeeper,
    ChangeProspect,
    ConvertProspect,
    DecideChange,
    EndRole,
    MergeHousehold,
    NoteProspect,
    ProposeChange,
    RecordCondition,
    RecordInterest,
    RecordItem,
    RecordProspect,
    RegisterHousehold,
    VerifyItem,
)
from crm_core.owners.card.standard import BUSINESS
from crm_core.payments.commands import (
    DisputeCharge,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
)
from crm_core.plans import (
    ApprovePlan,
    ArchivePlan,
    AssignTask,
    CheckReport,
    CheckTask,
    CompileList,
    DecideAssessment,
    DraftPlan,
    EvaluatePlan,
    FinishTask,
    GatherInformation,
    GuideEvaluation,
    HearFeedback,
    ImprovePlan,
    Measure,
    OpenPlan,
    ProposeAssessment,
    RecordSpending,
    ReportOnPlan,
    ReviewPlan,
    SuggestForPlan,
    SummarisePlan,
)
from crm_core.plans.assessments import KINDS
from crm_core.requests.commands import (
    Apologise,
    Arrive,
    ConfirmClosing,
    Dispatch,
    HandOver,
    MakeCommitment,
    ReceiveRequest,
    ReportDone,
)
from crm_core.requests.state import Request
from crm_core.signing import ApprovePaper, ReviewPaper
from crm_core.visits import VISITS, NoteVisitAttempt, RecordVisit, Visits

CLERK, COLLEAGUE = Actor("S17", "specialist"), Actor("S16", "specialist")
KEEPER = Actor("S18", "custodian")
SUPERVISOR, MANAGER = Actor("S2", "supervisor"), Actor("S3", "manager")
DIRECTOR, MONEY = Actor("S1", "director"), Actor("F1", "finance")
KEEPER_OF_VISITS = Actor("S16", "specialist")
FITTER, SALES = Actor("E5", "operator"), Actor("A1", "sales")

SHOP, FLAT, LATE, SECOND = "V00001", "V00002", "V00003", "V00004"
OWNING = f"{SHOP}#owner"

BUSINESS_2024 = {
    "bank": "工商银行",
    "business_state": "稳定",
    "cash_flow": "充足",
    "cheques": "未使用",
    "development_potential": "较大",
    "general_manager": "孙立",
    "headcount": "12",
    "legal_person": "孙立",
    "loans": "无",
    "main_business": "餐饮",
    "payer": "财务部",
    "payment_attitude": "积极",
    "satisfaction": "满意",
}
BUSINESS_2025 = {
    "bank": "建设银行",
    "business_state": "扩张",
    "cash_flow": "紧张",
    "cheques": "有一张退票",
    "development_potential": "一般",
    "general_manager": "周平",
    "headcount": "20",
    "legal_person": "周平",
    "loans": "装修贷款",
    "main_business": "餐饮与外卖",
    "payer": "总经理",
    "payment_attitude": "一般",
    "satisfaction": "基本满意",
}


class Clock:
    """A clock that is set as the story goes on."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def day(text: str) -> date:
    return date.fromisoformat(text)


class Story:
    """Tells what happens, each thing on its day."""

    def __init__(self, crm: CRM) -> None:
        self.crm = crm
        self.clock = Clock(start_of_day(day("2024-01-02")))
        crm.host.clock = self.clock

    def on(self, text: str, hour: int = 10) -> datetime:
        """It is that hour of that day from now on."""
        self.clock.at = start_of_day(day(text)) + timedelta(hours=hour)
        return self.clock.at

    def do(self, by: Actor, *commands: Any) -> None:
        for command in commands:
            self.crm.do(command, by=by)


def tell(crm: CRM) -> None:
    """Everything, in the order in which it happens."""
    story = Story(crm)
    _open(story)
    _card(story, "2024-02-01", BUSINESS_2024)
    _plan(story, 0, 2024)
    _year(story, 2024)
    _summary(story, 0, 2024)
    _grade(story, 2024)
    at = story.on("2025-01-10").date()
    _sign(story, 2024, day("2024-12-31"))
    story.do(SUPERVISOR, CompileList(2024, at))
    story.do(CLERK, OpenPlan("P3", "一起问候", at, layer="main", list_year=2024))
    _plan(story, 1, 2025)
    _card(story, "2025-02-03", BUSINESS_2025)
    _change(story)
    _year(story, 2025)
    _summary(story, 1, 2025)
    _grade(story, 2025)
    _adopt(story, story.on("2026-01-20").date(), 2, "950_000")
    story.on("2026-02-02")
    _sign(story, 2025, day("2026-02-01"))
    story.on("2026-03-02")


def told(folder: Path | None = None) -> CRM:
    """A log in which it happened, in memory or in a folder."""
    url = "memory:" if folder is None else f"sqlite:///{folder / 'crm.db'}"
    crm = open_crm(url, create=True)
    tell(crm)
    return crm


def _person(household: str, text: str, who: str = "owner") -> Personal:
    return Personal(f"{household}#{who}", text)


def _open(story: Story) -> None:
    phone = "1380013800"
    homes = (
        (SHOP, "星河小区", "底商", "1", "A01", "company", "蜀香餐饮有限公司"),
        (FLAT, "星河小区", "1号楼", "2单元", "301", "person", "张伟"),
        (LATE, "云溪苑", "3号楼", "1单元", "502", "person", "李娜"),
        (SECOND, "云溪苑", "3号楼", "1单元", "503", "person", "李娜"),
    )
    for nth, (home, estate, building, unit, room, kind, name) in enumerate(homes):
        story.on(f"2024-01-0{3 + nth}")
        story.do(
            CLERK,
            RegisterHousehold(
                home,
                estate,
                building,
                unit,
                room,
                kind=kind,
                owner=_person(home, name),
                phone=_person(home, f"{phone}{nth}"),
                moved_in=day("2023-11-01") + timedelta(days=nth),
                source="sales" if nth else "move_in_registration",
            ),
        )
    for lead, home, name in (("P00001", FLAT, "赵敏"), ("P00002", LATE, "钱进")):
        _lead(story, lead, home, name)
    story.do(
        CLERK,
        AddMember(
            SHOP, f"{SHOP}#agent", "agent", day("2024-02-10"), _person(SHOP, "孙立", "agent"),
            phone=_person(SHOP, "13900139000", "agent"), source="phone",
        ),
    )  # fmt: skip


def _lead(story: Story, lead: str, home: str, name: str) -> None:
    """Somebody who looks at a home first, and rents it then."""
    who = Personal(lead, name)
    at = story.on("2024-01-09").date()
    story.do(SALES, RecordProspect(lead, who, at, estate="星河小区"))
    at = story.on("2024-01-20").date()
    story.do(SALES, NoteProspect(lead, "看过样板间", at))
    story.do(SALES, ChangeProspect(lead, "interested", at, "想租"))
    at = story.on("2024-02-10").date()
    story.do(CLERK, AddMember(home, lead, "tenant", at, who))
    story.do(CLERK, ConvertProspect(lead, home, at))


def _card(story: Story, text: str, business: dict[str, str]) -> None:
    story.on(text)
    told = day(text)
    for item, value in business.items():
        assert item in BUSINESS
        story.do(CLERK, RecordItem(SHOP, OWNING, item, _person(SHOP, value), told))
    year = told.year
    plain = {
        "address": f"星河小区底商A0{year % 10}号",
        "contact_frequency": "monthly" if year == 2024 else "quarterly",
        "preferred_way": "wechat" if year == 2024 else "phone",
        "employer": f"蜀香餐饮{year}",
        "post": "店长" if year == 2024 else "总经理",
        "landline": f"021-5555{year}",
        "mobile": f"1370000{year}",
        "email": f"shop{year}@example.cn",
        "wechat": f"shop_{year}",
        "need": f"第{year % 10}次需求",
    }
    for item, value in plain.items():
        source = "phone" if item < "m" else "app"
        command = RecordItem(SHOP, OWNING, item, _person(SHOP, value), told, source=source)
        story.do(CLERK, command)
    second = RecordItem(
        SHOP, f"{SHOP}#agent", "mobile", _person(SHOP, f"1360000{year}", "agent"), told, entry="2"
    )
    story.do(CLERK, second)
    sound = RecordCondition(SHOP, year == 2024, f"{year}年走访记录", told)
    story.do(CLERK, sound)
    word = Word(OWNING, "phone", f"电话{year}")
    service = "保洁" if year == 2024 else "设备维保"
    story.do(CLERK, RecordInterest(SHOP, service, told, word))
    story.on(text, 15)
    story.do(KEEPER, VerifyItem(SHOP, OWNING, "address", "confirmed", "phone", told))
    story.do(KEEPER, VerifyItem(SHOP, OWNING, "employer", "confirmed", "phone", told))
    keeper = AssignKeeper(SHOP, "S18" if year == 2024 else "S19", told, "分工")
    story.do(SUPERVISOR, keeper)


def _change(story: Story) -> None:
    """The shop moves its agent out, says it is otherwise, and a second file is found."""
    at = story.on("2025-03-04").date()
    me = Actor(OWNING, "owner")
    story.do(
        me,
        ProposeChange(SHOP, "C1", OWNING, "phone", _person(SHOP, "13811112222"), at, "换号"),
    )
    story.on("2025-03-05")
    story.do(KEEPER, DecideChange(SHOP, "C1", accepted=True, reason="已电话核实"))
    story.do(CLERK, EndRole(SHOP, f"{SHOP}#agent", "agent", day("2025-03-04"), "离职"))
    story.on("2025-03-06")
    story.do(KEEPER, MergeHousehold(SECOND, LATE, day("2025-03-06"), "同一户两份档案"))


def _year(story: Story, year: int) -> None:
    _money(story, year)
    _requests(story, year)
    _visit(story, year)
    at = story.on(f"{year}-09-10").date()
    about = f"{year}年业主论坛"
    story.do(CLERK, RecordOpinion(SHOP, f"O{year}", "forum", OWNING, at, about))


def _money(story: Story, year: int) -> None:
    for month in (3, 6):
        due = date(year, month, 15)
        story.on(f"{year}-{month:02}-01")
        for nth, home in enumerate((SHOP, FLAT, LATE)):
            number = f"{home}-{year}{month:02}"
            charge = RaiseCharge(
                home, number, "management_fee", f"{year}-{month:02}", 30_000 + nth * 5_000, due
            )
            story.do(MONEY, charge)
        at = story.on(due.isoformat()).date()
        story.do(MONEY, ReceivePayment(SHOP, f"P{year}{month:02}", 35_000, at, "transfer"))
        if year == 2025:
            story.do(MONEY, ReceivePayment(FLAT, f"Q{year}{month:02}", 35_000, at, "wechat"))
    at = story.on(f"{year}-07-01").date()
    spent = 1_200_000 if year == 2024 else 2_500_000
    story.do(MONEY, RecordPurchase(SHOP, f"B{year}", "保洁", spent, at))
    story.do(MONEY, RecordPurchase(FLAT, f"B{year}", "家政", spent // 10, at))
    if year == 2025:
        word = Word(f"{LATE}#owner", "phone", "电话7")
        number = f"{LATE}-{year}06"
        story.do(MONEY, DisputeCharge(LATE, "D1", number, 10_000, at, "面积有误", word))


def _requests(story: Story, year: int) -> None:
    """One is closed in time, one too late, one stays open; of nobody's household is one."""
    kinds = (
        (SHOP, "repair", "engineering", "general", "phone", "satisfied", ""),
        (FLAT, "complaint", "service", "major", "wechat", "partly", "来得太晚"),
        (LATE, "enquiry", "finance", "general", "app", "satisfied", ""),
    )
    for nth, (home, kind, trade, severity, channel, opinion, words) in enumerate(kinds, 1):
        number = f"R{year}-{nth}"
        at = story.on(f"{year}-05-{10 + nth}")
        by = CLERK if nth < 3 else SUPERVISOR
        story.do(
            by,
            ReceiveRequest(
                number, home, channel, kind, trade, severity, f"事项{nth}，{year}年", at, by.id,
                place="厨房" if nth == 1 else "阳台", rings=2 if channel == "phone" else None,
                asked_by=f"{home}#owner",
            ),
        )  # fmt: skip
        if nth == 3 and year == 2025:
            story.do(SUPERVISOR, HandOver(number, "S17", "休假"))
            continue
        hours = 0.4 if nth == 1 else 50
        due = at + timedelta(hours=3)
        story.do(by, MakeCommitment(number, "修好", due, at))
        story.do(by, Dispatch(number, FITTER.id, "operator", at, on_site=True))
        story.clock.at = at + timedelta(hours=hours / 2)
        story.do(FITTER, Arrive(number, story.clock.at))
        story.clock.at = at + timedelta(hours=hours)
        story.crm.tick()
        story.do(FITTER, ReportDone(number, story.clock.at))
        if story.crm.get(Request, number, by=by).duties:  # type: ignore[union-attr]
            sorry = Apologise(number, "抱歉", "人手不足", "优先派工", story.clock.at)
            story.do(SUPERVISOR, sorry)
        story.clock.at += timedelta(hours=1)
        word = Word(f"{home}#owner", "phone", f"回访{number}")
        closing = ConfirmClosing(number, story.clock.at, opinion, word, words=words)
        story.do(SUPERVISOR if by is CLERK else CLERK, closing)


def _open_visits(story: Story, home: str) -> list[Any]:
    decider = VISITS.decider
    found, _ = story.crm.log.fold(VISITS.stream(home), decider.evolve, decider.initial)
    if not isinstance(found, Visits):
        return []
    return [one for one in found.open() if one.from_at <= story.clock.at < one.lapses_at]


def _visit(story: Story, year: int) -> None:
    """Whoever is to be visited is, but for who is not there; the last is left open."""
    story.on(f"{year}-05-16", 11)
    story.crm.tick()
    opinions = (("A", ""), ("B", f"还可以{year}"), ("C", f"又坏了{year}"))
    todo = [(home, one) for home in (SHOP, FLAT, LATE) for one in _open_visits(story, home)]
    for nth, (home, one) in enumerate(todo[:-1]):
        by = (SUPERVISOR, KEEPER_OF_VISITS)[nth % 2]
        at = story.clock.at
        if nth == 0:
            story.do(by, NoteVisitAttempt(home, one.visit, at, "phone", "no_answer"))
            at += timedelta(hours=4)
            story.clock.at = at
        opinion, words = opinions[(nth + 2 * (year % 2)) % 3]
        means = one.scheduled.means[nth % len(one.scheduled.means)]
        called = RecordVisit(
            household=home, visit=one.visit, visited_at=at, means=means,
            member=f"{home}#owner", address="ms", convenient=True, opinion=opinion, words=words,
            contact_left=FITTER.id if "repair" in one.visit else "",
        )  # fmt: skip
        story.do(by, called)


def _grade(story: Story, year: int) -> None:
    at = story.on(f"{year + 1}-01-05").date()
    if year == 2025:
        _adopt(story, at)
    story.crm.grade(year, by=SUPERVISOR)
    story.on(f"{year + 1}-01-08")
    at = day(f"{year + 1}-01-08")
    story.do(CLERK, ProposeType(FLAT, year, "cautious", at, "多次沟通后的判断"))
    story.do(SUPERVISOR, ConfirmType(FLAT, year, at))
    if year == 2025:
        for by in (MANAGER, DIRECTOR):
            story.do(by, ConfirmGrading(SHOP, year, at))


def _adopt(story: Story, at: date, version: int = 1, threshold: str = "900_000") -> None:
    """The company's own scheme, from draft to force; the second version from March on."""
    name = "grade-cn-default-2.toml"
    text = (files("crm_core") / "gradings" / "policies" / name).read_text(encoding="utf-8")
    own = f'name = "ours"\nversion = {version}'
    text = text.replace('name = "grade-cn-default"\nversion = 2', own)
    text = text.replace('approved_by = "director"\n', "").replace("800_000", threshold)
    why = f"本小区的消费水平，第{version}版"
    _adopted(story, at, "ours", version, text, why, [2024])
    rules = (files("crm_core") / "application" / "policies" / "method-cn-default.toml").read_text(
        encoding="utf-8"
    )
    own = f'name = "our-rules"\nversion = {version}'
    rules = rules.replace('name = "method-cn-default"\nversion = 1', own)
    rules = rules.replace('approved_by = "director"\n', "")
    for before, after in (
        ("客户服务部", f"客户服务{version}部"),
        ("客户总监", f"总监{version}"),
        ("总经理办公室", f"总经办{version}"),
    ):
        rules = rules.replace(before, after)
    _adopted(story, at, "our-rules", version, rules, why, [])


def _adopted(
    story: Story, at: date, name: str, version: int, text: str, why: str, years: list[int]
) -> None:
    story.do(SUPERVISOR, DraftPolicy(name, PolicyText(text), why, at))
    story.crm.studies.assess(name, version, f"PIA-{version}", years, by=MANAGER, on=at)
    story.do(DIRECTOR, ApprovePolicy(name, version, at))
    starts = at if version == 1 else date(at.year, 3, 1)
    story.do(MANAGER, MakePolicyEffective(name, version, starts, at))


PLANNED = (("P1", "A1", SHOP), ("P2", "A2", FLAT))


def _plan(story: Story, nth: int, year: int) -> None:
    """From the assessment of a relation to the archived summary of its plan."""
    plan, number, home = PLANNED[nth]
    clerk = (CLERK, COLLEAGUE)[nth]
    at = story.on(f"{year}-01-20").date()
    for kind in KINDS:
        story.do(
            clerk,
            GatherInformation(number, home, f"E-{kind}", kind, at, f"{kind}{year}", f"卷{year}"),
        )
    result = ("distant", "steady")[nth]
    story.do(
        clerk,
        ProposeAssessment(
            number, date(year - 1, 1, 1), date(year - 1, 12, 31), f"概要{year}", f"战略{year}",
            f"要求{year}", f"差距{year}", f"方法{year}", result, at,
        ),
    )  # fmt: skip
    at = story.on(f"{year}-01-22").date()
    story.do(SUPERVISOR, DecideAssessment(number, at, ("strained", "steady")[nth], f"理由{year}"))
    at = story.on(f"{year}-01-24").date()
    story.do(clerk, OpenPlan(plan, f"建议{year}", at, home, number))
    story.do(clerk, SuggestForPlan(plan, f"加一次走访{year}", at))
    measures = tuple(
        Measure(
            measure=f"M{n}", kind=kind, what=f"{kind}{year}", responsible=f"S1{n}",
            due=date(year, 10 + n, 1), cost_fen=10_000 * n + year, feasible=f"可行{n}{year}",
            economical=f"节约{n}{year}",
        )
        for n, kind in ((1, "visit"), (2, "gift"))
    )  # fmt: skip
    for version in range(1, 2 + nth):
        at += timedelta(days=1)
        story.on(at.isoformat())
        days = (date(year, 2, 1), date(year, 12, 20 + nth))
        draft = DraftPlan(
            plan=plan,
            method=f"方式{year}",
            goal=f"目标{year}",
            measures=measures,
            runs_from=days[0],
            runs_to=days[1],
            on=at,
            answer="已补充" if version > 1 else "",
        )
        story.do(SUPERVISOR, draft)
        back = version <= nth
        story.do(MANAGER, ReviewPlan(plan, version, not back, at, "再细化" if back else ""))
    story.do(DIRECTOR, ApprovePlan(plan, version, True, at))
    at = story.on(f"{year}-02-0{3 + nth}").date()
    tasks = ("T1", "T2", "T3")[: 2 + nth]
    for task in tasks:
        due = date(year, 3, 5) if task == "T3" else date(year, 4, 1 + nth)
        give = AssignTask(
            plan, task, "M2" if task == "T2" else "M1", f"任务{task}{year}", clerk.id, due, at
        )
        story.do(SUPERVISOR, give)
    story.on(f"{year}-03-08")
    story.crm.tick()
    at = story.on(f"{year}-03-1{nth}").date()
    for task in tasks:
        story.do(clerk, FinishTask(plan, task, at, f"完成{task}{year}"))
        story.do(SUPERVISOR, CheckTask(plan, task, task != "T2", at, f"检查{task}{year}"))
    word = Word(f"{home}#owner", "phone", f"电话{year}")
    story.do(clerk, HearFeedback(plan, "F1", home, f"满意{year}", word, at))
    if nth:
        story.do(clerk, HearFeedback(plan, "F2", home, f"再来{year}", word, at))
    for n in (1, 2):
        story.do(clerk, ReportOnPlan(plan, f"W{n}", at, f"报告{n}{year}"))
        story.do(SUPERVISOR, CheckReport(plan, f"W{n}", n == 1, at, f"批注{n}{year}"))
    story.do(MONEY, RecordSpending(plan, "X1", f"M{1 + nth}", 5_000 + year, at, f"票据{year}"))
    story.on(f"{year}-06-1{nth}")
    story.crm.tick()


def _summary(story: Story, nth: int, year: int) -> None:
    plan, clerk = PLANNED[nth][0], (CLERK, COLLEAGUE)[nth]
    at = story.on(f"{year + 1}-01-0{6 + nth}").date()
    # What had no effect was done again.
    story.do(clerk, FinishTask(plan, "T2", at, f"补做{year}"))
    story.do(SUPERVISOR, CheckTask(plan, "T2", True, at, f"复查{year}"))
    story.do(SUPERVISOR, EvaluatePlan(plan, year, ("partly", "reached")[nth], at, f"评估{year}"))
    story.do(MANAGER, GuideEvaluation(plan, year, at, f"指导{year}"))
    story.do(SUPERVISOR, ImprovePlan(plan, year, at, f"改进{year}"))
    story.do(clerk, SummarisePlan(plan, year, at, f"总结{year}"))
    story.do(clerk, ArchivePlan(plan, at))


def _sign(story: Story, year: int, on: date) -> None:
    """Whole papers are reviewed and approved, each year by others."""
    reviewer, approver = (SUPERVISOR, MANAGER) if year == 2024 else (MANAGER, DIRECTOR)
    about = {"work-record": str(year), "return-visits": str(year), "credit-table": ""}
    for paper, of in about.items():
        story.do(reviewer, ReviewPaper(paper, of, on))
        story.do(approver, ApprovePaper(paper, of, on))


def asks() -> Iterator[tuple[str, str, date]]:
    """Every paper of every subject, at the ends of the years and some days between."""
    days = [
        day(text) for text in ("2024-06-30", "2024-12-31", "2025-06-30", "2026-02-01", "2026-03-02")
    ]
    for on in days:
        for home in (SHOP, FLAT, LATE):
            for paper in ("customer-file", "customer-status", "record-card"):
                yield paper, home, on
        for paper in ("assessment-scheme", "credit-table", "graded-list", "maintenance-rules"):
            yield paper, "", on
        yield "maintenance-plan", "P3", on
        for plan, number, _ in PLANNED:
            yield "relation-assessment", number, on
            for paper in (
                "maintenance-plan",
                "maintenance-report",
                "maintenance-summary",
                "relation-strengthening",
            ):
                yield paper, plan, on
        for year in ("2024", "2025"):
            yield "return-visits", year, on
            yield "work-record", year, on
