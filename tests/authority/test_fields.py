"""Every field of every command is what its giver says, or what the library looks up (LOG-08).

The list beside this file was read by a person. A new field stands in neither until somebody has
asked of it: could it be a lie?
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from anything import some

from crm_adapters import open_crm
from crm_core import Actor, Invalid, Planned
from crm_core.application.work import command_digest
from crm_core.kernel.commands import act_of, fields_looked_up, fields_said
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import SYSTEM
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments.collection.commands import AdvanceCollection
from crm_core.payments.collection.dues import Dues
from crm_core.requests.commands import ReceiveRequest
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.slices import registry, shipped
from crm_core.testing.strategies import sla_text

LIST = Path(__file__).parent / "fields.txt"
KINDS = sorted(
    (kind for aggregate in registry().aggregates for kind in aggregate.commands), key=act_of
)
LOOKED_UP = [(kind, name) for kind in KINDS for name in fields_looked_up(kind)]
NOW = parse_instant("2024-03-04T09:00:00+08:00")
PERSON = ("approver", "_by", "role", "signed")
"""What the name of a field that says who decides has had in it."""


def listed() -> str:
    return "".join(
        f"{act_of(kind)}\n  said: {' '.join(fields_said(kind))}\n"
        f"  looked up: {' '.join(sorted(fields_looked_up(kind)))}\n"
        for kind in KINDS
    )


@pytest.mark.rule("LOG-08")
def test_every_field_of_every_command_is_said_or_looked_up_as_the_list_says() -> None:
    """`CRM_REWRITE_GOLDEN=1` writes it anew; whoever does reads what changed."""
    if os.getenv("CRM_REWRITE_GOLDEN") == "1":
        LIST.write_text(listed(), encoding="utf-8")
    assert LIST.read_text(encoding="utf-8") == listed()


@pytest.mark.rule("LOG-08")
@pytest.mark.case("K29")
@pytest.mark.parametrize("kind", KINDS, ids=act_of)
def test_no_field_that_is_said_says_who_decides(kind: type) -> None:
    """`told_by` follows from a recorded event, `asked_by` is looked up among members, and `role`
    of a member or of the staff is a fact.
    """
    facts = {
        ("AddMember", "role"),
        ("EndRole", "role"),
        ("RegisterStaff", "role"),
        ("EndStaffRole", "role"),
        ("FollowIncident", "told_by"),
        ("ReceiveRequest", "asked_by"),
        ("VoidRole", "role"),
        ("VoidRoleEnd", "role"),
    }
    suspicious = {
        name
        for name in fields_said(kind)
        if any(part in name for part in PERSON) or name in {"by", "actor"}
    }
    assert suspicious - {name for cls, name in facts if cls == kind.__name__} == set()


@pytest.mark.rule("LOG-08")
@pytest.mark.case("K28")
@pytest.mark.parametrize(
    ("kind", "name"), LOOKED_UP, ids=[f"{act_of(kind)}-{name}" for kind, name in LOOKED_UP]
)
def test_whoever_supplies_what_is_looked_up_is_told_so(kind: type, name: str) -> None:
    """Whatever is put there, even the very thing that would be found."""
    command = some(kind)
    object.__setattr__(command, name, Actor("li", "director"))
    with open_crm("memory:") as crm:
        for ask in (
            lambda: crm.do(command, by=Actor("li", "director")),
            lambda: crm.batch([Planned(command, "c1", NOW)], by=Actor("li", "director")),
            lambda: crm.batch(
                [Planned(command, "c1", NOW)], by=Actor("root", "host"), imported=NOW
            ),
        ):
            with pytest.raises(Invalid) as caught:
                ask()
            assert [(f.code, f.where) for f in caught.value.faults if f.code == "looked_up"] == [
                ("looked_up", f"{kind.__name__}.{name}")
            ]
        assert crm.log.empty()


@pytest.mark.rule("LOG-08", "LOG-01")
@pytest.mark.parametrize(
    ("kind", "name"), LOOKED_UP, ids=[f"{act_of(kind)}-{name}" for kind, name in LOOKED_UP]
)
def test_what_is_looked_up_is_no_part_of_the_digest(kind: type, name: str) -> None:
    """A command that comes again may find something else, and is still the same command."""
    plain, filled = some(kind), some(kind)
    object.__setattr__(filled, name, "something")
    assert command_digest(plain, repr) == command_digest(filled, repr)


@pytest.mark.rule("LOG-08", "PAY-10", "REQ-14")
@pytest.mark.case("K28")
def test_the_look_up_fills_a_field_whatever_stands_in_it() -> None:
    """Also where the library itself gives the command: a forged fact decides nothing."""
    day = NOW.date()
    forged = SlaPolicy.parse(sla_text(general=7))
    owing = Dues("B3", ("C1",))
    with open_crm("memory:") as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101"), by=Actor("li", "specialist"))
        advance = AdvanceCollection("V1", day, dues=owing, present_day=day)
        assert crm._desk.within(advance, by=SYSTEM).events == ()
        request = ReceiveRequest(
            "R1", "V1", "phone", "repair", "security", "general", "noise", NOW, "li", policy=forged
        )
        [received, *_] = crm._desk.within(request, by=SYSTEM).events
        assert received.policy == shipped().find(SlaPolicy, DEFAULT_SLA, day).ref
        assert received.policy != forged.ref
