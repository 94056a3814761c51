"""A generated estate: the import files of a plausible property estate, from a seed.

Everything here is invented: estates, owners, companies and telephone numbers belong to nobody.
What is plausible is the shape: how many accounts are late by how many months, how a few
households make most of the purchases, how requests come in and when they close.

The same arguments write the same bytes on every machine and every supported Python. Two habits
keep that true. Chance comes from `random.Random.random` alone, the one method whose sequence
Python promises to keep, and every household has a generator of its own, so that no household
depends on those before it. And no curve is computed with `exp` or `log`, whose last digit
differs between machines: skewed quantities are read off tables of quantiles, in integers.

Rows are written as they are drawn and only one household is in memory at a time.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from crm_adapters.files.chance import (
    SECONDS_PER_DAY,
    Curve,
    Draw,
    Span,
    Weighted,
    day_text,
    instant_text,
    yuan,
)
from crm_adapters.files.irregular import (
    EXTRA_COLUMNS,
    TRANSFERS,
    Oddities,
    oddities,
    parts,
    write_final_bills,
    write_odd_bills,
)
from crm_adapters.outputs import written
from crm_core.kernel.sentences import Malformed

__all__ = ["generate_estate"]

# --- The range of what can be asked for ---------------------------------------------------------

EARLIEST_YEAR: Final = 1990  # before it there were hardly any property companies in China
LATEST_YEAR: Final = 2100
PROGRESS_STEP: Final = 200  # households between two calls of `progress`: several calls a second

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "households": (
        "household", "estate", "building", "unit", "room", "kind", "owner", "phone", "moved_in",
    ),
    "charges": ("charge", "household", "kind", "period", "amount", "due", "recorded"),
    "payments": ("payment", "household", "amount", "paid_on", "method", "charge", "recorded"),
    "purchases": ("purchase", "household", "service", "amount", "purchased_on", "recorded"),
    "requests": (
        "request", "household", "channel", "kind", "trade", "severity", "summary",
        "received_at", "due_at", "closed_at",
    ),
}  # fmt: skip
"""The columns of the import files, the optional ones included."""

# --- Places and people --------------------------------------------------------------------------

# Word pairs chosen for being unusual, so that no real development is described by accident.
ESTATE_NAMES: Final = (
    "鹿笺里", "砚雪庭", "汀栖苑", "苇光里", "墨橘庭", "霁桐苑", "萤渡里", "纸鸢坞",
    "榆序庭", "石绿苑", "桨声里", "浣星庭", "松针里", "柚影苑", "梧语庭", "雁字里",
    "藕汀苑", "瓷青坞", "蓝铃庭", "麦芒里", "岚砚苑", "芷帆庭", "竹节里", "琥舟苑",
)  # fmt: skip
HOUSEHOLDS_PER_ESTATE: Final = 400  # a middling compound; large runs get larger compounds instead
ESTATES_MIN: Final = 3  # even a small run should show that rooms of two estates do not collide
UNITS_PER_BUILDING: Final = (2, 4)
FLOORS: Final = (6, 11, 18, 26)  # six without a lift, the others as the building code groups them
ROOMS_PER_FLOOR: Final = (2, 4)

COMPANIES_PER_MILLE: Final = 30
SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈"
GIVEN_NAMES: Final = (
    "安柏晨澄丹恩帆芳刚桂涵浩禾佳嘉建静君凯兰乐磊林玲明楠"
    "宁鹏琪倩青然瑞珊思涛婷文曦轩雪妍阳怡宇远云泽哲芷舟"
)
TWO_CHARACTER_NAMES_PER_MILLE: Final = 800  # most given names have two characters
COMPANY_NAMES: Final = ("禾笺", "澜桉", "砚舟", "橘序", "苇石", "霁帆", "榆青", "柚禾", "汀墨")
COMPANY_TRADES: Final = ("商贸", "文化传播", "信息技术", "餐饮管理", "教育咨询", "家居设计", "物流")

# No Chinese mobile number begins with 10, 11 or 12, and 111 is not a service number either:
# eleven digits that pass a check of their length and can never ring at somebody's home.
PHONE_PREFIX: Final = "111"

MOVE_IN_YEARS_BEFORE: Final = 14  # the oldest household moved in so many years before the first
MOVED_IN_BEFORE: Final = (11, 1)  # of the year before: ahead of the first bill, sent in December
MOVING_IN_PER_MILLE_AND_YEAR: Final = 20  # resales and new lettings; a few, as in a settled estate
MOVING_IN_PER_MILLE_MAX: Final = 300  # over decades, too, most households were there from the start

# --- Charges ------------------------------------------------------------------------------------

FLAT_SIZES: Final[Weighted[int]] = (
    (48, 6), (62, 12), (76, 16), (89, 26), (98, 14), (115, 12), (128, 8), (143, 4), (178, 2),
)  # fmt: skip
"""Square metres; 89 is the commonest size since flats up to 90 were taxed less."""
SIZE_SPREAD: Final = 400  # hundredths of a square metre on top, so that fees end in odd fen
FEE_RATE: Final = (160, 300)  # fen per square metre and month, one rate for an estate
COMPANY_SIZE_FACTOR: Final = 3  # a shop or an office takes the room of about three flats
PARKING_PER_MILLE: Final = 300  # households that rent a parking space
PARKING_FEES: Final = (24_000, 30_000, 36_000, 45_000)  # fen a quarter
BILLING_LEAD_DAYS: Final = (19, 23)  # a bill goes out about three weeks before it is due
MONTHS_BEFORE_FIRST_CHARGE: Final = 2  # so that no bill is older than the move-in it follows from

# --- Payments -----------------------------------------------------------------------------------

# Shares of the behaviours, tuned so that 75 to 80 of 100 accounts owe nothing at a year's end.
BEHAVIOURS: Final[Weighted[str]] = (
    ("prompt", 355), ("late", 240), ("ahead", 80), ("sporadic", 120),
    ("behind", 105), ("stopped", 30), ("recovering", 70),
)  # fmt: skip
KEPT_BEHAVIOUR_PER_MILLE: Final = 700  # habits last: seven of ten go on as in the year before
METHODS: Final[Weighted[str]] = (("wechat", 34), ("transfer", 26), ("alipay", 24), ("cash", 16))
USUAL_METHOD_PER_MILLE: Final = 850  # most people pay the way they paid before
NAMING_PER_MILLE: Final = 300  # payments that quote a bill; companies always do
LEAD_DAYS: Final = 10  # who pays on time pays within so many days up to the due date
LATE_DAYS: Final = 25  # who is a few days late is done well before the month is over
FORGOTTEN_PER_MILLE: Final = 80  # months that a late payer lets pass until the next bill
MONTHS_AHEAD: Final = (3, 3, 6, 12)
SPORADIC_PER_MILLE: Final = 560  # months in which a sporadic payer pays at all
SPORADIC_DAYS: Final = 28
PART_PAYMENT_PER_MILLE: Final = 120  # payments of those in arrears that cover only a half
MONTHS_BEHIND: Final = (1, 1, 1, 1, 1, 2, 2, 2, 3, 4)  # most are one bill behind
TOKEN_PER_MILLE: Final = 30  # months in which somebody who stopped paying pays a token
TOKEN_FEN: Final = (10_000, 20_000, 30_000)
GAP_STARTS: Final = (2, 7)  # the month in which a recovering household falls behind
GAP_MONTHS: Final = (2, 5)
INSTALMENTS: Final = 3  # a recovering household pays a third of what it owes, then a half, ...
ROUNDING_PER_MILLE: Final = 60  # households that round up to a full note and so overpay
ROUNDING_FEN: Final = 1_000
TWICE_PER_MILLE: Final = 3  # payments made twice by mistake: an overpayment, not a duplicate row
BOOKED_LATE_PER_MILLE: Final = 150  # of those paid after mid-December: the bank's holiday backlog
BOOKED_LATE_FROM_DAY: Final = 15  # of December
BOOKED_LATE_ON: Final = (3, 8)  # of January

# --- Purchases ----------------------------------------------------------------------------------

# What a household spends in a usual year, in yuan. Two of five spend nothing, a quarter makes
# nearly nine tenths of the turnover, and one of a hundred reaches 16,000 to 20,000: about the
# shares that the layers of the pyramid are meant for (GRD-03, GRD-04).
YEARLY_SPENDING: Final[Curve] = (
    (0, 0), (4_000, 0), (6_000, 700), (7_500, 3_000), (8_100, 7_000), (8_850, 10_000),
    (9_600, 12_000), (9_840, 14_500), (9_900, 18_500), (9_970, 40_000), (10_000, 150_000),
)  # fmt: skip
YEARLY_SWING: Final = (75, 130)  # per cent of the usual year: some buy more than last year
SERVICES: Final[dict[str, tuple[int, int]]] = {
    "housekeeping": (80, 360),
    "gardening": (60, 300),
    "appliance_repair": (60, 480),
    "elder_care": (120, 600),
    "moving": (200, 900),
    "catering": (30, 240),
    "parcel": (5, 60),
    "tutoring": (100, 500),
}
"""Prices in yuan, from and to."""
FAVOURITES: Final = 3  # services among which a household chooses
TICKET_GROWTH_YUAN: Final = 2_000  # big spenders book bigger jobs rather than many more small ones
SMALLEST_PURCHASE_FEN: Final = 500
REFUND_PER_MILLE: Final = 30
FULL_REFUND_PER_MILLE: Final = 600  # the others get a half back
REFUND_DAYS: Final = (2, 30)
SHOP_HOURS: Final = (8, 19)

# --- Requests -----------------------------------------------------------------------------------

QUIET_PER_MILLE: Final = 300
VOCAL_PER_MILLE: Final = 70
VOCAL_WITHHOLDING_PER_MILLE: Final = 200  # who withholds the fee often has something to say
WITHHOLDING: Final = ("sporadic", "behind", "stopped")
WEEKLY_PER_MILLE: Final = {"quiet": 19, "usual": 77, "vocal": 230}  # 1, 4 and 12 a year
REPAIRS_PER_MILLE: Final = {"quiet": 860, "usual": 860, "vocal": 560}
OTHER_KINDS: Final[Weighted[str]] = (
    ("complaint", 50), ("suggestion", 22), ("enquiry", 19), ("praise", 9),
)  # fmt: skip
MAJOR_PER_MILLE: Final = 26  # of the repairs: about two of a hundred requests
CHANNELS: Final[Weighted[str]] = (
    ("phone", 44), ("wechat", 22), ("app", 19), ("counter", 9), ("home_visit", 6),
)  # fmt: skip
HOURS: Final[Weighted[int]] = tuple(
    enumerate((4, 2, 2, 2, 2, 4, 10, 34, 70, 110, 112, 100, 82, 76, 84, 74, 52, 44, 40, 36, 26,
               18, 12, 7))
)  # fmt: skip
"""Requests by the hour they arrive in: a morning peak and a second one after lunch."""
TARGET_MINUTES: Final = {"general": 30, "major": 360}  # the closing targets of rule REQ-04
DUE_BY: Final[Weighted[str]] = (("target", 66), ("promise", 24), ("nothing", 10))
"""A general matter; a major one always has its target, for nobody is promised next week then."""
NEVER_DUE: Final = ("suggestion", "praise")
PROMISE_HOURS: Final = (2, 4, 24, 24, 48, 72, 168)
KEPT_PER_MILLE: Final = 830
KEPT_PERCENT: Final = (15, 99)  # of the time allowed
BREACHED_PERCENT: Final = (105, 600)
CLOSING_MINUTES: Final[Curve] = (
    (0, 10), (2_500, 40), (5_000, 300), (7_500, 1_600), (9_000, 7_200), (10_000, 43_200),
)  # fmt: skip
"""Minutes to closing where nothing was due; a tenth takes longer than five days."""
OPEN_PER_MILLE: Final = 12  # requests nobody ever closed
OPEN_LATELY_PER_MILLE: Final = 300  # of those received in the last days, still being worked on
LATELY_DAYS: Final = 14

MAJOR_SUMMARIES: Final[Weighted[tuple[str, str]]] = (
    (("engineering", "主水管爆裂"), 4),
    (("engineering", "电梯困人"), 3),
    (("engineering", "整个单元停电"), 3),
    (("engineering", "地下室严重积水"), 2),
    (("security", "单元门禁全部失灵"), 1),
    (("greening", "大树倒伏压住通道"), 1),
    (("parking", "车库入口道闸砸车"), 1),
)
TRADES: Final[dict[str, Weighted[str]]] = {
    "repair": (
        ("engineering", 64), ("cleaning", 16), ("greening", 8), ("security", 7), ("parking", 5),
    ),
    "complaint": (
        ("engineering", 26), ("cleaning", 20), ("security", 20), ("parking", 18),
        ("greening", 8), ("finance", 8),
    ),
    "suggestion": (
        ("greening", 26), ("parking", 22), ("security", 18), ("engineering", 18), ("cleaning", 16),
    ),
    "enquiry": (("finance", 50), ("parking", 24), ("engineering", 16), ("security", 10)),
    "praise": (("security", 34), ("cleaning", 30), ("engineering", 24), ("greening", 12)),
}  # fmt: skip
SUMMARIES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "engineering": {
        "repair": (
            "厨房水管漏水", "卫生间下水堵塞", "楼道灯不亮", "电梯异响", "外墙渗水", "入户门锁损坏",
            "对讲机无声音", "暖气不热", "空开跳闸", "天花板受潮起皮",
        ),
        "complaint": ("电梯维修拖延", "水压长期不足", "施工噪声扰民", "同一处反复漏水"),
        "suggestion": ("楼道加装扶手", "更换节能灯具", "单元门口增设坡道"),
        "enquiry": ("装修办理流程", "停水时间安排", "供暖开始时间"),
        "praise": ("师傅上门及时", "抢修到深夜很辛苦"),
    },
    "cleaning": {
        "repair": ("楼道垃圾未清运", "大件垃圾需清走", "垃圾桶破损", "地面油污需清洗"),
        "complaint": ("楼道卫生差", "垃圾清运不及时", "电梯轿厢有异味"),
        "suggestion": ("增加垃圾分类点", "雨后及时清扫积水"),
        "praise": ("保洁认真负责", "楼道一直很干净"),
    },
    "greening": {
        "repair": ("树枝遮挡窗户", "草坪枯死需补种", "花坛围栏松动", "树木病虫害"),
        "complaint": ("绿化无人养护", "清晨割草噪声大"),
        "suggestion": ("空地补种花木", "草坪增设步道", "增加遮阴树木"),
        "praise": ("小区花木养护得好",),
    },
    "security": {
        "repair": ("门禁卡失灵", "监控画面黑屏", "围墙栏杆缺损"),
        "complaint": ("陌生人随意进出", "夜间巡逻缺位", "保安态度生硬", "邻居深夜吵闹"),
        "suggestion": ("增设夜间巡逻", "快递车辆限速", "儿童区加装监控"),
        "enquiry": ("门禁卡补办", "访客登记办法"),
        "praise": ("保安帮忙搬重物", "拾到钱包主动归还"),
    },
    "parking": {
        "repair": ("道闸不抬杆", "充电桩无法充电", "车位地锁损坏"),
        "complaint": ("消防通道被占", "车位被他人占用", "外来车辆过多"),
        "suggestion": ("增设充电桩", "重新划线增加车位", "非机动车集中停放"),
        "enquiry": ("车位租赁费用", "充电桩安装手续"),
    },
    "finance": {
        "complaint": ("账单金额有误", "缴费后未入账"),
        "enquiry": ("物业费明细", "发票如何开具", "预缴费用办理", "欠费金额核对"),
    },
}  # fmt: skip
"""What was asked for, in a few words, by trade and kind."""


def generate_estate(
    folder: Path,
    *,
    households: int,
    first_year: int,
    last_year: int,
    seed: int,
    irregular: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the import files of a generated estate into a folder.

    The files appear under their names only when all of them are complete.
    Files of the same names in the folder are replaced.

    Args:
        folder: where to write; made if it does not exist.
        households: how many households the estate has.
        first_year: first year of charges, payments, purchases and requests.
        last_year: last year of them; it may be the first year.
        seed: any integer; another seed gives another estate.
        irregular: whether households change hands, bills are corrected, and the like; then there
            are `transfers` too.
        progress: called now and then with the households written and their total.

    Returns:
        The rows written, without the header, by the name of the import file:
        `households`, `charges`, `payments`, `purchases`, `requests`; `transfers` among them
        where the estate is irregular.

    Raises:
        Malformed: if there is no household or no year to write, or a year is out of range.
    """
    _check(households, first_year, last_year)
    span = Span(first_year, last_year)
    bills = _bills(span, Draw(f"{seed}/bills"))
    width = max(5, len(str(households)))
    with _sheets(folder, irregular=irregular) as sheets:
        for place in _places(households, seed):
            number = place.number
            draw = Draw(f"{seed}/household/{number}")
            odd = Draw(f"{seed}/irregular/{number}") if irregular else None
            _write_household(f"{number:0{width}d}", place, span, bills, draw, odd, sheets)
            if progress is not None and (number % PROGRESS_STEP == 0 or number == households):
                progress(number, households)
        return {name: sheet.rows for name, sheet in sheets.items()}


