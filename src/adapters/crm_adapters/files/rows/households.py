"""Households: their place, and the person or company that owns it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from crm_adapters.files.cells import DayAhead, Id, Line, Phone, one_of
from crm_adapters.files.rows.kind import Context, FileKind
from crm_core.errors import Fault
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import define
from crm_core.owners.commands import KINDS, RegisterHousehold, owner_id


@define
class HouseholdRow:
    """A line of `households`."""

    household: Id
    estate: Line
    building: Line
    unit: Line
    room: Line
    kind: Annotated[str, one_of("kind_unknown", KINDS)]
    owner: Line | None = None
    phone: Phone | None = None
    moved_in: DayAhead | None = None


def _wrong(row: HouseholdRow) -> Iterator[tuple[str, Fault]]:
    """A telephone number without its person would be nobody's."""
    if row.phone is not None and row.owner is None:
        yield "phone", Fault("phone_without_owner")


def _facts(row: HouseholdRow, context: Context) -> Iterator[tuple[str, datetime]]:
    """Known since the household moved in, or as soon as anything is known of it."""
    known = context.mentioned(row.household)
    if row.moved_in is not None:
        moved = start_of_day(row.moved_in, context.zone)
        known = moved if known is None else min(known, moved)
    yield "household", known or context.now


def _command(row: HouseholdRow, _part: str, _context: Context) -> RegisterHousehold:
    return RegisterHousehold(
        household=row.household,
        estate=row.estate,
        building=row.building,
        unit=row.unit,
        room=row.room,
        kind=row.kind,
        owner=_personal(row, row.owner),
        phone=_personal(row, row.phone),
        moved_in=row.moved_in,
        source="import",
    )


def _identity(row: HouseholdRow, _part: str, context: Context) -> list[Any]:
    personal = (_personal(row, row.owner), _personal(row, row.phone))
    return [
        row.household,
        row.estate,
        row.building,
        row.unit,
        row.room,
        row.kind,
        row.moved_in,
        *(None if value is None else context.fingerprint(value) for value in personal),
    ]


def _personal(row: HouseholdRow, text: str | None) -> Personal | None:
    return None if text is None else Personal(owner_id(row.household), text)


HOUSEHOLDS = FileKind(
    name="households",
    row=HouseholdRow,
    key="household",
    aliases={
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
    parts=("household",),
    facts=_facts,
    command=_command,
    identity=_identity,
    told_apart=("household",),
    wrong=_wrong,
    blamed={"person_erased": "owner", "place_taken": "room"},
)
