"""Who may see what: role × class of data × purpose, against every way out (PRV-01, S1)."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_type_hints

import attrs
import pytest

from access.asking import asked_in
from access.expected_access import ALL_PURPOSES, CLASSES, sees
from access.town import CLERK, NOW, PEOPLE, REQUEST, cared_for, somebody, town
from crm_adapters.cli.commands import COMMANDS
from crm_adapters.reads import MemoryReadLog
from crm_core import CRM
from crm_core.application.access import Access, shipped_access
from crm_core.application.accounts import Accounts
from crm_core.application.care import Care
from crm_core.application.classes import CONTAINER, Classes, name_of, parts
from crm_core.application.filing import FileItem
from crm_core.application.gradings import Gradings
from crm_core.application.imports import ImportService
from crm_core.application.leaks import Leaks
from crm_core.application.messaging import Messaging
from crm_core.application.owners import Owners
from crm_core.application.papers.service import Papers
from crm_core.application.privacy import Privacy
from crm_core.application.publications import Publications
from crm_core.application.reporting.service import Reports
from crm_core.application.requests import Requests
from crm_core.application.return_visits import ReturnVisits
from crm_core.application.staff import Staff
from crm_core.application.studies import Studies
from crm_core.application.surveys import Surveys
from crm_core.application.ways import ASKED, EACH, FREE, GROUP, LENT, PLAIN, STORED, VALUE, WAYS
from crm_core.errors import CrmError, Refused
from crm_core.kernel import data_map
from crm_core.kernel.access import Asking, masked
from crm_core.kernel.dates import parse_date
from crm_core.kernel.growing import GrowingList, GrowingMap
from crm_core.kernel.recorded import ROLES, Actor
from crm_core.kernel.sealed import PersonalValue, Withheld
from crm_core.owners.sampling import DrawSample
from crm_core.slices import registry

SERVICES = {
    "accounts": Accounts,
    "care": Care,
    "care.publications": Publications,
    "care.surveys": Surveys,
    "care.visits": ReturnVisits,
    "gradings": Gradings,
    "imports": ImportService,
    "messages": Messaging,
    "owners": Owners,
    "papers": Papers,
    "privacy": Privacy,
    "privacy.leaks": Leaks,
    "reports": Reports,
    "requests": Requests,
    "staff": Staff,
    "studies": Studies,
}
DAY = timedelta(days=1)
POLICY = shipped_access()
LIFECYCLE = {"close", "reactions"}
"""What of the facade is no question: its end, and a consumer of the host's."""


# --- the pure decision ---------------------------------------------------------------------------


@pytest.mark.rule("PRV-01")
@pytest.mark.parametrize("role", ROLES)
def test_the_policy_grants_what_the_rules_grant_and_nothing_else(role: str) -> None:
    """Every class, purpose and circumstance; each answer says which row, or what is lacking."""
    asked = 0
    for data, purpose, own, case, listed, joined in itertools.product(
        CLASSES, [None, "?", *ALL_PURPOSES], *[(False, True)] * 4
    ):
        asking = Asking(role, purpose, own=own, case=case, listed=listed, joined=joined)
        answer = POLICY.decide(asking, data_map.CLASSES[data])
        expected = sees(role, data, purpose, own=own, case=case, listed=listed, joined=joined)
        assert answer.granted == expected, (role, data, asking)
        assert bool(answer.row) == expected
        assert bool(answer.reason) != expected
        asked += 1
    assert asked == len(CLASSES) * (len(ALL_PURPOSES) + 2) * 16


@pytest.mark.rule("PRV-01")
def test_the_table_of_the_test_knows_every_class_and_role() -> None:
    assert set(CLASSES) == set(data_map.CLASSES)
    assert set(ALL_PURPOSES) == set(POLICY.purposes)


@pytest.mark.rule("PRV-01")
def test_on_site_a_number_is_masked_and_nowhere_else() -> None:
    contact = data_map.CLASSES["contact"]
    assert POLICY.decide(Asking("security", case=True), contact).masked
    assert not POLICY.decide(Asking("specialist", "service", case=True), contact).masked
    assert masked("13800000001") == "*******0001"
    assert masked("12345678") == "*******8"
    assert masked("") == ""


@pytest.mark.rule("PRV-07")
@pytest.mark.parametrize("lacking", ["undertaking", "training", "read_log"])
def test_who_lacks_something_sees_nothing_personal_and_all_the_rest(lacking: str) -> None:
    for role, data in itertools.product(ROLES, CLASSES):
        asking = Asking(role, "service", own=True, case=True, lacking=lacking)
        answer = POLICY.decide(asking, data_map.CLASSES[data])
        assert not (answer.granted and answer.personal), (role, data)
        if data in ("household", "code", "statistic"):
            assert answer.granted


