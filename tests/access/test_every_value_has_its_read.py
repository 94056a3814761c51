"""Every way out, asked in a company in which every command was given with canaries: whatever
personal value is found in what came back has exactly one record in the read log, and nothing has a
record that did not come back (PRV-06, research S1, L5).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest

from access.asking import asked_in
from access.expected_access import ALL_PURPOSES
from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.reads.rows import ReadRow
from crm_core import CRM, Actor
from crm_core.application.papers import PAPERS
from crm_core.application.ways import EACH, WAYS
from crm_core.errors import CrmError
from crm_core.kernel.access import is_personal
from crm_core.kernel.data_map import CLASSES, EVENT
from crm_core.kernel.growing import GrowingList, GrowingMap
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import PersonalValue, Plain
from crm_core.kernel.sealing import sealed_in
from crm_core.reads import Read
from crm_core.requests.state import Request
from privacy.canaries import Canaries
from privacy.singing import (
    CLERK,
    DIRECTOR,
    HOME,
    KEEPER,
    LEADER,
    MONEY,
    OTHER,
    OWNER,
    SALES,
    TENANT,
    ZHAO,
    Choir,
    heard_commands,
)
from privacy.walk import walk

pytestmark = [pytest.mark.rule("PRV-06"), pytest.mark.case("S1")]

PEOPLE = (
    *(CLERK, LEADER, DIRECTOR, KEEPER, MONEY, SALES, Actor("A9", "auditor")),
    *(Actor(OWNER, "owner"), Actor(TENANT, "user"), Actor("app", "host")),
)
"""Who asks; whoever sees a number masked has a test of their own."""

FEW = ("collection", "file", "marketing")
"""For what something opens to one of them."""

SELDOM = (LEADER, DIRECTOR, SALES, Actor(TENANT, "user"))

HOMES = (HOME, OTHER, "V3", "V5")
MEMBERS = (OWNER, TENANT, "V2#owner", "V3#owner", "V5#owner", "V1#child", "P00001")


class Value(NamedTuple):
    """A personal value that was put into the company.

    Args:
        subject: Under whose key it lies.
        name: What the read log calls it.
    """

    subject: str
    name: str


class Sung(NamedTuple):
    """The company, its log, and its values by their texts."""

    folder: Path
    url: str
    crm: CRM
    values: dict[str, Value]


class Told:
    """A read log that remembers what was written into it."""

    def __init__(self, kept: Any) -> None:
        self._kept, self.rows = kept, list[Read]()

    def write(self, reads: Any) -> None:
        self._kept.write(reads)
        self.rows += reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


def values_of(crm: CRM) -> dict[str, Value]:
    """Every value of a personal class that opens, by its text."""
    classes = {
        (one.source, one.field): one.data
        for one in crm.registry.data_map
        if one.kind == EVENT and is_personal(CLASSES[one.data.name])
    }
    found: dict[str, Value] = {}
    for recorded in crm.log.feed():
        for sealed, place in sealed_in(recorded.stream, recorded.version, recorded.event):
            opened = crm.host.vault.open(sealed, place)
            if (recorded.name, place.field) not in classes or not isinstance(opened, Plain):
                continue
            if "canary" in opened.text:
                of_item = place.field == "value"
                name = recorded.event.item if of_item else place.field
                found[opened.text] = Value(sealed.subject, name)
    return found


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sung]:
    folder = tmp_path_factory.mktemp("sung")
    url = f"sqlite:///{folder / 'crm.db'}"
    with heard_commands(), open_crm(url, create=True) as crm:
        choir = Choir(crm, Canaries())
        walk(choir, tmp_path_factory.mktemp("theirs"))
        crm.host.reads = Told(crm.host.reads)
        yield Sung(folder, url, crm, values_of(crm))


def test_the_company_is_full_of_values(sung: Sung) -> None:
    """Of members and staff; else the walk would find nothing and say that all is well."""
    subjects = Counter(value.subject for value in sung.values.values())
    assert len(sung.values) > 30
    assert {OWNER, TENANT, "V2#owner", ZHAO} <= subjects.keys()
    assert {"name", "phone", "contact"} <= {v.name for v in sung.values.values()}


# --- by the facade -------------------------------------------------------------------------------


Ask = Callable[..., Any]


def questions(crm: CRM) -> dict[str, list[Ask]]:
    """How each way is asked, one question after another."""
    found: dict[str, list[Ask]] = {
        way: [partial(ask, crm)] for way, ask in asked_in().items() if way not in ("crm.get",)
    }
    for way, asks in others(crm).items():
        found[way] = [*found.get(way, ()), *asks]
    return found


def others(crm: CRM) -> dict[str, list[Ask]]:
    """What the matrix does not ask."""
    day = date(2024, 12, 1)
    requests = [s for e in crm.log.feed() if (s := e.stream).startswith("request/")]

    def each(ask: Ask, *over: tuple[Any, ...]) -> list[Ask]:
        return [partial(ask, *words) for words in over]

    def by_home(ask: Ask) -> list[Ask]:
        return each(ask, *((home,) for home in HOMES))

    def no_purpose(ask: Ask) -> Ask:
        return lambda *words, by, purpose: ask(*words, by=by)

    return {
        "owners.file": by_home(crm.owners.file),
        "owners.sheet": by_home(crm.owners.sheet),
        "owners.find": each(crm.owners.find, ("canary",), ("1",)),
        "owners.opened": each(
            crm.owners.opened,
            *((m.partition("#")[0], m, f) for m in MEMBERS for f in ("name", "phone")),
        ),
        "crm.reveal": each(
            crm.reveal,
            *((m.partition("#")[0], m, f) for m in MEMBERS for f in ("name", "phone")),
        ),
        "owners.segments": each(crm.owners.segments, *(("interest",), ("occupation",))),
        "crm.history": each(
            crm.history,
            *((home,) for home in HOMES),
            *((stream,) for stream in dict.fromkeys(requests)),
            *(("staff/zhao",), ("register/company",), ("card/V1",), ("messages/V1",)),
        ),
        "crm.get": each(
            crm.get,
            *((kind, HOME) for kind in crm.registry.by_state),
            *((Request, stream.partition("/")[2]) for stream in dict.fromkeys(requests)),
        ),
        "staff.contact": each(crm.staff.contact, (ZHAO,), ("E1",)),
        "messages.every": each(crm.messages.every, (), *((home,) for home in HOMES)),
        "messages.preferences": by_home(crm.messages.preferences),
        "care.visits.script": each(
            no_purpose(crm.care.visits.script),
            *((line.household, line.visit) for line in crm.care.visits.of(HOME, by=LEADER,
                                                                         purpose="care")),
        ),
        "care.surveys.comments": each(crm.care.surveys.comments, ("P1",), ("P2",), ("P3",)),
        "papers.paper": each(
            crm.papers.paper,
            *((paper, about) for paper in PAPERS for about in (HOME, "P1", "A1", "2024", "")),
        ),
        "privacy.export": each(
            crm.privacy.export,
            *((home,) for home in HOMES),
            *((member.partition("#")[0], member) for member in MEMBERS),
        ),
        "privacy.export_staff": each(crm.privacy.export_staff, (ZHAO,), ("S1",)),
        "privacy.who_saw": by_home(crm.privacy.who_saw),
        "privacy.affected": each(crm.privacy.affected, ()),
        "privacy.leaks.report": each(no_purpose(crm.privacy.leaks.report), ("L1",)),
        "reports.year": each(crm.reports.year, (2024,), (2025,)),
        "crm.explain": each(crm.explain, *((home, 2024) for home in HOMES)),
        "accounts.statement": each(crm.accounts.statement, *((home, day) for home in HOMES)),
    }  # fmt: skip


SILENT = {
    # made again from the log by `papers.paper`
    "papers.again", "papers.made",
    # decide which columns a list may have, or that it leaves
    "privacy.leaving", "privacy.listing",
}  # fmt: skip
"""Ways that show something, and nothing that another does not."""


def texts_in(value: Any) -> Iterator[str]:
    """Every text in an answer, however deep; what is sealed is none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Plain):
        yield value.text
    elif isinstance(value, PersonalValue):
        return
    elif isinstance(value, dict | GrowingMap):
        for key, one in value.items():
            yield from texts_in(key)
            yield from texts_in(one)
    elif isinstance(value, list | tuple | set | frozenset | GrowingList | Iterator):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, Recorded):
        yield from texts_in(value.event)
        yield from texts_in(value.envelope.purpose)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from texts_in(getattr(value, field.name))


