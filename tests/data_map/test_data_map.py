"""Every field that is kept has a tier, a purpose, a retention and a subject (PRV-02)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest
from attrs import frozen
from typed import TYPED, typed_fields

import parcels
from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.data_map import whole
from crm_adapters.files import exporting
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.tables import Watermark
from crm_adapters.frames.shapes import FactsShape, GradingsShape
from crm_adapters.reports import arrears, graded
from crm_core import SLICES, Actor, Invalid, Refused
from crm_core.application.papers import PAPERS
from crm_core.application.portable import Entry
from crm_core.application.reporting.model import BrokenPay, CreditMove, LifeYear, Moment
from crm_core.kernel.catalog import EventType
from crm_core.kernel.data_map import (
    CLASSES,
    EVENT,
    FILE,
    TIERS,
    VIEW,
    Classified,
    of_slice,
    tables,
)
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.registry import Registry, views_of
from crm_core.kernel.sealed import Personal, PersonalValue
from crm_core.kernel.sentences import LANGS, Malformed, sentences
from crm_core.kernel.slice import Slice
from crm_core.kernel.word import Word
from crm_core.opinions.commands import RecordOpinion
from crm_core.owners import AddMember, AgreeDebtor, RecordInterest, RegisterHousehold
from crm_core.payments.commands import (
    AgreeClause,
    DisputeCharge,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
)
from crm_core.payments.owing import OwingRow
from crm_core.requests.calls import AnswerCall, LinkCall
from crm_core.requests.commands import HandOver, MarkDuplicate, MergeDuplicate, ReceiveRequest
from crm_core.requests.events import RequestReceived, WorkReportedDone
from crm_core.requests.improvement import ProposeImprovement
from crm_core.requests.incidents import GatherRequest, OpenIncident
from crm_core.requests.inspections import RecordFinding
from crm_core.requests.late import BrokenPromise, LateRequest
from crm_core.slices import registry
from crm_core.staff.awards import RecordWrong
from crm_core.staff.duty import PlanCover

ALL = whole(registry())
NOW = datetime(2024, 3, 4, 1, tzinfo=UTC)
DAY = NOW.date()

pytestmark = pytest.mark.rule("PRV-02")


def leaves(cls: type, before: str = "") -> dict[str, Any]:
    """Every field of a class with what stands in it, those of values within it too."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(cls).items():
        if name not in attrs.fields_dict(cls):
            continue
        kinds = plain(hint)
        inner = [kind for kind in kinds if attrs.has(kind) and not issubclass(kind, PersonalValue)]
        if inner:
            found |= leaves(inner[0], f"{before}{name}.")
        else:
            found[f"{before}{name}"] = kinds
    return found


def plain(hint: Any) -> list[type]:
    """The classes that a hint is made of."""
    inner = [kind for part in getattr(hint, "__args__", ()) for kind in plain(part)]
    return inner or ([hint] if isinstance(hint, type) else [])


KEPT = {
    **{("event", kind.stored): kind.cls for kind in registry().catalog.types},
    **{("view", v.name): v.row for s in registry().slices.values() for v in views_of(s)},
}
"""Classes of whatever is kept in the log and in views."""


def rows(kind: str, source: str) -> dict[str, Classified]:
    return {one.field: one for one in ALL if (one.kind, one.source) == (kind, source)}


# --- every field ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "source"), KEPT)
def test_every_field_of_every_event_and_view_has_a_class(kind: str, source: str) -> None:
    """As this test finds the fields by itself; a new one without a class fails by its name."""
    assert set(rows(kind, source)) == set(leaves(KEPT[kind, source]))


def test_every_member_of_the_envelope_has_a_class() -> None:
    kept = {f.name for cls in (Recorded, Envelope) for f in attrs.fields(cls)}
    assert set(rows("envelope", "envelope")) == kept - {"envelope", "data"}


