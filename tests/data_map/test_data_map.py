"""Every field that is kept has a tier, a purpose, a retention and a subject (PRV-02)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
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
from crm_adapters.files.kinds import KINDS
from crm_adapters.frames.shapes import FactsShape, GradingsShape
from crm_adapters.reports import arrears, credit_table, directory, html
from crm_core import SLICES, Actor, CrmError, Invalid
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
from crm_core.owners import AddMember, RecordInterest, RegisterHousehold
from crm_core.payments import ReceivePayment
from crm_core.requests.calls import AnswerCall
from crm_core.requests.incidents import GatherRequest, OpenIncident
from crm_core.requests.inspections import RecordFinding
from crm_core.slices import registry
from crm_core.staff.awards import RecordWrong

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
    "credit-table": tuple(name for name, _ in credit_table.COLUMNS + credit_table.PLACE),
    "directory": tuple(english for _, english in directory.HEADERS),
    "kept/facts": tuple(FactsShape().frame([], None).columns),
    "kept/gradings": tuple(GradingsShape(lambda *_: None).frame([], None).columns),
    "report/explained": tuple(f.name for f in attrs.fields(html.Explained)),
    "report/listed": tuple(f.name for f in attrs.fields(html.ListedHousehold)),
    "report/moved": tuple(f.name for f in attrs.fields(html.Moved)),
    "import/rejects": ("file", "row", "column", "code", "message", "cells..."),
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
        for cls in vars(html).values()
        if isinstance(cls, type) and attrs.has(cls) and cls.__module__ == html.__name__
        if "household" in attrs.fields_dict(cls)
    }
    assert named == {html.Explained, html.ListedHousehold, html.Moved}


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
    member = {"refused_by", "accepted_by", "contested_by"}
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
            by_name.setdefault((one.slice, one.field.rpartition(".")[2]), set()).add(one.data.name)
    for one in ALL:
        if one.kind == VIEW:
            classes = by_name.get((one.slice, one.field.rpartition(".")[2]))
            assert classes is None or one.data.name in classes, one


def test_nothing_that_is_kept_is_sensitive() -> None:
    """Neither identity cards nor banks, health, minors, faces or tracks; PIPL, art. 28."""
    assert not [one for one in ALL if one.data.tier == "sensitive"]
    assert "sensitive" in TIERS


# --- what people type ----------------------------------------------------------------------------

NUMBERS = {
    "ChargeDisputed.dispute",
    "ChargeRaised.charge",
    "ClauseAgreed.clause",
    "DebtorAgreed.agreement",
    "GradingContested.review",
    "HoldProposed.hold",
    "InstalmentsProposed.promise",
    "MessageQueued.cause",
    "OpinionRecorded.opinion",
    "PaymentReceived.payment",
    "PurchaseMade.purchase",
    "PurchaseRefunded.purchase",
    "RefundProposed.refund",
    "RequestReceived.follows",
    "WaiverProposed.waiver",
    "WrongSuffered.case",
}
"""Numbers that no form is asked of, so far: whoever types a name there puts it beyond erasure."""

STAFF_UNREGISTERED = {
    "CoverPlanned.staff",
    "ImprovementProposed.responsible",
    "ImprovementProposed.supervisor",
    "RequestReceived.owner",
}
"""Members of staff, who are looked up where there is a register of them, and not without one."""

LOOKED_UP = {
    "CallAnswered.request",
    "ChargeDisputed.word.channel",
    "ChargeDisputed.word.member",
    "ClauseAgreed.word.channel",
    "ClauseAgreed.word.member",
    "CommitmentAccepted.word.channel",
    "CommitmentAccepted.word.member",
    "CommitmentRenegotiated.word.channel",
    "CommitmentRenegotiated.word.member",
    "FindingRecorded.request",
    "InstalmentsProposed.word.channel",
    "InstalmentsProposed.word.member",
    "InterestRecorded.word.channel",
    "InterestRecorded.word.member",
    "MemberAdded.member",
    "OpinionRecorded.about",
    "OpinionRecorded.member",
    "PaymentReceived.payer",
    "PreferenceChanged.word.channel",
    "RequestGathered.request",
    "WrongSuffered.request",
}
"""What deciders take as it comes, because it is looked at where commands come in."""


def event_field(cls: str, path: str) -> Classified:
    [source] = [kind.stored for kind in registry().catalog.types if kind.cls.__name__ == cls]
    return rows("event", source)[path]


def test_what_people_type_is_never_classed_as_a_code_or_a_key() -> None:
    """Whatever sentence is typed stands in no field but those that are classed as typed."""
    typed = typed_fields(60)
    assert ("RequestReceived", "summary") in typed
    assert ("WorkReportedDone", "evidence.reference") in typed
    assert len(typed) > 100
    unfit = {
        f"{cls}.{path}" for cls, path in typed if not event_field(cls, path).data.typed
    } - LOOKED_UP
    assert unfit <= NUMBERS | STAFF_UNREGISTERED, sorted(unfit)
    for name in unfit:
        cls, _, path = name.partition(".")
        number = event_field(cls, path).data.name
        assert number == ("staff" if name in STAFF_UNREGISTERED else "number")


WORD = Word("V1#owner", "phone", "call 7")
HELD = {
    "a word's member": (RecordInterest("V1", "cleaning", DAY, attrs.evolve(WORD, member=TYPED))),
    "a word's channel": (RecordInterest("V1", "cleaning", DAY, attrs.evolve(WORD, channel=TYPED))),
    "a member": AddMember("V1", TYPED, "tenant", DAY, Personal(TYPED, "x")),
    "a payer": ReceivePayment("V1", "P1", 100, DAY, "cash", payer=TYPED),
    "a call's request": AnswerCall("K1", "hotline", NOW, 1, request=TYPED),
    "a finding's request": RecordFinding(
        "F1", "hall", "engineering", "general", "x", NOW, request=TYPED
    ),
    "an incident's request": GatherRequest("I1", TYPED, NOW),
    "a wrong's request": RecordWrong("S1", "W1", DAY, "x", request=TYPED),
    "an opinion's request": RecordOpinion("V1", "O1", "forum", "V1#owner", DAY, "t", about=TYPED),
    "an opinion's member": RecordOpinion("V1", "O1", "forum", TYPED, DAY, "t"),
}


@pytest.mark.parametrize("what", HELD)
def test_what_deciders_take_as_it_comes_is_refused_where_commands_come_in(what: str) -> None:
    with open_crm("memory:") as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "1", owner=Personal("V1#owner", "Li")),
               by=Actor("L1", "specialist"))  # fmt: skip
        crm.do(OpenIncident("I1", "hall", "engineering", "x", NOW), by=Actor("L1", "specialist"))
        refused = 0
        for role in ("specialist", "finance", "director"):
            with pytest.raises(CrmError) as caught:
                crm.do(HELD[what], by=Actor("B1", role))
            refused += caught.value.args != () and "role_insufficient" not in repr(caught.value)
        assert refused
        assert TYPED not in "".join(repr(one.event) for one in crm.log.feed())


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
    unfit: Slice = attrs.evolve(parcels.SLICE, **change)
    with pytest.raises(Malformed) as refused:
        _ = Registry([*SLICES, unfit]).data_map
    assert field in refused.value.values["fields"]
    with pytest.raises(Invalid, match="PRV-02") as invalid:
        open_crm("memory:", slices=[*SLICES, unfit])
    assert [fault.code for fault in invalid.value.faults] == ["slice_unusable"]


def test_a_slice_with_its_map_is_mapped_beside_the_others() -> None:
    found = Registry([*SLICES, parcels.SLICE]).data_map
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