def _check(households: int, first_year: int, last_year: int) -> None:
    if households < 1:
        raise Malformed("households_too_few", households=households)
    for year in (first_year, last_year):
        if not EARLIEST_YEAR <= year <= LATEST_YEAR:
            raise Malformed("year_not_generated", first=EARLIEST_YEAR, last=LATEST_YEAR, year=year)
    if last_year < first_year:
        raise Malformed("last_year_first", first=first_year, last=last_year)


# --- Files --------------------------------------------------------------------------------------


class _Sheet:
    """One import file being written."""

    def __init__(self, write: Callable[[Sequence[str]], object], extra: Sequence[str] = ()) -> None:
        self._write = write
        self._extra = extra
        self.rows = 0

    def add(self, *cells: str, **extra: str) -> None:
        """Write a row; what the extra columns hold stands before its last cell."""
        more = (extra.get(column, "") for column in self._extra)
        self._write((*cells[:-1], *more, cells[-1]) if self._extra else cells)
        self.rows += 1


Sheets = dict[str, _Sheet]


@contextmanager
def _sheets(folder: Path, *, irregular: bool) -> Iterator[Sheets]:
    """Open the files and give them their names when all went well."""
    folder.mkdir(parents=True, exist_ok=True)
    extra = EXTRA_COLUMNS if irregular else {}
    columns = {**COLUMNS, "transfers": TRANSFERS} if irregular else COLUMNS
    # Until then they end otherwise, so a leftover of a killed run is never imported.
    with written(*(folder / f"{name}.csv" for name in columns), where="--out") as files:
        sheets: Sheets = {}
        for name, file in zip(columns, files, strict=True):
            writer = csv.writer(file, lineterminator="\n")
            more = extra.get(name, ())
            writer.writerow([*columns[name][:-1], *more, columns[name][-1]])
            sheets[name] = _Sheet(writer.writerow, more)
        yield sheets