COLUMNS: dict[str, tuple[str, ...]] = {
    **{f"import/{kind.name}": kind.columns for kind in KINDS},
    "arrears": tuple(name for name, _, _ in arrears.COLUMNS),
    **{f"export/{name}": columns for name, columns in exporting.COLUMNS.items()},
    "export/watermark": tuple(f.name for f in attrs.fields(Watermark)),
    "kept/facts": tuple(FactsShape().frame([], None).columns),
    "kept/gradings": tuple(GradingsShape(lambda *_: None).frame([], None).columns),
    "person-export": tuple(f.name for f in attrs.fields(Entry)),
    "report/broken": tuple(f.name for f in attrs.fields(BrokenPromise)),
    "report/credit-moved": tuple(f.name for f in attrs.fields(CreditMove)),
    "report/explained": tuple(f.name for f in attrs.fields(graded.Explained)),
    "report/late": tuple(f.name for f in attrs.fields(LateRequest)),
    "report/life": tuple(
        {f.name for cls in (LifeYear, Moment) for f in attrs.fields(cls)} - {"moments"}
    ),
    "report/listed": tuple(f.name for f in attrs.fields(graded.ListedHousehold)),
    "report/moved": tuple(f.name for f in attrs.fields(graded.Moved)),
    "report/owing": tuple(f.name for f in attrs.fields(OwingRow)),
    "report/promises": tuple(f.name for f in attrs.fields(BrokenPay)),
    "import/rejects": ("file", "row", "column", "code", "message", "cells..."),
    **{
        f"paper/{paper.name}": tuple(
            f"{section.name}.{field.name}" for section in paper.sections for field in section.fields
        )
        for paper in PAPERS.values()
    },
}
"""Columns of the files that the library reads and writes, as its code has them."""


@pytest.mark.parametrize("file", COLUMNS)
def test_every_column_of_every_file_has_a_class(file: str) -> None:
    assert sorted(rows("file", file)) == sorted(COLUMNS[file])


def test_no_file_is_mapped_that_nobody_reads_or_writes() -> None:
    assert {one.source for one in ALL if one.kind == FILE} == set(COLUMNS)


def test_whatever_names_a_household_in_the_report_is_mapped() -> None:
    """What the page is made of besides are counts of many."""
    named = {
        cls
        for cls in vars(graded).values()
        if isinstance(cls, type) and attrs.has(cls) and cls.__module__ == graded.__name__
        if "household" in attrs.fields_dict(cls)
    }
    assert named == {graded.Explained, graded.ListedHousehold, graded.Moved}


def test_every_class_is_told_in_both_languages_and_none_is_left_over() -> None:
    told = sentences("data-map")
    used = {f"tier_{tier}" for tier in TIERS}
    for one in ALL:
        used |= {
            f"class_{one.data.name}",
            f"tier_{one.data.tier}",
            f"subject_{one.subject}",
            f"retention_{one.retention}",
            f"ends_{one.ends}",
            f"purpose_{one.data.purpose}",
        }
    beside = {one.source for one in ALL if one.kind in (VIEW, FILE)}
    beside |= {f"clock:{source.name}" for source in registry().clock}
    beside |= {task.name for task in registry().projections} | {"notices", "reactions"}
    used |= {f"source_{name}" for name in beside if not name.startswith("paper/")}
    assert set(told) == used
    assert all(set(texts) == set(LANGS) for texts in told.values())
    assert {one.data.name for one in ALL} == set(CLASSES)


# --- what a field holds agrees with its class -----------------------------------------------------


def of_hints() -> list[tuple[Classified, list[type]]]:
    return [
        (rows(*kept)[name], kinds)
        for kept, cls in KEPT.items()
        for name, kinds in leaves(cls).items()
    ]


def wrong(found: Any) -> list[str]:
    return [f"{one.source} {one.field}: {one.data.name}" for one, unfit in found if unfit]


@pytest.mark.rule("PRV-03")
def test_personal_values_are_sealed_and_nothing_else_is() -> None:
    found = of_hints()
    assert any(one.sealed for one, _ in found)
    assert not wrong(
        (one, one.sealed != any(issubclass(kind, PersonalValue) for kind in kinds))
        for one, kinds in found
    )