# --- the walk ------------------------------------------------------------------------------------


def public(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls) if not name.startswith("_")}


@pytest.mark.rule("PRV-01")
def test_every_way_out_stands_in_the_table_and_none_that_is_not_there() -> None:
    """A new question, or a new command of the line, is asked by nobody before it stands here."""
    found = {f"{group}.{name}" for group, cls in SERVICES.items() for name in public(cls)}
    facade = public(CRM) - set(SERVICES) - set(LENT) - LIFECYCLE
    assert found | {f"crm.{name}" for name in facade} == set(WAYS)


@pytest.mark.rule("PRV-01")
def test_a_question_that_is_not_in_the_table_is_not_handed_out() -> None:
    with town() as crm:
        assert not hasattr(crm.accounts, "_told")
        assert not hasattr(crm.gradings, "_record")
        assert set(dir(crm.accounts)) == {w.partition(".")[2] for w in WAYS if "accounts." in w}


@pytest.mark.rule("PRV-01")
def test_every_field_of_every_answer_has_a_class() -> None:
    """What has none is seen by nobody, so somebody would notice late."""
    classes, seen, lacking = Classes(registry()), set[type](), list[str]()

    def walk(cls: type) -> None:
        if cls in seen or not attrs.has(cls) or issubclass(cls, PersonalValue | Withheld):
            return
        seen.add(cls)
        if not _is_free(cls):
            lacking.extend(f"{name_of(cls)}.{f}" for f, d in classes.of(cls).items() if d is None)
            for within in parts(cls).values():
                for part in within:
                    walk(part)

    for cls in registry().by_state:
        walk(cls)
    for way, how in WAYS.items():
        group, _, name = way.rpartition(".")
        shown = how.shows not in (ASKED, FREE, GROUP, PLAIN, STORED) or way == "owners.file"
        if shown and group != "crm":
            for kind in _kinds(get_type_hints(getattr(SERVICES[group], name)).get("return")):
                walk(kind)
    assert lacking == [], "\n".join(lacking)
    assert len(seen) > 90


def _is_free(cls: type) -> bool:
    return name_of(cls) in ("kernel.policy.PolicyRef",)


def _kinds(hint: Any) -> Iterator[type]:
    from typing import get_args

    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for inner in get_args(hint):
        yield from _kinds(inner)


LINES = {
    # told by a way out that stands above
    "account": "accounts.statement", "affected": "gradings.affected", "ageing": "accounts.arrears",
    "arrears": "accounts.owing", "changes": "accounts.changes", "cover": "requests.cover",
    "credit": "accounts.credit", "credit-table": "accounts.credit_table",
    "directory": "gradings.directory", "document": "papers.paper",
    "erase": "privacy.erase", "explain": "crm.explain",
    "export": "privacy.leaving", "export-person": "privacy.export",
    "fairness": "studies.fairness", "find": "owners.find",
    "grade": "crm.grade", "grades": "gradings.grades", "greeting": "requests.greeting",
    "history": "crm.history", "improvement": "requests.effect",
    "imports": "imports.every", "incident": "privacy.leaks.report",
    "limitation": "accounts.limitation", "messages": "messages.every",
    "preferences": "messages.preferences", "provisional": "requests.provisional",
    "purchases": "accounts.purchases", "quota": "studies.allot",
    "replace-record": "gradings.replacing", "replay": "crm.replay", "report": "reports.year",
    "request": "crm.get", "runs": "gradings.runs", "sample": "owners.sampled",
    "segments": "owners.segments", "shares": "studies.drift", "show": "owners.sheet",
    "statistics": "requests.statistics", "todo": "crm.todo", "undo": "imports.undo",
    "unkept": "owners.unkept",
    "verify": "crm.verify", "waiting": "gradings.waiting", "warnings": "requests.warnings",
    "what-if": "studies.what_if", "who-saw": "privacy.who_saw",
    "care": "care.suggestions", "plans": "care.plan", "survey": "care.surveys.result",
    "visits": "care.visits.due",
    # give something and tell what the library answers to it
    "automatic": "crm.do", "confirm": "crm.do", "confirm-type": "crm.do", "contest": "crm.do",
    "do": "crm.do", "import": "crm.batch", "policy": "crm.do", "preference": "crm.do",
    "propose-type": "crm.do", "review": "crm.do", "tick": "crm.tick", "uplift": "crm.do",
    # hold nothing of a household, or what the host itself keeps
    "backup": "", "create": "", "data-map": "", "demo": "reports.year", "doctor": "",
    "generate": "", "keys": "", "migrate": "", "notify": "",
    "projections": "", "relay": "", "work": "",
}  # fmt: skip


