"""Who may give which act: the shipped table is the one typed by hand from the rules (LOG-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from anything import some
from expected import EXPECTED, IMPORTABLE, SECOND_PERSON

from crm_adapters import open_crm
from crm_core import CRM, Actor, CrmError, Invalid, Planned, Refused
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy
from crm_core.kernel.commands import act_of
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.recorded import ROLES
from crm_core.slices import registry, shipped

KINDS = {act_of(kind): kind for aggregate in registry().aggregates for kind in aggregate.commands}
INSIDE = {act_of(kind) for aggregate in registry().aggregates for kind in aggregate.inside}
NO_COMMAND = {
    "import", "grade", "tick", "warn", "reveal", "reach-staff", "todo", "who-saw", "export-person",
    "export-oneself", "see-consents", "see-leaks", "determine-affected",
    "erase-person", "count-segments", "export-list",
    "undo-import", "correct-by-import", "export-table", "select-visits",
    "take-slip", "cast-answer", "see-surveys",
}  # fmt: skip
TABLE = shipped().find(AuthorityPolicy, DEFAULT_AUTHORITY, datetime(2024, 1, 1, tzinfo=UTC).date())
NOW = datetime(2024, 3, 4, 1, tzinfo=UTC)

WHO = {"role_insufficient", "given_inside_only"}
"""Why somebody is refused who may not give an act."""


@pytest.fixture(scope="module")
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def refused(crm: CRM, act: str, role: str) -> bool:
    """Whether who has that role alone is kept from the act."""
    try:
        crm.do(some(KINDS[act]), by=Actor("X9", role))
    except Refused as error:
        return error.reason in WHO
    except CrmError:
        return False
    return False


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
def test_the_table_is_the_one_that_the_rules_ask_for() -> None:
    """Typed by hand from the rules, and not read from any declaration."""
    table = {act: frozenset(roles) for act, roles in TABLE.roles.items()}
    # What the library gives by itself, or an import brings, stands in the table for nobody.
    assert table == {act: roles for act, roles in EXPECTED.items() if roles}
    assert TABLE.imports == IMPORTABLE


@pytest.mark.rule("LOG-08")
def test_every_command_stands_in_the_table_or_is_given_by_nobody() -> None:
    """A command without roles is a hole or a dead end, and nobody would see which."""
    assert set(EXPECTED) == set(KINDS) | NO_COMMAND
    assert {act for act in KINDS if act not in TABLE.roles} == INSIDE - {
        "assess-policy",
        "allot-quota",
        "draft-publication",
    } | {"close-imported"}
    assert set(TABLE.roles) <= set(KINDS) | NO_COMMAND


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("act", sorted(KINDS))
def test_an_act_is_taken_from_the_roles_of_the_rules_and_from_no_other(crm: CRM, act: str) -> None:
    taken = {role for role in ROLES if not refused(crm, act, role)}
    assert taken == (set() if act in INSIDE else EXPECTED[act])


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("act", sorted(KINDS))
def test_a_batch_asks_as_a_single_command_does(crm: CRM, act: str) -> None:
    allowed = set() if act in INSIDE else EXPECTED[act]
    for role in sorted(set(ROLES) - allowed):
        with pytest.raises(Refused) as caught:
            crm.batch([Planned(some(KINDS[act]), f"{act}-{role}", NOW)], by=Actor("X9", role))
        assert caught.value.reason in WHO
        assert caught.value.rule == "LOG-08"


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("act", sorted(set(KINDS) - IMPORTABLE))
def test_an_import_brings_facts_and_never_decisions(crm: CRM, act: str) -> None:
    with pytest.raises(Refused) as caught:
        crm.batch(
            [Planned(some(KINDS[act]), f"import-{act}", NOW)],
            by=Actor("root", "host"),
            imported=NOW,
        )
    assert caught.value.reason in {"not_importable", "given_inside_only"}


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", sorted(set(ROLES) - EXPECTED["import"]))
def test_an_import_is_for_those_who_may_import(crm: CRM, role: str) -> None:
    planned = [Planned(some(KINDS["raise-charge"]), f"import-{role}", NOW)]
    with pytest.raises(Refused) as caught:
        crm.batch(planned, by=Actor("X9", role), imported=NOW)
    assert caught.value.reason == "role_insufficient"


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", ROLES)
def test_what_is_no_command_asks_too(crm: CRM, role: str) -> None:
    by = Actor("X9", role)
    asked = {
        "grade": lambda: crm.grade(2023, by=by),
        "tick": lambda: crm.tick(by=by),
        "warn": lambda: crm.requests.warn(NOW.date(), by=by),
        "reveal": lambda: crm.reveal("V1", "V1#owner", "name", by=by, purpose="a letter"),
    }
    for act, ask in asked.items():
        try:
            ask()
            taken = True
        except Refused as error:
            taken = error.reason != "role_insufficient"
        except Invalid:
            taken = True
        assert taken == (role in EXPECTED[act]), act


@pytest.mark.rule("LOG-08")
def test_nobody_outside_the_staff_decides_anything() -> None:
    for act in SECOND_PERSON:
        assert set(TABLE.roles[act]).isdisjoint({"system", "host", "auditor", "owner", "user"})


# --- a table of one's own ------------------------------------------------------------------------

OWN = """
kind = "authority"
imports = []
[policy]
name = "ours"
version = 1
[alone_up_to_fen]
[roles]
"""


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    ("row", "path"),
    [
        ('decide-waiver = ["system"]', "roles.decide-waiver"),
        ('approve-policy = ["host"]', "roles.approve-policy"),
        ('confirm-type = ["auditor"]', "roles.confirm-type"),
        ('grant-award = ["manager", "system"]', "roles.grant-award"),
        ('raise-charge = ["boss"]', "roles.raise-charge"),
        ('raise-charge = "finance"', "roles.raise-charge"),
    ],
)
def test_a_table_that_lets_no_person_decide_is_none(row: str, path: str) -> None:
    with pytest.raises(PolicyFault) as fault:
        AuthorityPolicy.parse(OWN + row)
    assert [where for where, *_ in fault.value.faults] == [path]


@pytest.mark.rule("LOG-08")
def test_a_limit_is_for_an_act_of_the_table_and_not_below_nothing() -> None:
    text = OWN.replace("[alone_up_to_fen]", "[alone_up_to_fen]\ndecide-waiver = -1\nfly = 5")
    with pytest.raises(PolicyFault) as fault:
        AuthorityPolicy.parse(text + 'decide-waiver = ["manager"]')
    assert [where for where, *_ in fault.value.faults] == [
        "alone_up_to_fen.decide-waiver",
        "alone_up_to_fen.fly",
    ]


# --- the actor -----------------------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    ("by", "code"),
    [
        (Actor("", "specialist"), "actor_malformed"),
        (Actor("with a blank", "specialist"), "actor_malformed"),
        (Actor(None, "specialist"), "actor_malformed"),  # type: ignore[arg-type]
        (Actor("X9", "boss"), "actor_role_unknown"),
        (Actor("X9", ""), "actor_role_unknown"),
        (None, "actor_malformed"),
        ("specialist:X9", "actor_malformed"),
    ],
)
def test_an_actor_without_id_or_with_an_unknown_role_is_refused_everywhere(
    crm: CRM, by: Actor, code: str
) -> None:
    charge = some(KINDS["raise-charge"])
    for ask in (
        lambda: crm.do(charge, by=by),
        lambda: crm.batch([Planned(charge, "c1", NOW)], by=by),
        lambda: crm.tick(by=by),
        lambda: crm.grade(2023, by=by),
        # Who names nobody reads as the host's account.
        lambda: crm.get(int, "V1", by="" if by is None else by),
        lambda: crm.reveal("V1", "V1#owner", "name", by=by, purpose="a letter"),
        lambda: crm.requests.warn(NOW.date(), by=by),
    ):
        with pytest.raises(Invalid) as caught:
            ask()
        assert [fault.code for fault in caught.value.faults] == [code]
