"""Transfers: who became owner, co-owner or tenant of a household, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any

from crm_adapters.files.cells import Day, DayAhead, Id, Instant, Line, one_of
from crm_adapters.files.rows.kind import Context, FileKind, before, member_of
from crm_core.errors import Fault
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import define
from crm_core.owners.commands import KINDS, ROLES, AddMember, EndRole, owner_id


@define
class TransferRow:
    """A line of `transfers`: a member, and the days in which they hold a role.

    It may stand in the file twice, as it became known: without its end, and with it.
    """

    household: Id
    member: Id
    role: Annotated[str, one_of("role_unknown", ROLES)]
    name: Line
    since: Day
    until: DayAhead | None = None
    recorded: Instant | None = None
    kind: Annotated[str, one_of("kind_unknown", KINDS)] | None = None


def _wrong(row: TransferRow) -> Iterator[tuple[str, Fault]]:
    """A role ends on its first day or later."""
    if row.until is not None and row.until < row.since:
        yield "until", before("since", "until")


def _facts(row: TransferRow, context: Context) -> Iterator[tuple[str, datetime]]:
    """Its beginning is known since its first day or as soon as the member is named.

    That of the owner whom the file of households brings is known from there. The end is known
    since the last day.
    """
    known = row.recorded
    if not _registered(row, context):
        began = known or start_of_day(row.since, context.zone)
        named = context.mentioned(*member_of(row.household, row.member))
        yield "member", began if known or named is None else min(began, named)
    if row.until is not None:
        yield "role_end", known or start_of_day(row.until, context.zone)


def _registered(row: TransferRow, context: Context) -> bool:
    """Whether the household was registered with just that owner from that day on."""
    is_owner = row.role == "owner" and row.member == owner_id(row.household)
    return is_owner and context.registered(row.household) == row.since


def _command(row: TransferRow, part: str, _context: Context) -> AddMember | EndRole:
    if part == "role_end":
        assert row.until is not None
        return EndRole(
            household=row.household,
            member=row.member,
            role=row.role,
            until=row.until,
            reason="import",
            source="import",
        )
    return AddMember(
        household=row.household,
        member=row.member,
        role=row.role,
        since=row.since,
        name=Personal(row.member, row.name),
        source="import",
        kind=row.kind,
    )


def _identity(row: TransferRow, part: str, context: Context) -> list[Any]:
    held = [row.household, row.member, row.role, row.since]
    if part == "role_end":
        return [*held, row.until]
    # Without its end, and the instant at which that became known: a role that was imported while
    # it lasted is the same when it comes again ended.
    return [*held, context.fingerprint(Personal(row.member, row.name))]


def _order(row: TransferRow, part: str) -> date:
    """Who comes, comes behind who left before: a role is held again when its time is over."""
    return row.until if part == "role_end" and row.until is not None else row.since


TRANSFERS = FileKind(
    name="transfers",
    row=TransferRow,
    key="member",
    aliases={
        "户号": "household",
        "成员": "member",
        "角色": "role",
        "姓名": "name",
        "起": "since",
        "止": "until",
        "登记时间": "recorded",
        "成员类别": "kind",
    },
    parts=("member", "role_end"),
    facts=_facts,
    command=_command,
    identity=_identity,
    told_apart=("household", "member", "role", "since", "until"),
    order=_order,
    wrong=_wrong,
    blamed={
        "person_erased": "name",
        "role_ends_before_it_begins": "until",
        "role_held": "since",
        "role_not_held": "until",
        "unknown_household": "household",
    },
)
