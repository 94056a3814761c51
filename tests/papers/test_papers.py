"""The papers of the method: what they print, from where, for whom, and as of when (REP-01)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, get_type_hints

import attrs
import pytest
from attrs import evolve

from crm_core import CRM, Actor, Invalid, Personal, Refused
from crm_core.application.method import MethodPolicy
from crm_core.application.papers import PAPERS
from crm_core.application.papers.gate import ENVELOPE, class_of, events
from crm_core.application.papers.model import STAMPS, Document, Printed
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.hints import classes_in
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.recorded import Envelope
from crm_core.kernel.sealed import Withheld
from crm_core.owners import RecordItem
from crm_core.payments.commands import ReceivePayment
from crm_core.slices import registry
from papers.method import (
    CLERK,
    DIRECTOR,
    FLAT,
    LATE,
    MANAGER,
    MONEY,
    SECOND,
    SHOP,
    SUPERVISOR,
    asks,
    day,
    told,
)

PURPOSE = "file: inspection"


@pytest.fixture(scope="module")
def crm() -> Iterator[CRM]:
    with told() as opened:
        yield opened


@pytest.fixture(scope="module")
def every(crm: CRM) -> list[Document]:
    """Every paper of the scenario, of every subject and day."""
    return [
        crm.papers.paper(name, about, by=SUPERVISOR, purpose=PURPOSE, on=on, options=options(name))
        for name, about, on in asks()
        if exists(crm, name, about, on)
    ]


def options(name: str) -> tuple[str, ...]:
    return ("places",) if name == "credit-table" else ()


def exists(crm: CRM, name: str, about: str, on: Any) -> bool:
    kind = PAPERS[name].about
    if kind == "household":
        return crm.owners.file(about, by=SUPERVISOR, on=on) is not None
    if kind not in ("assessment", "plan"):
        return True
    return any(e.effective <= on for e in crm.log.read(f"{kind}/{about}"))


def fields() -> Iterator[tuple[str, Printed]]:
    for paper in PAPERS.values():
        for section in paper.sections:
            for field in section.fields:
                yield f"{paper.name}.{section.name}.{field.name}", field


FIELDS = dict(fields())


# --- every field comes from an event ---------------------------------------------------------


def stands(source: str) -> bool:
    """Whether an event field is there; looked for by its class alone."""
    event, sign, path = source.partition(ENVELOPE)
    if sign:
        return event in registry().catalog.by_name and path in attrs.fields_dict(Envelope)
    for name, kind in registry().catalog.by_name.items():
        if source.startswith(f"{name}."):
            found: Any = [kind.cls]
            for part in source.removeprefix(f"{name}.").split("."):
                hints = [get_type_hints(cls) for cls in found if attrs.has(cls)]
                found = [one for told in hints if part in told for one in classes_in(told[part])]
                if not found:
                    return False
            return True
    return False


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("name", FIELDS)
def test_every_printed_field_names_event_fields_that_exist(name: str) -> None:
    assert FIELDS[name].of
    assert [one for one in FIELDS[name].of if not stands(one)] == []


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("name", PAPERS)
def test_every_stamp_names_event_fields_that_exist(name: str) -> None:
    stamps = PAPERS[name].stamps
    assert set(stamps) <= set(STAMPS)
    assert [one for told in stamps.values() for one in told if not stands(one)] == []


def test_an_event_field_that_is_not_there_is_noticed() -> None:
    assert not stands("owners.member_added/1.nickname")
    assert not stands("owners.member_added/9.role")
    assert not stands("owners.member_added/1@mood")
    assert stands("gradings.decided/1.facts.credit")


# --- every field says something --------------------------------------------------------------


@pytest.mark.rule("REP-01")
def test_no_field_is_empty_or_constant_over_the_scenario(every: list[Document]) -> None:
    said: dict[str, set[Any]] = defaultdict(set)
    for made in every:
        for part in made.parts:
            for row in part.rows:
                for field, cell in zip(part.fields, row.cells, strict=True):
                    said[f"{made.asked.paper}.{part.section.name}.{field.name}"].add(cell)
    assert sorted(name for name in FIELDS if not said[name] - {None}) == [], "empty"
    assert sorted(name for name in FIELDS if len(said[name]) < 2) == [], "constant"


@pytest.mark.rule("REP-01")
def test_no_stamp_is_empty_or_constant_over_the_scenario(every: list[Document]) -> None:
    said: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for made in every:
        for stamp in made.stamps:
            said[made.asked.paper, stamp.what].add(stamp)
    for name, paper in PAPERS.items():
        for what in paper.stamps:
            found = said[name, what]
            assert any(one.on is not None and one.by for one in found), (name, what)
            assert len(found) > 1, (name, what)


# --- as of any day, as known at any instant --------------------------------------------------


def rows(made: Document, section: str) -> list[dict[str, Any]]:
    part = made.part(section)
    return [dict(zip((f.name for f in part.fields), row.cells, strict=True)) for row in part.rows]


def made(crm: CRM, name: str, about: str = "", **how: Any) -> Document:
    how = {"by": SUPERVISOR, "purpose": PURPOSE, "on": day("2026-02-01"), **how}
    return crm.papers.paper(name, about, **how)


@pytest.mark.rule("REP-01", "OWN-10")
def test_a_paper_stands_on_its_day(crm: CRM) -> None:
    for on, bank, frequency in (
        ("2024-06-30", "工商银行", "monthly"),
        ("2025-06-30", "建设银行", "quarterly"),
    ):
        status = made(crm, "customer-status", SHOP, on=day(on))
        assert rows(status, "finance")[0]["bank"] == bank
        cards = rows(made(crm, "record-card", SHOP, on=day(on)), "cards")
        assert cards[0]["contact_frequency"] == frequency
    # Who moved out has a card no more, and a line among the roles still.
    assert [row["member"] for row in cards] == [f"{SHOP}#owner"]
    members = rows(made(crm, "customer-file", SHOP, on=day("2025-06-30")), "members")
    assert [(row["member"], row["until"]) for row in members] == [
        (f"{SHOP}#owner", None),
        (f"{SHOP}#agent", day("2025-03-04")),
    ]


@pytest.mark.rule("REP-01", "OWN-10")
def test_a_paper_knows_what_was_known(crm: CRM) -> None:
    """On the same day, before and after it was entered."""
    on = day("2025-02-03")
    before = made(crm, "customer-status", SHOP, on=on, known=start_of_day(on))
    after = made(crm, "customer-status", SHOP, on=on)
    assert rows(before, "finance")[0]["bank"] == "工商银行"
    assert rows(after, "finance")[0]["bank"] == "建设银行"
    early = start_of_day(day("2025-01-05"))
    assert rows(made(crm, "graded-list", known=early), "customers") == []
    later = made(crm, "graded-list", known=start_of_day(day("2025-02-01")))
    assert {row["year"] for row in rows(later, "customers")} == {"2024"}


@pytest.mark.rule("REP-01", "GRD-16")
def test_the_graded_list_holds_what_people_decided_beside_what_was_computed(crm: CRM) -> None:
    found = {row["household"]: row for row in rows(made(crm, "graded-list"), "customers")}
    assert found[FLAT]["type"] == "cautious"
    assert found[SHOP]["layer"] == "important"
    assert found[SHOP]["grading_status"] == "confirmed"
    assert SECOND not in found
    stamps = {one.what: (str(one.on), one.by) for one in made(crm, "graded-list").stamps}
    assert stamps == {
        "drafted": ("2026-01-05", "S2"),
        "reviewed": ("2026-01-08", "S2"),
        "approved": ("2026-01-08", "S1"),
    }


@pytest.mark.rule("REP-01", "GRD-11")
def test_the_scheme_is_the_one_in_force_with_who_let_it_hold(crm: CRM) -> None:
    before = made(crm, "assessment-scheme", on=day("2025-06-30"))
    assert rows(before, "scheme")[0]["stage"] == "shipped"
    assert all(one.on is None for one in before.stamps)
    for on, policy, until in (
        ("2026-02-01", "ours/1", day("2026-02-28")),
        ("2026-03-02", "ours/2", None),
    ):
        scheme = made(crm, "assessment-scheme", on=day(on))
        [row] = rows(scheme, "scheme")
        assert (row["policy"], row["effective_to"]) == (policy, until)
        assert [one.by for one in scheme.stamps] == ["S2", "S3", "S1"]


@pytest.mark.rule("REP-01", "GRD-11")
def test_the_rules_name_their_departments_and_their_effective_date(crm: CRM) -> None:
    before = made(crm, "maintenance-rules", on=day("2025-06-30"))
    [row] = rows(before, "rules")
    assert row["drafting"].zh == "客户服务部"
    assert (row["supervising"].zh, row["deliberated"].zh) == ("客户总监", "总经理办公室")
    assert len(rows(before, "articles")) == 17
    [row] = rows(made(crm, "maintenance-rules", on=day("2026-03-02")), "rules")
    assert (row["policy"], row["executing"].zh) == ("our-rules/2", "客户服务2部")
    assert row["effective_from"] == day("2026-03-01")


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("article = 2", "article = 3", "articles"),
        ('kind = "method"', 'kind = "grading"', "kind"),
        ('drafting = { zh = "客户服务部", en = "Customer service" }\n', "", "drafting"),
    ],
)
def test_rules_are_read_strictly(before: str, after: str, path: str) -> None:
    file = files("crm_core") / "application" / "policies" / "method-cn-default.toml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    with pytest.raises(PolicyFault) as caught:
        MethodPolicy.parse(text.replace(before, after, 1))
    assert path in dict(caught.value.faults)


@pytest.mark.rule("REP-01")
def test_the_record_of_service_work_tells_what_became_of_each_request(crm: CRM) -> None:
    found = {row["request"]: row for row in rows(made(crm, "work-record", "2025"), "requests")}
    # Who is not satisfied is asked again: that is a request of its own.
    assert {"R2025-1", "R2025-2", "R2025-3", "R2025-2-2"} <= set(found)
    assert (found["R2025-1"]["late"], found["R2025-1"]["opinion"]) == (False, "satisfied")
    assert (found["R2025-2"]["late"], found["R2025-2"]["words"]) == (True, "来得太晚")
    assert (found["R2025-3"]["owner"], found["R2025-3"]["closed_on"]) == ("S17", None)
    kinds = {row["request_kind"]: row for row in rows(made(crm, "work-record", "2025"), "kinds")}
    assert kinds["complaint"] == {
        "request_kind": "complaint", "received": 3, "closed": 1, "overdue": 2
    }  # fmt: skip
    before = made(crm, "work-record", "2025", on=day("2025-05-11"))
    assert [row["request"] for row in rows(before, "requests")] == ["R2025-1"]


@pytest.mark.rule("REP-01", "PAY-07")
def test_the_credit_table_is_what_the_account_says(crm: CRM) -> None:
    on = day("2025-07-01")
    table = rows(made(crm, "credit-table", on=on), "customers")
    said = {row["household"]: (row["credit"], row["overdue_fen"]) for row in table}
    for line in crm.accounts.credit_table(on):
        assert said[line.household] == (line.grade, line.overdue_fen)
    assert "room" not in table[0]
    owing = rows(made(crm, "credit-table", on=on, options=("owing", "places")), "customers")
    assert [(row["household"], row["room"]) for row in owing] == [(FLAT, "301"), (LATE, "502")]


# --- marks of changes ------------------------------------------------------------------------


@pytest.mark.rule("REP-01")
def test_what_changed_since_a_day_is_marked(crm: CRM) -> None:
    marked = made(crm, "customer-file", SHOP, on=day("2025-06-30"), since=day("2025-03-01"))
    members = marked.part("members").rows
    # The agent left, and the number of who stays is another.
    assert [(row.mark, row.changed) for row in members] == [
        ("changed", ("phone",)),
        ("changed", ("until",)),
    ]
    assert [row.mark for row in marked.part("property").rows] == [""]
    assert marked.changes == sum(bool(r.mark) for part in marked.parts for r in part.rows)
    cards = made(crm, "record-card", SHOP, on=day("2025-06-30"), since=day("2025-03-01"))
    assert [row.mark for row in cards.part("cards").rows] == ["changed", "gone"]
    new = made(crm, "customer-file", SHOP, on=day("2024-06-30"), since=day("2023-10-01"))
    assert {row.mark for part in new.parts for row in part.rows} == {"added"}
    same = made(crm, "graded-list", since=day("2026-02-01"))
    assert same.changes == 0


# --- from a position of the log --------------------------------------------------------------


@pytest.mark.rule("REP-01", "LOG-04")
def test_a_paper_from_an_earlier_position_is_what_it_was_then() -> None:
    """However late, and for whatever earlier day, something is entered behind it."""
    with told() as crm:
        before = {name: made(crm, name, about_of(name)) for name in PAPERS}
        late = RecordItem(
            SHOP, f"{SHOP}#owner", "bank", Personal(f"{SHOP}#owner", "农业银行"), day("2026-01-02")
        )
        crm.do(late, by=CLERK, at=start_of_day(day("2026-01-03")))
        paid = ReceivePayment(LATE, "P9", 1_000, day("2025-06-01"), "cash")
        crm.do(paid, by=MONEY, at=start_of_day(day("2025-06-02")))
        assert made(crm, "customer-status", SHOP).digest != before["customer-status"].digest
        assert made(crm, "credit-table").digest != before["credit-table"].digest
        for name, then in before.items():
            again = crm.papers.again(
                then.asked, then.position, then.root, by=SUPERVISOR, purpose=PURPOSE
            )
            assert again.digest == then.digest, name


def about_of(name: str) -> str:
    return {
        "assessment": "A2",
        "household": SHOP,
        "plan": "P2",
        "year": "2025",
        "everybody": "",
    }[PAPERS[name].about]


@pytest.mark.rule("REP-01", "LOG-04")
def test_a_paper_of_another_log_is_refused(crm: CRM) -> None:
    then = made(crm, "graded-list")
    for position, root in (
        (then.position, "0" * 64),
        (then.position - 1, then.root),
        (then.position + 1, then.root),
        (-1, then.root),
    ):
        with pytest.raises(Invalid) as caught:
            crm.papers.again(then.asked, position, root, by=SUPERVISOR, purpose=PURPOSE)
        assert caught.value.faults[0].code == "paper_of_another_log"


@pytest.mark.rule("REP-01")
def test_what_a_paper_says_does_not_hang_on_who_asks_or_when(crm: CRM) -> None:
    one = made(crm, "graded-list")
    other = made(crm, "graded-list", by=DIRECTOR, purpose="file: yearly meeting")
    assert one.digest == other.digest
    assert (one.by, other.by) == ("supervisor:S2", "director:S1")


@pytest.mark.rule("REP-01")
@pytest.mark.parametrize("name", PAPERS)
def test_the_digest_covers_every_cell_stamp_policy_and_place_of_the_log(
    crm: CRM, name: str
) -> None:
    document = made(crm, name, about_of(name))
    assert made(crm, name, about_of(name)).digest == document.digest
    nth, part = next((n, p) for n, p in enumerate(document.parts) if p.rows)
    for cell in range(len(part.fields)):
        cells = list(part.rows[0].cells)
        cells[cell] = "other"
        changed = evolve(part, rows=(evolve(part.rows[0], cells=tuple(cells)), *part.rows[1:]))
        parts = (*document.parts[:nth], changed, *document.parts[nth + 1 :])
        assert evolve(document, parts=parts).digest != document.digest
    stamp = evolve(document.stamps[0], by="somebody else")
    for other in (
        evolve(document, stamps=(stamp, *document.stamps[1:])),
        evolve(document, policies=(*document.policies, "more/1")),
        evolve(document, position=document.position + 1),
        evolve(document, root="0" * 64),
        evolve(document, asked=evolve(document.asked, on=day("2026-02-02"))),
    ):
        assert other.digest != document.digest


# --- who may see what ------------------------------------------------------------------------


def withheld(made: Document) -> set[str]:
    return {field.name for field, cell in made.cells() if isinstance(cell, Withheld)}


@pytest.mark.rule("REP-01", "PRV-01", "PRV-02")
def test_what_is_sealed_is_shown_for_a_purpose_to_who_may_see_it(crm: CRM) -> None:
    guard = Actor("G1", "security")
    closed = {"name", "phone", "address", "bank", "paid_by", "contact_frequency"}
    assert withheld(made(crm, "customer-status", SHOP)) == set()
    for how in ({"purpose": None}, {"by": guard}):
        found = made(crm, "customer-status", SHOP, **how)
        assert closed <= withheld(found)
        assert rows(found, "dealings")[0]["contacts"] == 5
        assert found.opened == ()
    assert made(crm, "customer-status", SHOP).opened == (SHOP,)
    work = made(crm, "work-record", "2025", purpose=None)
    assert withheld(work) == {"spot", "summary", "opinion", "words"}
    assert withheld(made(crm, "graded-list", purpose=None)) == set()


@pytest.mark.rule("REP-01", "LOG-08")
def test_an_owner_sees_papers_about_the_own_household_and_no_list(crm: CRM) -> None:
    me = Actor(f"{SHOP}#owner", "owner")
    assert withheld(made(crm, "record-card", SHOP, by=me)) == set()
    for name, about in (("record-card", FLAT), ("graded-list", ""), ("work-record", "2025")):
        with pytest.raises(Refused) as caught:
            made(crm, name, about, by=me)
        assert caught.value.reason == "not_of_household"
    gone = Actor(f"{SHOP}#agent", "user")
    with pytest.raises(Refused):
        # On a day on which they still were there, too.
        made(crm, "record-card", SHOP, by=gone, on=day("2024-06-30"))


@pytest.mark.rule("PRV-02")
def test_no_field_that_comes_from_what_is_sealed_is_open(crm: CRM) -> None:
    """Found by the sources alone, whatever a declaration says of itself."""
    known = {f"{o.source}.{o.field}": o for o in registry().data_map if o.kind == "event"}
    for name, field in FIELDS.items():
        sealed = [s for s in field.of if ENVELOPE not in s and known[s].data.sealed]
        if sealed and not field.data:
            assert class_of(field, events(registry())).data.sealed, name


@pytest.mark.rule("PRV-04")
def test_what_was_erased_is_said_to_be() -> None:
    with told() as crm:
        then = made(crm, "record-card", SHOP)
        crm.privacy.erase(SHOP, f"{SHOP}#owner", by=MANAGER, purpose="asked")
        again = crm.papers.again(
            then.asked, then.position, then.root, by=SUPERVISOR, purpose=PURPOSE
        )
        assert rows(again, "cards")[0]["name"] == Withheld("erased")
        assert again.digest != then.digest
