"""A copy of everything about a person, on the command line: JSON, or a page for people."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_core import Actor, Personal
from crm_core.kernel.sentences import LANGS, sentences
from crm_core.owners import AddMember, RegisterHousehold
from crm_core.payments import RaiseCharge
from crm_core.slices import registry

pytestmark = pytest.mark.rule("PRV-09")

CLERK = Actor("li", "specialist")
ASKED = ("--as", "custodian:kong", "--purpose", "asked for a copy")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """V1 with its owner and a lodger whose id is of another form, and V1#a, a household, too."""
    office = Office(tmp_path, monkeypatch)
    day = office.now.date()
    with open_crm(f"sqlite:///{office.path}") as crm:
        for number, room in (("V1", "101"), ("V1#a", "102")):
            owner = Personal(f"{number}#owner", f"<b>张三 of {number}</b>")
            crm.do(RegisterHousehold(number, "Anhe", "1", "1", room, owner=owner), by=CLERK)
        lodger = AddMember("V1", "M7", "family_member", day, Personal("M7", "name of M7"))
        crm.do(lodger, by=CLERK)
        crm.do(RaiseCharge("V1", "C1", "management_fee", "2024-1", 123_45, day), by=CLERK)
    return office


def copied(office: Office, who: str, *more: str, name: str = "copy.json") -> Any:
    out = office.path.with_name(name)
    assert office.run("export-person", who, "--out", str(out), *ASKED, *more)[0] == 0
    text = out.read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else text


@pytest.mark.parametrize(
    ("who", "household", "member"),
    [
        ("V1", "V1", None),
        ("V1#owner", "V1", "V1#owner"),
        ("V1#V1#owner", "V1", "V1#owner"),
        ("V1#M7", "V1", "M7"),
        ("V1#a", "V1#a", None),
        ("V1#a#owner", "V1#a", "V1#a#owner"),
    ],
)
def test_who_is_meant_is_found_by_household_and_member(
    office: Office, who: str, household: str, member: str | None
) -> None:
    subject = copied(office, who)["subject"]
    assert subject == {"household": household, "member": member, "staff": None}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("V1#M8", "--out", "a.json", *ASKED), "member_unknown"),
        (("V2", "--out", "a.json", *ASKED), "household_unknown"),
        (("V2#owner", "--out", "a.json", *ASKED), "household_unknown"),
        (("zhao", "--staff", "--out", "a.json", *ASKED), "staff_unknown"),
        (("V1", "--out", "a.txt", *ASKED), "form_unknown"),
        (("V1", "--out", "a.json", "--as", "custodian:kong"), "purpose_missing"),
        (("V1", "--out", "a.json", "--purpose", "own"), "role_insufficient"),
        (("V1", "--out", "a.json", "--purpose", "own", "--as", "owner:V1#owner"),
         "role_insufficient"),
        (("M7", "--out", "a.json", "--purpose", "own", "--as", "user:M7"), "role_insufficient"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_said_and_nothing_is_written(
    office: Office, line: tuple[str, ...], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(office.path.parent)
    status, out, err = office.run("export-person", *line)
    assert (status, out) == (2, "")
    assert code in err
    assert not [*office.path.parent.glob("a.*")]


def test_whoever_asks_for_themselves_gets_a_copy_that_only_the_host_reads(office: Office) -> None:
    out = office.path.with_name("mine.json")
    mine = ("--purpose", "my own", "--as", "user:M7")
    told = office.json("export-person", "V1#M7", "--out", str(out), *mine)
    assert told["values"]["plain"] == 1
    assert told["whole"] == told["events"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "张三" not in out.read_text(encoding="utf-8")


def test_staff_are_named_by_an_option(office: Office) -> None:
    copy = copied(office, "li", "--staff")
    assert copy["subject"]["staff"] == "li"
    assert {event["actor"] for event in copy["events"]} == {"specialist:li"}


@pytest.mark.rule("PRV-03")
def test_what_cannot_be_opened_is_a_finding_and_what_was_erased_is_none(office: Office) -> None:
    copied(office, "V1")
    with open_crm(f"sqlite:///{office.path}") as crm:
        crm.host.vault.erase("M7")
    assert copied(office, "V1")["values"] == {
        "plain": 1, "erased": 1, "key_missing": 0, "tampered": 0, "withheld": 0,
    }  # fmt: skip
    page = copied(office, "V1", "--lang", "zh", name="copy.html")
    assert sentences("values")["erased"]["zh"] in page
    keys = office.path.with_name("crm.db.keys")
    keys.rename(office.path.with_name("elsewhere"))
    out = office.path.with_name("lost.json")
    assert office.run("export-person", "V1", "--out", str(out), *ASKED)[0] == 1
    values = json.loads(out.read_text(encoding="utf-8"))["values"]
    # That M7 was erased is known from the tombstones, whatever became of the keys.
    assert (values["key_missing"], values["erased"]) == (1, 1)


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_says_what_happened_in_words_and_shows_what_was_typed_as_text(
    office: Office, lang: str
) -> None:
    page = copied(office, "V1", "--lang", lang, name="copy.html")
    for name in ("owners.member_added", "payments.charge_raised"):
        assert sentences("events")[name][lang] in page
    assert "&lt;b&gt;张三 of V1&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "123.45" in page
    assert "{" not in page.partition("</style>")[2]
    assert not re.search(r"(src|href)=", page)


def test_every_event_has_its_words_and_no_other() -> None:
    assert set(sentences("events")) == {kind.name for kind in registry().catalog.types}
    assert list(sentences("events")) == sorted(sentences("events"))