def check(crm: CRM, values: dict[str, Value], text: str, rows: list[Read], where: Any) -> int:
    """What left and what is recorded are the same, each once; how many values left."""
    shown = [row for row in rows if not row.reason]
    copies = [row for row in shown if row.fields == ("copy",)]
    kept = Counter((r.subject, name) for r in shown if r not in copies for name in r.fields)
    left = {text_ for text_ in values if text_ in text}
    for one in left:
        value = values[one]
        copied = [
            r
            for r in copies
            if r.subject == value.subject
            or (not r.subject and value.subject in crm._access.streams().ever(r.household))
        ]
        times = kept[value.subject, value.name]
        assert copied or times == 1, (
            value,
            times,
            [(r.household, r.subject, r.fields) for r in rows],
            where,
        )
    for (subject, name), times in kept.items():
        assert times == 1 or not subject, (where, subject, name, times)
        if subject:
            said = [t for t in left if values[t] == (subject, name)]
            assert said, (where, subject, name, "is recorded, and did not leave")
    return len(left)


@pytest.mark.parametrize("by", PEOPLE, ids=str)
def test_what_left_by_any_question_has_exactly_one_record(
    sung: Sung, by: Actor, request: pytest.FixtureRequest
) -> None:
    """`--long` states every purpose; else a few that open something."""
    long = request.config.getoption("--long")
    if not long and by in SELDOM:
        pytest.skip("asked in the long run alone")
    codes = ALL_PURPOSES if long else FEW
    crm, told, asked = sung.crm, sung.crm.host.reads, set[str]()
    assert isinstance(told, Told)
    count = 0
    ways = questions(crm)
    assert set(ways) | SILENT >= {way for way, how in WAYS.items() if how.shows == "asked"}, (
        "a way out that nobody walks"
    )
    for purpose in (None, *(f"{code}: case 7" for code in codes)):
        for way, ask in ((way, ask) for way, asks in ways.items() for ask in asks):
            before = len(told.rows)
            try:
                found = ask(by=by, purpose=purpose)
                found = list(found) if WAYS[way].shows == EACH else found
            except CrmError:
                assert not [row for row in told.rows[before:] if not row.reason], (way, by, purpose)
                continue
            asked.add(way)
            text = "\n".join(texts_in(found))
            count += check(crm, sung.values, text, told.rows[before:], (way, ask, by, purpose))
    assert len(asked) > 10
    if by.role in ("auditor", "host"):
        assert count == 0
    else:
        assert count > (0 if by.role in ("finance", "sales") else 20)