# --- Places -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """The address of the household with this number, and its estate's fee."""

    number: int
    estate: str
    building: str
    unit: str
    room: str
    fee_rate: int
    """Fen per square metre and month."""


def _places(households: int, seed: int) -> Iterator[_Place]:
    """Count off estates, buildings, units and rooms, so that no address comes twice."""
    wanted = max(ESTATES_MIN, households // HOUSEHOLDS_PER_ESTATE)
    estates = min(wanted, len(ESTATE_NAMES), households)
    skipped = Draw(f"{seed}/estates").below(len(ESTATE_NAMES))
    number = 0
    for nth in range(estates):
        draw = Draw(f"{seed}/estate/{nth}")
        name = ESTATE_NAMES[(skipped + nth) % len(ESTATE_NAMES)]
        units = draw.between(UNITS_PER_BUILDING)
        floors = draw.one_of(FLOORS)
        rooms = draw.between(ROOMS_PER_FLOOR)
        fee_rate = draw.between(FEE_RATE)
        for index in range(households * (nth + 1) // estates - households * nth // estates):
            rest, room = divmod(index, rooms)
            rest, floor = divmod(rest, floors)
            building, unit = divmod(rest, units)
            number += 1
            yield _Place(
                number=number,
                estate=name,
                building=f"{building + 1}号楼",
                unit=f"{unit + 1}单元",
                room=f"{floor + 1}{room + 1:02d}",
                fee_rate=fee_rate,
            )


# --- One household ------------------------------------------------------------------------------


def _write_household(
    digits: str,
    place: _Place,
    span: Span,
    bills: "Bills",
    draw: Draw,
    odd_draw: Draw | None,
    sheets: Sheets,
) -> None:
    """Write everything about one household into the files."""
    household = f"H{digits}"
    company = draw.chance(COMPANIES_PER_MILLE)
    moved_in = _moved_in(span, draw)
    name = _company_name(draw) if company else _person_name(draw)
    sheets["households"].add(
        household,
        place.estate,
        place.building,
        place.unit,
        place.room,
        "company" if company else "person",
        name,
        f"{PHONE_PREFIX}{place.number:08d}",
        day_text(moved_in),
    )
    size = draw.weighted(FLAT_SIZES) * 100 + draw.below(SIZE_SPREAD)
    payer = _Payer(
        digits=digits,
        company=company,
        fee_fen=size * (COMPANY_SIZE_FACTOR if company else 1) * place.fee_rate // 100,
        parking_fen=draw.one_of(PARKING_FEES) if draw.chance(PARKING_PER_MILLE) else 0,
        rounds_up=draw.chance(ROUNDING_PER_MILLE),
        usual_method="transfer" if company else draw.weighted(METHODS),
        behaviour=draw.weighted(BEHAVIOURS),
        span=span,
        draw=draw,
        sheet=sheets["payments"],
        odd=None
        if odd_draw is None
        else oddities(
            digits, moved_in, name, _person_name, span, odd_draw, sheets["transfers"].add
        ),
    )
    temper = _temper(payer.behaviour, draw)
    _write_account(payer, _first_charged_month(moved_in), bills, sheets["charges"])
    if payer.odd is not None:
        add_charge, add_payment = sheets["charges"].add, sheets["payments"].add
        write_final_bills(payer.odd, digits, span, add_charge, add_payment)
    _write_purchases(digits, max(moved_in, span.first_day), span, draw, sheets["purchases"])
    _write_requests(digits, temper, max(moved_in, span.first_day), span, draw, sheets["requests"])


def _moved_in(span: Span, draw: Draw) -> int:
    years = span.last_year - span.first_year + 1
    share = min(MOVING_IN_PER_MILLE_AND_YEAR * years, MOVING_IN_PER_MILLE_MAX)
    if draw.chance(share):
        return draw.between((span.first_day, span.last_day))
    earliest = date(span.first_year - MOVE_IN_YEARS_BEFORE, 1, 1).toordinal()
    return draw.between((earliest, date(span.first_year - 1, *MOVED_IN_BEFORE).toordinal()))


def _person_name(draw: Draw) -> str:
    characters = 2 if draw.chance(TWO_CHARACTER_NAMES_PER_MILLE) else 1
    return draw.one_of(SURNAMES) + "".join(draw.one_of(GIVEN_NAMES) for _ in range(characters))


def _company_name(draw: Draw) -> str:
    return f"{draw.one_of(COMPANY_NAMES)}{draw.one_of(COMPANY_TRADES)}有限公司"


# --- Charges and payments -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bill:
    """The billing run of one month: one for all households."""

    year: int
    month: int
    due: int
    due_text: str
    recorded: str

    @property
    def opens_quarter(self) -> bool:
        return self.month % 3 == 1


Bills = Sequence[_Bill]


def _bills(span: Span, draw: Draw) -> Bills:
    bills = []
    for year in span.years():
        for month in range(1, 13):
            due = date(year, month, 1).toordinal()
            sent = due - draw.between(BILLING_LEAD_DAYS)
            recorded = instant_text(sent, 9 * 3_600 + draw.below(1_800))
            bills.append(_Bill(year, month, due, day_text(due), recorded))
    return bills


@dataclass(slots=True)
class _Open:
    """A charge with what is still open of it."""

    number: str
    due: int
    fen: int


@dataclass(slots=True)
class _Payer:
    """One household's account as it pays: enough of PAY-02 to know what is owed."""

    digits: str
    company: bool
    fee_fen: int
    parking_fen: int
    rounds_up: bool
    usual_method: str
    behaviour: str
    span: Span
    draw: Draw
    sheet: _Sheet
    odd: Oddities | None = None
    """What is not regular about it, in an irregular estate."""
    owner: str = ""
    """Who pays, once the household has changed hands."""
    open: list[_Open] = field(default_factory=list)
    """Open charges, oldest first; never any while there is credit."""
    credit_fen: int = 0
    payments: int = 0
    lag: int = 0
    """Months that a household stays behind."""
    ahead: int = 0
    """Months that a household pays in one payment."""
    gap: tuple[int, int] = (0, 0)
    """Months of the year in which nothing is paid: the first of them and the first after."""
    instalments: int = 0

    def begin_year(self, *, first: bool) -> None:
        """Keep the habits of the year before, or take others."""
        draw = self.draw
        if not first:
            if draw.chance(KEPT_BEHAVIOUR_PER_MILLE):
                if self.behaviour == "stopped":
                    self.gap = (1, 13)
                return
            self.behaviour = draw.weighted(BEHAVIOURS)
        self.lag = draw.one_of(MONTHS_BEHIND)
        self.ahead = draw.one_of(MONTHS_AHEAD)
        if self.behaviour == "stopped":
            self.gap = (1 + draw.below(12), 13)
        else:
            start = draw.between(GAP_STARTS)
            self.gap = (start, start + draw.between(GAP_MONTHS))

    def hand_over(self, day: int) -> None:
        """Begin anew if the household has changed hands: debts and credit are the seller's."""
        assert self.odd is not None
        owner = self.odd.owner_on(day)
        if owner != self.owner:
            self.owner, self.credit_fen = owner, 0
            self.open.clear()

    def charge(self, number: str, due: int, fen: int) -> None:
        """Take a charge, from the credit as far as that goes."""
        covered = min(self.credit_fen, fen)
        self.credit_fen -= covered
        if fen > covered:
            self.open.append(_Open(number, due, fen - covered))

    def owed(self, due_until: int) -> int:
        """Add up what is open of charges due until that day."""
        return sum(charge.fen for charge in self.open if charge.due <= due_until)

    def pay(self, day: int, fen: int) -> None:
        """Write a payment, unless it is nothing or would come after the years to write."""
        if fen <= 0 or day > self.span.last_day:
            return
        draw = self.draw
        day = max(day, self.span.first_day)
        if self.rounds_up:
            fen = -(-fen // ROUNDING_FEN) * ROUNDING_FEN
        self._write(day, fen)
        if draw.chance(TWICE_PER_MILLE):
            self._write(min(day + 1, self.span.last_day), fen)

    def _write(self, day: int, fen: int) -> None:
        draw = self.draw
        named = ""
        # Nobody quotes one bill for a sum that settles several.
        if self.open and fen <= self.open[0].fen:
            named = self.open[0].number if self.company or draw.chance(NAMING_PER_MILLE) else ""
        usual = draw.chance(USUAL_METHOD_PER_MILLE)
        self.payments += 1
        method = self.usual_method if usual else draw.weighted(METHODS)
        booked = _booked(day, draw)
        known = instant_text(booked, 9 * 3_600 + 1_800 + draw.below(3_600))
        rows, payer = [(named, fen)], ""
        if self.odd is not None:
            payer = self.odd.payer(day, booked)
            if self.open and fen > self.open[0].fen and self.odd.names_all():
                rows = parts(fen, [(charge.number, charge.fen) for charge in self.open])
        for charge, part in rows:
            number, household = f"P{self.digits}-{self.payments:03d}", f"H{self.digits}"
            cells = (number, household, yuan(part), day_text(day), method, charge, known)
            self.sheet.add(*cells, payer=payer)
        self._settle(fen)

    def _settle(self, fen: int) -> None:
        while fen and self.open:
            oldest = self.open[0]
            covered = min(fen, oldest.fen)
            oldest.fen -= covered
            fen -= covered
            if not oldest.fen:
                self.open.pop(0)
        self.credit_fen += fen


def _booked(paid_on: int, draw: Draw) -> int:
    """Return the day on which a payment became known: the next one, or after the new year."""
    paid = date.fromordinal(paid_on)
    if paid.month == 12 and paid.day >= BOOKED_LATE_FROM_DAY and draw.chance(BOOKED_LATE_PER_MILLE):
        return date(paid.year + 1, 1, draw.between(BOOKED_LATE_ON)).toordinal()
    return paid_on + 1


def _first_charged_month(moved_in: int) -> int:
    """Return the first of the month from which a household is charged."""
    moved = date.fromordinal(moved_in)
    years, month = divmod(moved.month - 1 + MONTHS_BEFORE_FIRST_CHARGE, 12)
    return date(moved.year + years, month + 1, 1).toordinal()


def _write_account(payer: _Payer, charged_from: int, bills: Bills, sheet: _Sheet) -> None:
    """Charge the household month by month and let it pay in its own way."""
    first = True
    for bill in bills:
        if bill.due < charged_from:
            continue
        if first or bill.month == 1:
            payer.begin_year(first=first)
            first = False
        if payer.odd is not None:
            payer.hand_over(bill.due)
        _charge_month(payer, bill, sheet)
        PAYS[payer.behaviour](payer, bill)


def _charge_month(payer: _Payer, bill: _Bill, sheet: _Sheet) -> None:
    household = f"H{payer.digits}"
    number = f"C{payer.digits}-{bill.year}{bill.month:02d}"
    period = f"{bill.year}-{bill.month:02d}"
    amount = yuan(payer.fee_fen)
    sheet.add(number, household, "management_fee", period, amount, bill.due_text, bill.recorded)
    too_much = 0
    if payer.odd is not None:
        too_much = payer.odd.correction(payer.fee_fen)
        write_odd_bills(payer.odd, payer.digits, date.fromordinal(bill.due), sheet.add)
    if too_much:
        corrects, amount = number, yuan(-too_much)
        known = instant_text(bill.due - BILLING_LEAD_DAYS[0] + 1, 10 * 3_600)
        cells = ("management_fee", period, amount, bill.due_text, known)
        sheet.add(f"{number}N", household, *cells, corrects=corrects)
    payer.charge(number, bill.due, payer.fee_fen - too_much)
    if payer.parking_fen and bill.opens_quarter:
        quarter = f"Q{bill.month // 3 + 1}"
        number = f"C{payer.digits}-{bill.year}{quarter}"
        period = f"{bill.year}-{quarter}"
        amount = yuan(payer.parking_fen)
        sheet.add(number, household, "parking", period, amount, bill.due_text, bill.recorded)
        payer.charge(number, bill.due, payer.parking_fen)


def _pays_promptly(payer: _Payer, bill: _Bill) -> None:
    """Pay all that is open shortly before the due date, or on it."""
    payer.pay(_in_good_time(payer, bill), payer.owed(bill.due))


def _pays_late(payer: _Payer, bill: _Bill) -> None:
    """Pay all that is open some days after the due date; now and then forget a month."""
    if not payer.draw.chance(FORGOTTEN_PER_MILLE):
        payer.pay(bill.due + 1 + payer.draw.below(LATE_DAYS), payer.owed(bill.due))


def _pays_ahead(payer: _Payer, bill: _Bill) -> None:
    """Pay several months in one payment once the credit is used up."""
    owed = payer.owed(bill.due)
    if owed:
        months = payer.ahead - 1
        payer.pay(_in_good_time(payer, bill), owed + months * payer.fee_fen)


def _in_good_time(payer: _Payer, bill: _Bill) -> int:
    """Return a day shortly before the due date, or after it for whoever still owes older bills.

    A habit that begins with a new year must not clear the arrears at the end of the old one.
    """
    days = payer.draw.below(LEAD_DAYS)
    return bill.due + days if payer.owed(bill.due - 1) else bill.due - days


def _pays_sporadically(payer: _Payer, bill: _Bill) -> None:
    """Pay in some months, mostly everything."""
    draw = payer.draw
    if draw.chance(SPORADIC_PER_MILLE):
        payer.pay(bill.due + draw.below(SPORADIC_DAYS), _part(payer.owed(bill.due), draw))


def _stays_behind(payer: _Payer, bill: _Bill) -> None:
    """Pay what was due some months ago, so that the newest months are always open."""
    draw = payer.draw
    months = bill.year * 12 + bill.month - 1 - payer.lag
    due = date(months // 12, months % 12 + 1, 1).toordinal()
    payer.pay(bill.due + draw.below(SPORADIC_DAYS), _part(payer.owed(due), draw))


def _stops_paying(payer: _Payer, bill: _Bill) -> None:
    """Pay late until one month, and from then on nothing but a token."""
    draw = payer.draw
    if bill.month < payer.gap[0]:
        _pays_late(payer, bill)
    elif draw.chance(TOKEN_PER_MILLE):
        fen = min(draw.one_of(TOKEN_FEN), payer.owed(bill.due))
        payer.pay(bill.due + draw.below(SPORADIC_DAYS), fen)


def _recovers(payer: _Payer, bill: _Bill) -> None:
    """Pay nothing for some months, then clear the arrears in instalments."""
    start, end = payer.gap
    if bill.month < start:
        _pays_promptly(payer, bill)
    elif bill.month < end:
        payer.instalments = INSTALMENTS
    else:
        older = payer.owed(bill.due - 1)
        newest = payer.owed(bill.due) - older
        share = -(-older // max(payer.instalments, 1))
        payer.instalments -= 1
        payer.pay(bill.due + payer.draw.below(LATE_DAYS), newest + share)


def _part(owed: int, draw: Draw) -> int:
    return owed // 2 if draw.chance(PART_PAYMENT_PER_MILLE) else owed


PAYS: Final[dict[str, Callable[[_Payer, _Bill], None]]] = {
    "prompt": _pays_promptly,
    "late": _pays_late,
    "ahead": _pays_ahead,
    "sporadic": _pays_sporadically,
    "behind": _stays_behind,
    "stopped": _stops_paying,
    "recovering": _recovers,
}


# --- Purchases ----------------------------------------------------------------------------------


def _write_purchases(digits: str, first_day: int, span: Span, draw: Draw, sheet: _Sheet) -> None:
    """Write a household's purchases, about as much every year, and a few refunds of them."""
    usual_fen = draw.on(YEARLY_SPENDING)
    names = tuple(SERVICES)
    favourites = [draw.one_of(names) for _ in range(FAVOURITES)]
    purchases: list[tuple[int, str, int]] = []
    for year in span.years():
        first = max(first_day, date(year, 1, 1).toordinal())
        last = date(year, 12, 31).toordinal()
        if first > last:
            continue
        budget = usual_fen * draw.between(YEARLY_SWING) // 100
        for service, fen in _basket(budget, favourites, draw):
            day = draw.between((first, last))
            purchases.append((day, service, fen))
            refunded_on = day + draw.between(REFUND_DAYS)
            if draw.chance(REFUND_PER_MILLE) and refunded_on <= span.last_day:
                full = draw.chance(FULL_REFUND_PER_MILLE)
                purchases.append((refunded_on, service, -fen if full else -(fen // 2)))
    purchases.sort()
    for number, (day, service, fen) in enumerate(purchases, start=1):
        sheet.add(
            f"S{digits}-{number:04d}",
            f"H{digits}",
            service,
            yuan(fen),
            day_text(day),
            instant_text(day, draw.between(SHOP_HOURS) * 3_600 + draw.below(3_600)),
        )


def _basket(budget_fen: int, favourites: Sequence[str], draw: Draw) -> Iterator[tuple[str, int]]:
    """Spend a year's budget on the favourite services; a remainder too small is kept."""
    growth = TICKET_GROWTH_YUAN * 100
    while budget_fen >= SMALLEST_PURCHASE_FEN:
        service = draw.one_of(favourites)
        low, high = SERVICES[service]
        fen = draw.between((low * 100, high * 100))
        fen = min(fen * (growth + budget_fen) // growth, budget_fen)
        budget_fen -= fen
        yield service, fen


# --- Requests -----------------------------------------------------------------------------------


def _temper(behaviour: str, draw: Draw) -> str:
    """Say how often a household calls; those who withhold the fee call more often."""
    vocal = VOCAL_WITHHOLDING_PER_MILLE if behaviour in WITHHOLDING else VOCAL_PER_MILLE
    if draw.chance(vocal):
        return "vocal"
    return "quiet" if draw.chance(QUIET_PER_MILLE) else "usual"


def _write_requests(
    digits: str, temper: str, first_day: int, span: Span, draw: Draw, sheet: _Sheet
) -> None:
    """Write a household's requests: at most one a week, each week with the same chance."""
    number = 0
    for week in range(first_day, span.last_day + 1, 7):
        if not draw.chance(WEEKLY_PER_MILLE[temper]):
            continue
        day = min(week + draw.below(7), span.last_day)
        received = draw.weighted(HOURS) * 3_600 + draw.below(3_600)
        kind = "repair" if draw.chance(REPAIRS_PER_MILLE[temper]) else draw.weighted(OTHER_KINDS)
        severity, trade, summary = _matter(kind, draw)
        allowed = _allowed_minutes(kind, severity, draw)
        taken = _taken_seconds(allowed, span.last_day - day, received, draw)
        number += 1
        sheet.add(
            f"R{digits}-{number:04d}",
            f"H{digits}",
            draw.weighted(CHANNELS),
            kind,
            trade,
            severity,
            summary,
            instant_text(day, received),
            instant_text(day, received + allowed * 60) if allowed else "",
            instant_text(day, received + taken) if taken else "",
        )


def _matter(kind: str, draw: Draw) -> tuple[str, str, str]:
    """Draw severity, trade and summary."""
    if kind == "repair" and draw.chance(MAJOR_PER_MILLE):
        trade, summary = draw.weighted(MAJOR_SUMMARIES)
        return "major", trade, summary
    trade = draw.weighted(TRADES[kind])
    return "general", trade, draw.one_of(SUMMARIES[trade][kind])


def _allowed_minutes(kind: str, severity: str, draw: Draw) -> int:
    """Draw the minutes from receipt to `due_at`; 0 where nothing is due."""
    if severity == "major":
        return TARGET_MINUTES[severity]
    due_by = "nothing" if kind in NEVER_DUE else draw.weighted(DUE_BY)
    if due_by == "target":
        return TARGET_MINUTES[severity]
    return draw.one_of(PROMISE_HOURS) * 60 if due_by == "promise" else 0


def _taken_seconds(allowed: int, days_left: int, received: int, draw: Draw) -> int:
    """Draw the seconds from receipt to closing; 0 where the request is still open."""
    if draw.chance(OPEN_LATELY_PER_MILLE if days_left < LATELY_DAYS else OPEN_PER_MILLE):
        return 0
    if not allowed:
        taken = draw.on(CLOSING_MINUTES, steps=60)
    elif draw.chance(KEPT_PER_MILLE):
        taken = allowed * 60 * draw.between(KEPT_PERCENT) // 100
    else:
        taken = allowed * 60 * draw.between(BREACHED_PERCENT) // 100
    # What closes after the years to write is open in them.
    return taken if received + taken < (days_left + 1) * SECONDS_PER_DAY else 0