def test_days_and_instants_are_times() -> None:
    assert not wrong(
        (one, (one.data.name == "time") != any(issubclass(kind, date) for kind in kinds))
        for one, kinds in of_hints()
    )


MONEY = {"money", "purchase", "grade"}


def test_amounts_are_what_somebody_owes_paid_or_bought() -> None:
    """No amount hides among counts, and nothing but numbers is one."""
    assert not wrong(
        (one, one.field.endswith("_fen") and one.data.name not in MONEY) for one, _ in of_hints()
    )
    assert not wrong(
        (one, one.data.name == "money" and kinds != [int]) for one, kinds in of_hints()
    )


@pytest.mark.rule("LOG-08")
def test_who_did_and_who_decided_is_staff_or_the_member_in_person() -> None:
    member = {"refused_by", "accepted_by", "asked_by", "contested_by"}
    by = [one for one, _ in of_hints() if one.field.endswith("_by") and one.kind == EVENT]
    times = {"respond_by"}
    assert len(by) > 80
    assert not wrong(
        (one, one.data.name != ("person" if one.field in member else "staff"))
        for one in by
        if one.field not in times
    )


def test_a_field_of_one_name_and_a_household_s_number_is_one_everywhere() -> None:
    for one in ALL:
        if one.field.rpartition(".")[2].lower() in ("household", "from_household", "to_household"):
            assert one.data.name == "household", one
        if one.field.rpartition(".")[2] in ("member", "recipient", "payer", "payee", "debtor"):
            assert one.data.name == "person", one


def test_a_view_or_a_file_shows_no_field_at_a_lower_tier_than_the_events_it_is_made_of() -> None:
    """A column of the name that a field of its slice has is of the class of one of those fields."""
    by_name: dict[tuple[str, str], set[str]] = {}
    for one in ALL:
        if one.kind == EVENT:
            by_name.setdefault((one.slice, one.field), set()).add(one.data.name)
    for one in ALL:
        if one.kind == VIEW:
            classes = by_name.get((one.slice, one.field))
            assert classes is None or one.data.name in classes, one


def test_nothing_that_is_kept_is_sensitive() -> None:
    """Neither identity cards nor banks, health, minors, faces or tracks; PIPL, art. 28."""
    assert not [one for one in ALL if one.data.tier == "sensitive"]
    assert "sensitive" in TIERS


# --- what people type ----------------------------------------------------------------------------

OF_EVENTS = {"MessageQueued.cause"}
"""The id of an event, which the outbox gives: it is made of that of the command."""

SPOKEN = {
    "apology",
    "conclusion",
    "document",
    "evidence",
    "measure",
    "note",
    "outcome",
    "reason",
    "reference",
    "remedy",
    "summary",
    "toml",
    "words",
}
"""Names of fields in which people say something in their own words."""

FROM_LISTS = {
    ("requests.closed/1", "outcome"),
    ("requests.paused/1", "reason"),
    ("requests.warning_raised/1", "measure"),
    # The number of a measure of a plan.
    ("plans.drafted/1", "measures.measure"),
    ("plans.spending_recorded/1", "measure"),
    ("plans.task_assigned/1", "measure"),
    ("messages.deferred/1", "reason"),
    ("messages.failed/1", "reason"),
    ("messages.withheld/1", "reason"),
    ("requests.retold/1", "standing.outcome"),
    ("requests.retold/1", "standing.pause.reason"),
    ("requests.retold/1", "standing.pauses.reason"),
}
"""Where one of a closed list stands there."""


def test_what_people_say_in_their_own_words_is_typed_wherever_it_stands() -> None:
    spoken = {
        (one.source, one.field): one.data.typed
        for one in ALL
        if one.kind == EVENT and one.field.rpartition(".")[2] in SPOKEN
    }
    assert len(spoken) > 90
    assert {place for place, typed in spoken.items() if not typed} == FROM_LISTS