@pytest.mark.rule("PRV-01")
def test_every_command_of_the_line_goes_out_by_a_way_that_is_known() -> None:
    assert set(LINES) == set(COMMANDS)
    assert {way for way in LINES.values() if way} <= set(WAYS)


# --- against every way out -----------------------------------------------------------------------


RECORD = {
    "care.visits.draw", "crm.grade", "gradings.grade", "gradings.replace", "requests.warn",
    "studies.allot", "studies.assess",
}  # fmt: skip
"""Questions that record something: what they show, others show again."""

ELSEWHERE = {"requests.effect": "tests/requests", "studies.quota": "tests/gradings/test_shares.py"}
"""Those that need a matter of their own: what they give are counts, or is shown like a run."""


@pytest.mark.rule("PRV-01")
def test_every_way_that_shows_something_is_asked_here() -> None:
    shows = {way for way, how in WAYS.items() if how.shows in (EACH, VALUE, PLAIN)}
    assert shows <= set(asked_in()) | RECORD | set(ELSEWHERE)


SPECIAL = {"Household", "DirectoryLine", "HouseholdRegistered", "PlaceClaimed", "CreditRow"}


def leaves(value: Any, classes: Classes, home: str) -> Iterator[tuple[str, str, str, Any]]:
    """Household, field, class and value of everything in an answer, by a walk of its own."""
    own = getattr(value, "household", None) or getattr(
        getattr(value, "grading", None), "household", None
    )
    home = own if isinstance(own, str) and own else home
    if isinstance(value, dict | GrowingMap):
        for one in value.values():
            yield from leaves(one, classes, home)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for name, one in zip(value._fields, value, strict=True):
            data = classes.of_key(name_of(type(value)), name)
            if data == CONTAINER:
                yield from leaves(one, classes, home)
            else:
                yield home, name, data or "?", one
    elif isinstance(value, list | tuple | GrowingList):
        if len(value) == 2 and isinstance(value, tuple) and isinstance(value[0], str):
            home = value[0]
        for one in value:
            yield from leaves(one, classes, home)
    elif attrs.has(type(value)) and not isinstance(value, PersonalValue | Withheld):
        if isinstance(value, FileItem):
            opened = {"name": "name", "phone": "contact"}.get(value.item, "detail")
            yield home, value.item, opened, value.value
        for name, data in classes.of(type(value)).items():
            if data == CONTAINER:
                yield from leaves(getattr(value, name), classes, home)
            else:
                yield home, name, data or "?", getattr(value, name)


@pytest.fixture(scope="module")
def served() -> Iterator[CRM]:
    """The town, with a request of V1 that is the engineer's."""
    with town() as crm:
        crm.do(attrs.evolve(REQUEST, received_at=NOW, first_asked="X-engineering"), by=CLERK,
               id="told-1")  # fmt: skip
        cared_for(crm)
        crm.do(DrawSample("Q1", "7 11 23", 2, ("name",), NOW.date()), by=somebody("director"))
        yield crm


def reads(crm: CRM) -> list[Any]:
    assert isinstance(crm.host.reads, MemoryReadLog)
    return [row.read() for row in crm.host.reads._rows]


@pytest.mark.rule("PRV-01", "PRV-06")
@pytest.mark.parametrize("by", PEOPLE, ids=lambda by: by.role)
def test_nobody_is_shown_what_the_rules_do_not_grant_by_any_way_out(served: CRM, by: Actor) -> None:
    """And every personal value that left has exactly one read record (L5, S1)."""
    classes = Classes(served.registry)
    checked = 0
    for purpose in (None, "service", "collection", "rights", "audit", "marketing"):
        for way, ask in asked_in().items():
            before = len(reads(served))
            try:
                found = ask(served, by=by, purpose=purpose)
                found = list(found) if WAYS[way].shows == EACH else found
            except Refused:
                continue
            except CrmError:
                if way in ("studies.influence", "studies.retaliation", "gradings.affected"):
                    continue
                raise
            left: set[tuple[str, str]] = set()
            for home, name, data, value in leaves(found, classes, "V1"):
                if isinstance(value, Withheld | PersonalValue) or way in ("owners.find",):
                    continue
                mine = by.role == "owner" and home == "V1"
                case = by.role == "engineering" and home == "V1"
                granted = sees(by.role, data, purpose, own=mine, case=case, listed=WAYS[way].lists)
                assert granted, (way, by, purpose, home, name, data)
                alone = by.role in (*ROLES[1:4], "auditor", "host", "system")
                personal = data in ("grade", "purchase", "contact", "staff_contact")
                joined = way == "crm.history" and sees(
                    by.role, "place", purpose, own=mine, case=case
                )
                if personal and (joined or not alone) and value not in (None, "", (), [], {}):
                    left.add((home, name))
                checked += 1
            rows = [r for r in reads(served)[before:] if not r.reason and r.source == way]
            if way not in ("crm.get", "owners.file", "owners.sheet"):
                kept = [(r.household, name) for r in rows for name in r.fields]
                assert len(kept) == len(set(kept))
                if WAYS[way].shows not in (PLAIN, ASKED):
                    assert set(kept) == left, (way, by, purpose)
    assert checked or by.role == "user"


