"""The five import files: their columns, in English and Chinese, and what a cell may hold (IMP-01).

cattrs turns a row of texts into a typed row, strictly, and tells every faulty cell at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NewType

import attrs
import cattrs
from attrs import define, frozen
from cattrs.errors import ClassValidationError

from crm_core.errors import Fault
from crm_core.kernel.dates import parse_date, parse_instant
from crm_core.kernel.money import fen_from_yuan
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id, check_phone, check_text
from crm_core.owners.commands import KINDS as HOUSEHOLD_KINDS
from crm_core.payments.commands import CHARGE_KINDS, METHODS
from crm_core.requests.commands import CHANNELS, SEVERITIES, TRADES
from crm_core.requests.commands import KINDS as REQUEST_KINDS

Id = NewType("Id", str)
Line = NewType("Line", str)
Phone = NewType("Phone", str)
Fen = NewType("Fen", int)
HouseholdKind = NewType("HouseholdKind", str)
ChargeKind = NewType("ChargeKind", str)
Method = NewType("Method", str)
Channel = NewType("Channel", str)
RequestKind = NewType("RequestKind", str)
Trade = NewType("Trade", str)
Severity = NewType("Severity", str)


class CellFault(ValueError):
    """What is wrong with one cell."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@define
class HouseholdRow:
    """A line of `households`."""

    household: Id
    estate: Line
    building: Line
    unit: Line
    room: Line
    kind: HouseholdKind
    owner: Line | None = None
    phone: Phone | None = None
    moved_in: date | None = None


@define
class ChargeRow:
    """A line of `charges`."""

    charge: Id
    household: Id
    kind: ChargeKind
    period: Line
    amount: Fen
    due: date
    recorded: datetime | None = None


@define
class PaymentRow:
    """A line of `payments`."""

    payment: Id
    household: Id
    amount: Fen
    paid_on: date
    method: Method
    charge: Id | None = None
    recorded: datetime | None = None


@define
class PurchaseRow:
    """A line of `purchases`; a negative amount is a refund."""

    purchase: Id
    household: Id
    service: Line
    amount: Fen
    purchased_on: date
    recorded: datetime | None = None


@define
class RequestRow:
    """A line of `requests`."""

    request: Id
    household: Id
    channel: Channel
    kind: RequestKind
    trade: Trade
    severity: Severity
    summary: Line
    received_at: datetime
    due_at: datetime | None = None
    closed_at: datetime | None = None


@frozen
class FileKind:
    """One of the five files.

    Args:
        name: Its name without an ending.
        row: What a line is.
        key: The column that names a line.
        aliases: Chinese headers for its columns.
    """

    name: str
    row: type
    key: str
    aliases: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        return tuple(field.name for field in attrs.fields(self.row))

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return tuple(f.name for f in attrs.fields(self.row) if f.default is attrs.NOTHING)


_COMMON = {"户号": "household", "金额": "amount", "登记时间": "recorded"}

KINDS: tuple[FileKind, ...] = (
    FileKind(
        "households",
        HouseholdRow,
        "household",
        {
            "户号": "household",
            "小区": "estate",
            "楼栋": "building",
            "单元": "unit",
            "房号": "room",
            "类别": "kind",
            "业主": "owner",
            "电话": "phone",
            "入住日期": "moved_in",
        },
    ),
    FileKind(
        "charges",
        ChargeRow,
        "charge",
        {**_COMMON, "账单号": "charge", "费用类别": "kind", "账期": "period", "应缴日期": "due"},
    ),
    FileKind(
        "payments",
        PaymentRow,
        "payment",
        {
            **_COMMON,
            "缴费单号": "payment",
            "缴费日期": "paid_on",
            "缴费方式": "method",
            "账单号": "charge",
        },
    ),
    FileKind(
        "purchases",
        PurchaseRow,
        "purchase",
        {**_COMMON, "消费单号": "purchase", "服务": "service", "消费日期": "purchased_on"},
    ),
    FileKind(
        "requests",
        RequestRow,
        "request",
        {
            "工单号": "request",
            "户号": "household",
            "渠道": "channel",
            "类型": "kind",
            "专业": "trade",
            "级别": "severity",
            "内容": "summary",
            "受理时间": "received_at",
            "应完成时间": "due_at",
            "完成时间": "closed_at",
        },
    ),
)


def _cell(code: str, parse: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    """A hook that parses a cell; what the parser refuses is a fault of that code."""
    remembered = lru_cache(maxsize=4096)(parse)

    def hook(text: Any, _kind: Any) -> Any:
        if text is None:
            raise CellFault(Fault("cell_empty"))
        try:
            return remembered(text)
        except Malformed as error:
            raise CellFault(Fault.of(code, error)) from None

    return hook


EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
"""Years that a date in a file can be meant to have; others are slips, or overflow in a zone."""


def _sensible(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse_sensible(text: str) -> Any:
        parsed = parse(text)
        if EARLIEST_YEAR <= parsed.year <= LATEST_YEAR:
            return parsed
        raise Malformed("year_unlikely", first=EARLIEST_YEAR, last=LATEST_YEAR)

    return parse_sensible


def _one_of(known: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text in known:
            return text
        raise Malformed("not_among", accepted=known)

    return parse


def _line(text: str) -> str:
    if text.startswith("="):
        raise Malformed("formula_refused")
    if "\n" in text:
        raise Malformed("line_break_refused")
    return check_text(text)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, code, parse in (
        (Id, "id_malformed", check_id),
        (Line, "text_malformed", _line),
        (Phone, "phone_malformed", check_phone),
        (Fen, "amount_malformed", fen_from_yuan),
        (date, "date_malformed", _sensible(parse_date)),
        (datetime, "instant_malformed", _sensible(parse_instant)),
        (HouseholdKind, "kind_unknown", _one_of(HOUSEHOLD_KINDS)),
        (ChargeKind, "kind_unknown", _one_of(CHARGE_KINDS)),
        (Method, "method_unknown", _one_of(METHODS)),
        (Channel, "channel_unknown", _one_of(CHANNELS)),
        (RequestKind, "kind_unknown", _one_of(REQUEST_KINDS)),
        (Trade, "trade_unknown", _one_of(TRADES)),
        (Severity, "severity_unknown", _one_of(SEVERITIES)),
    ):
        hook = _cell(code, parse)
        converter.register_structure_hook(kind, hook)
        converter.register_structure_hook_func(_is_optional(kind), _optional(hook))
    return converter


def _is_optional(kind: Any) -> Callable[[Any], bool]:
    return lambda hint: bool(hint == (kind | None))


def _optional(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda text, kind: None if text is None else hook(text, kind)


_CONVERTER = _converter()


def structurer(kind: FileKind) -> Callable[[dict[str, str | None]], Any]:
    """The function from a row of texts (None: empty) to a typed row.

    It raises ClassValidationError; see `cell_faults`.
    """
    hook = _CONVERTER.get_structure_hook(kind.row)
    row = kind.row
    return lambda cells: hook(cells, row)


def cell_faults(error: ClassValidationError) -> list[tuple[str, Fault]]:
    """Every faulty cell of a row: its column and what is wrong with it."""
    found = []
    for inner in error.exceptions:
        column = next(
            (note.name for note in getattr(inner, "__notes__", []) if hasattr(note, "name")), ""
        )
        if isinstance(inner, CellFault):
            found.append((column, inner.fault))
        else:
            found.append((column, Fault("row_malformed", values={"reason": str(inner)})))
    return found