def event_field(cls: type, path: str) -> Classified:
    [source] = [kind.stored for kind in registry().catalog.types if kind.cls is cls]
    return rows("event", source)[path]


def test_what_people_type_is_never_classed_as_a_code_or_a_key(tmp_path: Path) -> None:
    """Whatever sentence is typed stands in no field but those that are classed as typed."""
    typed = typed_fields(tmp_path)
    assert (RequestReceived, "summary") in typed
    assert (WorkReportedDone, "evidence.reference") in typed
    assert len(typed) > 150
    unfit = {
        f"{cls.__name__}.{path}" for cls, path in typed if not event_field(cls, path).data.typed
    }
    assert unfit <= OF_EVENTS, sorted(unfit - OF_EVENTS)


WORD = Word("V1#owner", "phone", "call 7")
CLERK, FINANCE, BOSS = Actor("L1", "specialist"), Actor("F1", "finance"), Actor("B1", "director")
PLAN = ProposeImprovement(
    plan="P1",
    measure="x",
    metric="late_share",
    dimension="trade",
    value="engineering",
    baseline_start=date(2023, 1, 1),
    baseline_end=date(2023, 12, 31),
    runs_from=date(2150, 1, 1),
    runs_to=date(2150, 12, 31),
    change_per_mille=-200,
    responsible="L1",
    supervisor="B1",
)
REQUEST = ReceiveRequest("R2", "V1", "counter", "repair", "engineering", "general", "x", NOW, "L1")
CHARGE = RaiseCharge("V1", "C2", "management_fee", "2024-01", 10000, DAY)
OPINION = RecordOpinion("V1", "O1", "forum", "V1#owner", DAY, "thread 7")
FINDING = RecordFinding("F1", "hall", "engineering", "general", "x", NOW)
COVER = PlanCover("hotline", "A", "S1", NOW + timedelta(days=1), NOW + timedelta(days=2))
CLAUSE = AgreeClause("V1", "K1", "allocation", "allocation-cn-civil-code", DAY, "contract 7", WORD)

KEYS: list[tuple[Any, str, Actor]] = [
    (RecordInterest("V1", "cleaning", DAY, WORD), "word.member", CLERK),
    (RecordInterest("V1", "cleaning", DAY, WORD), "word.channel", CLERK),
    (AddMember("V1", "V1#m1", "tenant", DAY, Personal("V1#m1", "x")), "member", CLERK),
    (AgreeDebtor("V1", "A1", "V1#owner", DAY, "contract 7"), "agreement", CLERK),
    (ReceivePayment("V1", "P1", 100, DAY, "cash"), "payment", FINANCE),
    (ReceivePayment("V1", "P1", 100, DAY, "cash"), "payer", FINANCE),
    (ReceivePayment("V1", "P1", 100, DAY, "cash"), "charge", FINANCE),
    (CHARGE, "charge", FINANCE),
    (CHARGE, "debtor", FINANCE),
    (RecordPurchase("V1", "B1", "cleaning", 100, DAY), "purchase", FINANCE),
    (DisputeCharge("V1", "D1", "C1", 100, DAY, "x", WORD), "dispute", CLERK),
    (CLAUSE, "clause", FINANCE),
    (AnswerCall("K1", "hotline", NOW, 1), "request", CLERK),
    (LinkCall("K0", "R1"), "request", CLERK),
    (FINDING, "request", CLERK),
    (FINDING, "finding", CLERK),
    (GatherRequest("I1", "R1", NOW), "request", CLERK),
    (MarkDuplicate("R1", "R3", "x"), "of", CLERK),
    (MergeDuplicate("R1", "R3", "x", NOW), "into", CLERK),
    (REQUEST, "request", CLERK),
    (REQUEST, "follows", CLERK),
    (REQUEST, "first_asked", CLERK),
    (HandOver("R1", "S2", "x"), "to_owner", CLERK),
    (PLAN, "responsible", BOSS),
    (PLAN, "supervisor", BOSS),
    (COVER, "staff", BOSS),
    (RecordWrong("S1", "W1", DAY, "x"), "request", BOSS),
    (RecordWrong("S1", "W1", DAY, "x"), "case", BOSS),
    (OPINION, "about", CLERK),
    (OPINION, "member", CLERK),
    (OPINION, "opinion", CLERK),
]
"""Commands, a field of each that holds a key, and who may give them."""