@pytest.mark.rule("PRV-01")
def test_a_grading_beside_a_place_is_personal_and_under_a_number_is_not(served: CRM) -> None:
    shown = served.owners.sheet("V1")
    assert shown["room"] == "101"
    assert shown["gradings"][0]["layer"] == Withheld("joined")
    [first, _] = served.gradings.directory()
    assert not isinstance(first.layer, Withheld)
    boss = served.owners.sheet("V1", by=somebody("director"), purpose="grading: a review")
    assert not isinstance(boss["gradings"][0]["layer"], Withheld)
    assert boss["roles"][0]["name"] == "张三"


@pytest.mark.rule("PRV-01")
def test_on_site_one_sees_where_to_go_while_the_case_is_in_hand(served: CRM) -> None:
    """Of another household, or without an open request, nothing of the service tier."""
    guard, fitter = somebody("security"), somebody("engineering")
    assert served.owners.sheet("V1", by=guard)["room"] == Withheld("case")
    assert served.owners.sheet("V1", by=fitter)["room"] == "101"
    assert served.owners.sheet("V2", by=fitter)["room"] == Withheld("case")
    assert served.reveal("V1", "V1#owner", "phone", by=fitter, purpose="service") == "*******0001"
    with pytest.raises(Refused) as refused:
        served.reveal("V2", "V2#owner", "phone", by=fitter, purpose="service")
    assert (refused.value.reason, refused.value.rule) == ("access_case", "PRV-01")
    assert served.owners.sheet("V1", by=fitter)["gradings"][0]["layer"] == Withheld("tier")


@pytest.mark.rule("PRV-01")
def test_households_are_found_by_name_by_whoever_may_see_names(served: CRM) -> None:
    find = served.owners.find
    assert [f.household for f in find("Anhe 101")] == ["V1"]
    assert [f.household for f in find("v2")] == ["V2"]
    assert find("张三") == []
    assert find("张三", by=CLERK) == []
    [found] = find("张三", by=CLERK, purpose="service: a call")
    assert (found.household, found.name) == ("V1", "张三")
    seen = [
        r
        for r in served.host.reads.about("V1", "V1#owner")
        if r.source == "owners.find" and not r.reason
    ]
    assert [(r.fields, r.purpose.partition(":")[0]) for r in seen] == [(("name",), "service")]
    assert not [r for r in served.host.reads.about("V2", "V2#owner") if r.source == "owners.find"]


@pytest.mark.rule("PRV-01")
def test_a_purpose_is_a_code_with_words_or_words_that_are_known() -> None:
    assert POLICY.purpose_of("collection: the letter of March") == "collection"
    assert POLICY.purpose_of("return visit") == "care"
    assert POLICY.purpose_of("催缴三月物业费") == "collection"
    assert POLICY.purpose_of("curiosity") is None


@pytest.mark.rule("PRV-01", "LOG-08")
def test_a_members_own_household_is_theirs_and_no_other_is(served: CRM) -> None:
    owner = somebody("owner")
    assert [
        line.household for line in served.accounts.credit(parse_date("2024-02-01"), by=owner)
    ] == ["V1"]
    with pytest.raises(Refused) as refused:
        served.owners.sheet("V2", by=owner, purpose="own")
    assert refused.value.reason == "not_of_household"
    assert {r.reason for r in served.host.reads.about("V2") if r.actor == str(owner)} == {"not_own"}


@pytest.mark.rule("OUT-01", "PRV-01")
def test_what_staff_are_told_holds_no_text_that_anybody_typed() -> None:
    from crm_core.messages.template import Template
    from crm_core.slices import shipped

    told = {t.ref.name: t for t in shipped().every(Template) if t.purpose == "work"}
    assert len(told) >= 7
    for template in told.values():
        assert not template.personalised
        assert not template.quotes
        kinds = {kind.kind for kind in template.parameters.values()}
        assert kinds <= {"instant", "reference", "word", "date"}, template.ref


def test_the_access_service_is_one_object(served: CRM) -> None:
    assert isinstance(served._access, Access)