# --- by the command line and its files -----------------------------------------------------------

LINES = (
    *(f"show {home} {{}}" for home in HOMES), "find canary {}", "find 1 {}", f"history {HOME} {{}}",
    f"messages {HOME} {{}}", f"preferences {HOME} {{}}", "directory {}",
    f"explain {HOME} 2024 {{}}",
    f"who-saw {HOME} {{}}", "grades 2024 {}", f"account {HOME} --on 2024-12-01 {{}}",
    "arrears --on 2024-12-01 {}", "visits due --all {}", f"visits of {HOME} {{}}", "plans list {}",
    "todo {}", "sample Q1 {}", "messages {}", "provisional --all {}", "waiting {}", "runs 2024 {}",
    "export households {} --out @.csv", "export transfers {} --out @.json",
    "export requests {} --out @.csv", "directory {} --out @.html",
    "arrears --on 2024-12-01 {} --out @.csv", "report 2024 {} --out @.html",
    *(f"export-person {one} {{}} --out @.json" for one in (HOME, OWNER, OTHER, f"{ZHAO} --staff")),
    *(
        f"document {paper} {about} --on 2025-01-31 {{}} --out @.html"
        for paper in PAPERS
        for about in (HOME, "P1", "A1", "2024", "")
    ),
)  # fmt: skip
"""What shows something about the company, with who asks, and the file that it writes."""


def rows_behind(folder: Path, number: int) -> list[ReadRow]:
    with closing(sqlite3.connect(folder / "crm.db")) as connection:
        asked = "SELECT {} FROM crm_reads WHERE number > ? ORDER BY number"
        names = ", ".join(field.name for field in attrs.fields(ReadRow))
        return [ReadRow(*row) for row in connection.execute(asked.format(names), (number,))]


@pytest.mark.rule("PRV-10")
@pytest.mark.parametrize("by", [DIRECTOR, KEEPER, Actor(OWNER, "owner")], ids=str)
def test_what_was_printed_or_written_has_exactly_one_record(
    sung: Sung, by: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(sung.folder, monkeypatch)
    office.on(sung.crm.clock.now().date())
    done = count = 0
    for number, line in enumerate(LINES):
        out = tmp_path / f"out-{number}"
        who = " ".join(("--as", str(by), "--purpose", "file"))
        words = line.format(who).replace("@", str(out)).split()
        for form in ("json", "table"):
            before = len(rows_behind(sung.folder, 0))
            status, said, err = office.run("--format", form, *words)
            written = [one.read_text("utf-8-sig") for one in tmp_path.iterdir()]
            text = "\n".join((said, err, *written))
            rows = [row.read() for row in rows_behind(sung.folder, before)]
            for one in tmp_path.iterdir():
                one.unlink()
            if status in (0, 1):
                done += 1
            else:
                assert not any(one in text for one in sung.values), (line, by)
                rows = [row for row in rows if row.reason]
            count += check(sung.crm, sung.values, text, rows, (line, form, by))
    assert done > 10
    assert count > 20