@pytest.mark.parametrize(
    ("command", "field", "by"), KEYS, ids=[f"{type(c).__name__}.{field}" for c, field, _ in KEYS]
)
def test_nobody_types_a_sentence_where_a_key_stands(command: Any, field: str, by: Actor) -> None:
    """Whether it is held to the form of ids, or looked up: refused, and nothing of it is kept."""
    name, _, part = field.partition(".")
    with open_crm("memory:") as crm:
        owner = Personal("V1#owner", "Li")
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "1", owner=owner), by=CLERK)
        crm.do(attrs.evolve(CHARGE, charge="C1"), by=FINANCE)
        crm.do(OpenIncident("I1", "hall", "engineering", "x", NOW), by=CLERK)
        crm.do(AnswerCall("K0", "hotline", NOW, 1), by=CLERK)
        for number in ("R1", "R3"):
            crm.do(attrs.evolve(REQUEST, request=number), by=CLERK)
        value = attrs.evolve(getattr(command, name), **{part: TYPED}) if part else TYPED
        with pytest.raises((Invalid, Refused)) as refused:
            crm.do(attrs.evolve(command, **{name: value}), by=by)
        assert getattr(refused.value, "reason", "") != "role_insufficient"
        assert TYPED not in "".join(map(repr, crm.log.feed()))


# --- a slice of somebody else's ------------------------------------------------------------------


@frozen
class KeyLent:
    """A key was lent."""

    key: str
    household: str
    lent_to: PersonalValue
    lent_at: datetime


LENT = {"keys.lent": ("keys.lent/1", KeyLent)}
RIGHT = """
about = "household"
["keys.lent"]
number = ["key"]
household = ["household"]
name = ["lent_to"]
time = ["lent_at"]
"""

UNFIT = {
    "no map": ("", "data_unclassified", ["keys.lent/1"]),
    "a field without a class": (
        RIGHT.replace('number = ["key"]', ""),
        "data_unclassified",
        ["keys.lent.key"],
    ),
    "a class for no field": (
        RIGHT.replace('["key"]', '["key", "lock"]'),
        "data_superfluous",
        ["keys.lent.lock"],
    ),
    "an event that there is not": (
        RIGHT + '["keys.lost"]\nnumber = ["key"]\n',
        "data_superfluous",
        ["keys.lost"],
    ),
    "a personal value that is a code": (
        RIGHT.replace('name = ["lent_to"]', 'code = ["lent_to"]'),
        "data_unsealed",
        ["keys.lent.lent_to"],
    ),
    "a text that is a name": (
        RIGHT.replace('number = ["key"]\n', "").replace('["lent_to"]', '["lent_to", "key"]'),
        "data_unsealed",
        ["keys.lent.key"],
    ),
}


def test_a_slice_of_a_host_is_mapped_by_its_own_file() -> None:
    found = {one.field: one for one in of_slice("keys", RIGHT, LENT, ())}
    assert {name: one.data.tier for name, one in found.items()} == {
        "key": "company",
        "household": "company",
        "lent_to": "service",
        "lent_at": "company",
    }
    assert (found["lent_to"].sealed, found["lent_to"].subject) == (True, "member")
    assert (found["lent_to"].retention, found["lent_to"].ends) == ("tenure", "erased")


@pytest.mark.parametrize("what", UNFIT)
def test_a_map_that_does_not_fit_names_all_fields_that_do_not(what: str) -> None:
    text, sentence, fields = UNFIT[what]
    with pytest.raises(Malformed) as refused:
        of_slice("keys", text, LENT, ())
    assert (refused.value.sentence, refused.value.values["fields"]) == (sentence, fields)
    for lang in LANGS:
        assert all(field in refused.value.told(lang) for field in fields)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "data_map_malformed"),
        ('about = "planet"\n["keys.lent"]\n', "data_about_unknown"),
        ('["keys.lent"]\nnumber = ["key"]\n', "data_about_unknown"),
        ('about = "case"\n["keys.lent"]\nsecret = ["key"]\n', "data_class_unknown"),
        ('about = "case"\n["keys.lent"]\nnumber = "key"\n', "data_class_unknown"),
        ('about = "case"\nnumber = ["key"]\n', "data_class_unknown"),
        ('about = "case"\n["k"]\nnumber = ["key"]\ncode = ["key"]\n', "data_class_twice"),
    ],
)
def test_a_map_that_is_none_is_told_so(text: str, sentence: str) -> None:
    with pytest.raises(Malformed) as refused:
        tables(text)
    assert refused.value.sentence == sentence


PARCELS = attrs.evolve(parcels.SLICE, sentences="", shipped=())
"""Without its sentences, which would be read in this whole process from here on."""


@frozen
class ParcelWeighed:
    """Somebody weighed a parcel, which the slice's own map does not know."""

    parcel: str
    grams: int


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"events": (*parcels.EVENTS, EventType("parcels.weighed", 1, ParcelWeighed))},
         "parcels.weighed/1"),
        ({"data_map": ""}, "parcels.taken/1"),
    ],
)  # fmt: skip
def test_a_slice_with_a_field_without_a_class_is_refused_where_slices_are_listed(
    change: dict[str, Any], field: str
) -> None:
    unfit: Slice = attrs.evolve(PARCELS, **change)
    with pytest.raises(Malformed) as refused:
        _ = Registry([*SLICES, unfit]).data_map
    assert field in refused.value.values["fields"]
    with pytest.raises(Invalid, match="PRV-02") as invalid:
        open_crm("memory:", slices=[*SLICES, unfit])
    assert [fault.code for fault in invalid.value.faults] == ["slice_unusable"]


def test_a_slice_with_its_map_is_mapped_beside_the_others() -> None:
    found = Registry([*SLICES, PARCELS]).data_map
    [courier] = [o for o in found if (o.source, o.field) == ("parcels.taken/1", "courier")]
    assert (courier.slice, courier.data.tier, courier.retention) == ("parcels", "service", "case")
    assert {one for one in found if one.slice != "parcels"} == set(registry().data_map)


# --- on the command line -------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(["data-map", *words, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line_tells_the_whole_map(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a log, and without making one."""
    monkeypatch.chdir(tmp_path)
    found = said(capsys)
    assert len(found) == len(ALL)
    assert {
        "slice": "owners",
        "kind": "event",
        "source": "owners.member_added/1",
        "field": "phone",
        "class": "contact",
        "tier": "personal",
        "subject": "member",
        "sealed": True,
        "retention": "tenure",
        "ends": "erased",
        "purpose": "reaching",
    } in found
    assert not [*tmp_path.iterdir()]


def test_it_tells_one_tier_or_one_slice(capsys: pytest.CaptureFixture[str]) -> None:
    assert {row["tier"] for row in said(capsys, "--tier", "personal")} == {"personal"}
    assert {row["slice"] for row in said(capsys, "--slice", "staff")} == {"staff"}
    both = said(capsys, "--slice", "staff", "--tier", "personal")
    assert {row["class"] for row in both} == {"staff_contact"}
    assert said(capsys, "--tier", "sensitive") == []
    assert run(["data-map", "--slice", "nobody", "--lang", "en"]) == 2
    assert "there is no slice `nobody`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lang", "told"), [("zh", "销毁密钥，予以删除"), ("en", "erased with its key")]
)
def test_it_is_told_in_both_languages(
    lang: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data-map", "--tier", "personal", "--slice", "owners", "--lang", lang]) == 0
    assert told in capsys.readouterr().out
