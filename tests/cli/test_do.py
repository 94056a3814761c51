"""`crm do`: every act by hand or line by line, what is wrong with one, and what it leaves."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import click
import pytest

from cli.office import WORD, Office
from crm_adapters import open_crm
from crm_adapters.cli.acts import Act, acts, slice_of
from crm_adapters.cli.app import crm as command_line
from crm_adapters.cli.fields import fields_of, made, option_of
from crm_adapters.cli.helping import Told
from crm_core import Actor
from crm_core.errors import Invalid
from crm_core.gradings.commands import Document, DraftPolicy
from crm_core.kernel.authority import DEFAULT_AUTHORITY
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import AddMember, RegisterHousehold
from crm_core.payments.commands import ProposeInstalments, RaiseCharge
from crm_core.payments.events import Instalment
from crm_core.slices import registry, shipped
from crm_core.staff.register import RegisterStaff


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, monkeypatch)
    office.register()
    return office


def as_said(said: dict[str, Any]) -> list[str]:
    """Values as in JSON, as options."""
    words: list[str] = []
    for name, value in said.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and isinstance(value, dict):
                words += as_said({f"{name}.{inner}": text for inner, text in one.items()})
            elif isinstance(one, bool):
                words += [option_of(name), "yes" if one else "no"]
            else:
                words += [option_of(name), json.dumps(one) if isinstance(one, dict) else str(one)]
    return words


# --- what acts are made of -----------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
def test_every_command_that_somebody_may_give_is_an_act() -> None:
    """Those that the library alone gives are none, and so are the values it looks up."""
    everything = {command for aggregate in registry().aggregates for command in aggregate.commands}
    inside = {command for aggregate in registry().aggregates for command in aggregate.inside}
    assert {*acts().values()} == everything - inside
    assert [*acts()] == sorted(acts())
    for command in acts().values():
        said = {field.path[0] for field in fields_of(command)}
        assert not said & {*fields_looked_up(command)}
        assert said | {*fields_looked_up(command)} == {*attrs.fields_dict(command)}


def test_every_field_can_be_said_on_the_command_line() -> None:
    """No two under one name, none under that of an option of every command, and all typed."""
    general = {option for parameter in Told.behind for option in parameter.opts}
    for act, command in acts().items():
        options = [option for p in Act(act, command).params for option in p.opts]
        assert len(options) == len(set(options)), act
        assert not general & {*options}, act
        hints = get_type_hints(command)
        for name in attrs.fields_dict(command):
            if Personal in (hints[name], *getattr(hints[name], "__args__", ())):
                about = {"member", "prospect", "staff"} & {*attrs.fields_dict(command)}
                assert about or command is RegisterHousehold, f"{act}: whom is {name} about?"


SAID: list[tuple[Any, dict[str, Any]]] = [
    (
        RaiseCharge("V1", "C1", "parking", "2024-05", 12_700, date(2024, 5, 1)),
        {"household": "V1", "charge": "C1", "kind": "parking", "period": "2024-05",
         "amount_fen": 12_700, "due": "2024-05-01"},
    ),
    (
        RegisterHousehold(
            "V1", "Anhe", "1", "1", "101", "company", Personal("V1#owner", "张三"),
            Personal("V1#owner", "13800000000"), date(2020, 1, 1), "phone",
        ),
        {"household": "V1", "estate": "Anhe", "building": "1", "unit": "1", "room": "101",
         "kind": "company", "owner": "张三", "phone": "13800000000", "moved_in": "2020-01-01",
         "source": "phone"},
    ),
    (
        AddMember("V1", "M2", "tenant", date(2024, 1, 1), Personal("M2", "李四")),
        {"household": "V1", "member": "M2", "role": "tenant", "since": "2024-01-01",
         "name": "李四"},
    ),
    (
        RegisterStaff("S1", "specialist", date(2024, 1, 1), Personal("S1", "13900000000")),
        {"staff": "S1", "role": "specialist", "since": "2024-01-01", "contact": "13900000000"},
    ),
    (
        ProposeInstalments(
            "V1", "Z1",
            (Instalment(10_000, date(2024, 5, 1)), Instalment(5_000, date(2024, 6, 1))),
            date(2024, 4, 1), "short of money", Word("V1#owner", "letter", "letter 7"),
        ),
        {"household": "V1", "promise": "Z1",
         "instalments": [{"amount_fen": 10_000, "due": "2024-05-01"},
                         {"amount_fen": 5_000, "due": "2024-06-01"}],
         "on": "2024-04-01", "reason": "short of money",
         "word": {"member": "V1#owner", "channel": "letter", "reference": "letter 7"}},
    ),
    (
        DraftPolicy("ours", Document("kind = 'grading'\n"), "try", date(2024, 1, 1)),
        {"name": "ours", "document": {"toml": "kind = 'grading'\n"}, "reason": "try",
         "on": "2024-01-01"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "said"), SAID, ids=[type(c).__name__ for c, _ in SAID])
def test_a_command_is_made_of_what_is_said(command: Any, said: dict[str, Any]) -> None:
    assert made(type(command), said, lambda path: path) == command


@pytest.mark.parametrize(("command", "said"), SAID, ids=[type(c).__name__ for c, _ in SAID])
def test_options_say_the_same_as_json(
    command: Any, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the order, with underscores or dashes, and with `=` or without."""
    given: list[Any] = []
    office = Office(tmp_path, monkeypatch)
    monkeypatch.setattr(
        "crm_core.crm.CRM.do", lambda _, command, **__: given.append(command) or Stop.stop()
    )
    act = next(name for name, kind in acts().items() if kind is type(command))
    words = as_said(said)
    pairs = [words[at : at + 2] for at in range(0, len(words), 2)]
    several = {pair[0] for pair in pairs if [p[0] for p in pairs].count(pair[0]) > 1}
    backwards = [p for p in reversed(pairs) if p[0] not in several]
    backwards += [p for p in pairs if p[0] in several]
    for line in (
        words,
        [word for pair in backwards for word in pair],
        [f"{name}={value}" for name, value in pairs],
        [w.replace("-", "_").replace("__", "--", 1) if w[:2] == "--" else w for w in words],
    ):
        office.run("do", act, *line)
    assert given == [command] * 4


class Stop(Exception):
    """Ends a command as soon as it is understood."""

    @classmethod
    def stop(cls) -> None:
        raise cls


# --- all that is wrong at once -------------------------------------------------------------------


def test_everything_that_is_wrong_with_an_act_is_told_at_once(office: Office) -> None:
    status, out, err = office.run(
        "do", "dispute-charge", "--household", "V1", "--amount-fen", "12.50", "--on", "1.5.2024",
        "--colour", "red", "--word.member", "V1#owner", "--as", "specialist:S1",
    )  # fmt: skip
    assert (status, out) == (2, "")
    told = [re.sub(r"(--[a-z.-]+): .*\[CRM-I001 ", r"\1 ", line) for line in err.splitlines()]
    assert sorted(told) == [
        "crm: --amount-fen value_malformed]",
        "crm: --charge field_missing]",
        "crm: --colour field_unexpected]",
        "crm: --dispute field_missing]",
        "crm: --on value_malformed]",
        "crm: --reason field_missing]",
        "crm: --word.channel field_missing]",
        "crm: --word.reference field_missing]",
    ]
    assert "there is --household, --dispute, --charge" in err


NO = "decide-waiver --household V1 --waiver W1 --on 2024-05-01"
WRONG = [
    ("raise-charge", "field_missing", 6),
    ("raise-charge too many words", "usage_wrong", 1),
    ("raise-chargee --household V1", "usage_wrong", 1),
    ("raise_charge --household V1 --charge C1", "field_missing", 4),
    ("accept-moved-payment --household V1", "usage_wrong", 1),
    (f"{NO} --approved maybe", "value_malformed", 1),
    (f"{NO} --approver director:D1 --approved", "field_unexpected", 1),
    (f"{NO} --by director:D1 --approved", "field_unexpected", 1),
    (f"{NO} --approved_by D1 --approved", "field_unexpected", 1),
    ("record-sent --household V1 --message m --attempt ２ --receipt r", "value_malformed", 1),
    ("report-done --request R1 --done-at 2024-05-01T09:00", "value_malformed", 1),
    ("report-done --request R1 --done-at 2024-05-01", "value_malformed", 1),
    ("report-done --request R/1 --done-at 2024-05-01T09:00Z", "id_malformed", 1),
    ("complete-step --household V1 --step 1 --on 2024-05-01 --proofs nonsense",
     "value_malformed", 1),
    ('complete-step --household V1 --step 1 --on 2024-05-01 --proofs {"kind":1}',
     "value_malformed", 1),
    ('complete-step --household V1 --step 1 --on 2024-05-01 --proofs []', "value_malformed", 1),
    ("end-role --household V1 --member V1#owner --role owner --until 2024-02-30 --reason x",
     "value_malformed", 1),
    ("advance-collection --household V1 --on 2024-05-01 --policy x", "field_unexpected", 1),
    ("advance-collection --household V1 --on 2024-05-01 --today 2024-05-01",
     "field_unexpected", 1),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "count"), WRONG, ids=[line for line, _, _ in WRONG])
def test_what_is_no_act_is_told(line: str, code: str, count: int, office: Office) -> None:
    """A line for each fault, in both languages, and nothing is written."""
    before = office.json("verify")
    for lang in ("en", "zh"):
        words = line.split(" ")
        status, out, err = office.run("--lang", lang, "do", *words, "--as", "director:D1")
        assert (status, out) == (2, "")
        lines = err.splitlines()
        assert [one.endswith(f" {code}]") for one in lines].count(True) == count, err
        assert len(lines) >= count
    assert office.json("verify") == before


@pytest.mark.rule("LOG-08")
def test_what_the_library_looks_up_cannot_be_said(office: Office) -> None:
    """Neither as an option nor in JSON."""
    for act, command in acts().items():
        for name in fields_looked_up(command):
            with pytest.raises(Invalid) as caught:
                made(command, {name: "x"}, lambda path: path)
            found = {(fault.code, fault.where) for fault in caught.value.faults}
            assert ("field_unexpected", name) in found, act


# --- what an act leaves --------------------------------------------------------------------------


def test_a_receipt_names_stream_version_position_and_events(office: Office) -> None:
    fields = (
        "--household", "V1", "--charge", "C1", "--kind", "parking", "--period", "2024-05",
        "--amount-fen", "12700", "--due", "2024-05-01",
    )  # fmt: skip
    receipt = office.act("finance:F1", "raise-charge", *fields)
    assert receipt == {
        "stream": "account/V1", "version": 1, "position": office.json("verify")["events"],
        "events": ["payments.charge_raised/1"],
    }  # fmt: skip
    said = office.refuses_act("charge_exists", "finance:F1", "raise-charge", *fields)
    assert "PAY-01" in said
    status, out, err = office.run(
        *("do", "cancel-charge", "--household", "V1", "--charge", "C1", "--on", "2024-05-01"),
        *("--reason", "twice", "--as", "finance:F1", "--purpose", "correction"),
    )
    assert (status, err) == (0, "")
    assert out.splitlines()[0].split() == ["stream", "version", "position", "events"]
    assert "charge cancelled" in out
    [event] = [e for e in office.json("history", "account/V1") if e["version"] == 2]
    assert (event["actor"], event["purpose"]) == ("finance:F1", "correction")


@pytest.mark.rule("LOG-01")
def test_the_same_id_does_nothing_twice(office: Office) -> None:
    """Whoever repeats it; with another content it is refused."""
    fields = (
        "--household", "V1", "--charge", "C1", "--kind", "parking", "--period", "2024-05",
        "--amount-fen", "12700", "--due", "2024-05-01", "--id", "cmd-1",
    )  # fmt: skip
    first = office.act("finance:F1", "raise-charge", *fields)
    before = office.json("verify")
    assert office.act("finance:F1", "raise-charge", *fields) == first
    assert office.act("director:F1", "raise-charge", *fields) == first
    status, _, err = office.run(
        "do", "raise-charge", *fields, "--amount-fen", "1", "--as", "finance:F1"
    )
    assert status == 2
    assert err.endswith("[CRM-F002]\n")
    assert office.json("verify") == before


def test_what_was_done_before_is_said(office: Office) -> None:
    on = "2024-05-01"
    office.charge(date(2024, 6, 1))
    said = ("--household", "V1", "--on", on, "--as", "specialist:S1")
    office.json("do", "advance-collection", *said)
    assert office.run("do", "advance-collection", *said)[1] == (
        "nothing recorded: that was done before\n"
    )


@pytest.mark.rule("PRV-03")
def test_personal_values_are_sealed_and_never_shown(office: Office) -> None:
    """Of a member, of a member of staff, and of an owner; each under their own key."""
    office.act(
        "specialist:S1", "add-member", "--household", "V1", "--member", "M2", "--role", "tenant",
        "--since", "2024-01-01", "--name", "李四", "--phone", "13912345678",
    )  # fmt: skip
    shown = office.json("show", "V1", "--purpose", "visit", "--as", "director:D1")
    assert [(r["member"], r["name"]) for r in shown["roles"]] == [
        ("V1#owner", "张三"), ("M2", "李四")
    ]  # fmt: skip
    office.act("director:D1", "register-staff", "--staff", "D1", "--role", "director",
               "--since", "2024-01-01", "--contact", "13812345678")  # fmt: skip
    stored = office.path.read_bytes()
    for text in ("张三", "李四", "13912345678", "13812345678"):
        assert text.encode() not in stored
    with open_crm(f"sqlite:///{office.path}", create=True) as crm:
        subjects = {
            getattr(value, "subject", None)
            for recorded in crm.log.feed()
            for value in attrs.asdict(recorded.event, recurse=False).values()
        }
    assert subjects - {None} == {"V1#owner", "M2", "D1"}


@pytest.mark.rule("OWN-10", "PRV-03")
def test_a_name_of_an_earlier_day_is_not_shown_as_todays(office: Office) -> None:
    """What is opened is what was told last; where the file had another name, it stays sealed."""
    earlier, later = date(2024, 1, 10), date(2024, 2, 10)
    office.on(earlier)
    office.register("V2", "102")
    office.on(later)
    office.act("specialist:S1", "change-contact", "--household", "V2", "--member", "V2#owner",
               "--reason", "misspelt", "--name", "章三")  # fmt: skip
    asked = ("show", "V2", "--purpose", "visit", "--as", "specialist:S1")
    names = [
        office.json(*asked, *on)["roles"][0]["name"]
        for on in ((), ("--on", "2024-02-10"), ("--on", "2024-02-09"))
    ]
    assert names == ["章三", "章三", "sealed"]


def test_truths_are_said_in_several_ways(office: Office) -> None:
    """`--approved`, `--approved yes`, `--no-approved`, `--approved no`."""
    office.charge(date(2024, 5, 1))
    ways = [
        (("--approved",), True), (("--approved", "yes"), True), (("--approved", "true"), True),
        (("--approved", "是"), True), (("--no-approved",), False), (("--approved", "no"), False),
        (("--approved=False",), False),
    ]  # fmt: skip
    for number, (way, approved) in enumerate(ways):
        waiver = ("--household", "V1", "--waiver", f"W{number}", "--on", "2024-05-02")
        office.act("finance:F1", "propose-waiver", *waiver, "--charge", "C1", "--amount-fen",
                   "100", "--reason", "flood")  # fmt: skip
        done = office.act("manager:M1", "decide-waiver", *waiver, *way, "--reason", "as said")
        assert (done["events"] == ["payments.charge_waived/1"]) is approved, way


def test_an_optional_word_is_whole_or_missing(office: Office) -> None:
    """A request with a time that the customer agreed to, and one without."""
    request = (
        "--household", "V1", "--channel", "phone", "--kind", "repair", "--trade", "engineering",
        "--severity", "general", "--summary", "lift", "--received-at", "2024-05-01T09:00:00+08:00",
        "--first-asked", "S1",
    )  # fmt: skip
    office.act("specialist:S1", "receive-request", "--request", "R1", *request)
    agreed = ("--agreed-due-at", "2024-05-02T09:00:00+08:00", "--agreed.member", "V1#owner")
    status, _, err = office.run("do", "receive-request", "--request", "R2", *request, *agreed,
                                "--as", "specialist:S1")  # fmt: skip
    assert status == 2
    assert [line.split(": ")[1] for line in err.splitlines()] == [
        "--agreed.channel", "--agreed.reference"
    ]  # fmt: skip
    office.act("specialist:S1", "receive-request", "--request", "R2", *request, *agreed,
               "--agreed.channel", "phone", "--agreed.reference", "call 9")  # fmt: skip
    [accepted] = office.events("request/R2", "requests.commitment_accepted")
    assert accepted["word"]["reference"] == "call 9"


# --- help and list -------------------------------------------------------------------------------


def test_the_list_says_who_may_and_what_is_said(office: Office) -> None:
    rows = {row["act"]: row for row in office.json("do", "--list")}
    assert [*rows] == [*acts()]
    table = next(p for p in shipped().refs() if p.name == DEFAULT_AUTHORITY)
    assert table.version == 1
    assert rows["decide-waiver"] == {
        "act": "decide-waiver", "slice": "payments", "roles": ["manager", "director"],
        "fields": [
            {"name": "household", "type": "text", "required": True, "several": False},
            {"name": "waiver", "type": "text", "required": True, "several": False},
            {"name": "approved", "type": "truth", "required": True, "several": False},
            {"name": "on", "type": "day", "required": True, "several": False},
            {"name": "reason", "type": "text", "required": False, "several": False},
        ],
    }  # fmt: skip
    assert {field["name"] for field in rows["contest-grading"]["fields"]} >= {
        "word.member", "word.channel", "word.reference"
    }  # fmt: skip
    for slice in {slice_of(command) for command in acts().values()}:
        listed = office.json("do", "--list", slice)
        assert {row["slice"] for row in listed} == {slice}
    office.refuses("slice_unknown", "do", "--list", "gossip")
    shown = office.run("do", "--list", "staff")[1].splitlines()
    assert shown[0].split() == ["act", "slice", "fields", "roles"]
    assert any("line shift staff start end" in line for line in shown)


def test_the_list_needs_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(tmp_path, monkeypatch)
    rows = office.json("do", "--list")
    office.db = str(tmp_path / "none.db")
    assert office.json("do", "--list") == rows
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("act", acts())
def test_the_help_of_every_act_names_its_fields_and_who_may(act: str, office: Office) -> None:
    for lang, needed in (("en", "needed"), ("zh", "必填")):
        status, out, err = office.run("--lang", lang, "do", act, "--help")
        assert (status, err) == (0, "")
        told = "".join(out.split())
        for field in fields_of(acts()[act]):
            assert f"{field.option} " in out
        assert needed in told
        assert "authority-cn-default/1" in told or act == "close-imported"


def test_alone_it_shows_how_it_is_used(office: Office) -> None:
    status, out, err = office.run("do")
    assert (status, out) == (2, "")
    assert "Usage: crm do" in err
    assert "raise-charge" in err


def test_acts_are_completed_by_the_shell() -> None:
    root = click.Context(command_line)
    assert isinstance(command_line, click.Group)
    group = command_line.get_command(root, "do")
    assert group is not None
    context = click.Context(group, root, "do")
    found = [item.value for item in group.shell_complete(context, "propose-")]
    assert found == [act for act in acts() if act.startswith("propose-")]
    act = Act("raise-charge", RaiseCharge)
    inner = click.Context(act, context, "raise-charge")
    assert "--amount-fen" in [item.value for item in act.shell_complete(inner, "--")]


# --- lines of JSON -------------------------------------------------------------------------------


def lines(office: Office, *told: Any, who: str = "finance:F1") -> tuple[int, list[Any], str]:
    """Status, answers and standard error."""
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in told)
    status, out, err = office.run("do", "-", "--as", who, stdin=text)
    return status, [json.loads(line) for line in out.splitlines()], err


def charge(number: int, **more: Any) -> dict[str, Any]:
    fields = {
        "household": "V1", "charge": f"C{number}", "kind": "parking", "period": "2024-05",
        "amount_fen": 12_700, "due": "2024-05-01",
    }  # fmt: skip
    return {"act": "raise-charge", "fields": fields, **more}


def test_lines_in_and_receipts_out(office: Office) -> None:
    """One line each, in order; blank lines are passed over, names are Chinese as they are."""
    member = {
        "act": "add-member",
        "fields": {"household": "V1", "member": "M2", "role": "tenant", "since": "2024-01-01",
                   "name": "李四"},
    }  # fmt: skip
    status, answers, err = lines(
        office, charge(1, id="a"), "", "   ", charge(2), member, who="specialist:S1"
    )
    assert (status, err) == (0, "")
    assert [answer["line"] for answer in answers] == [1, 4, 5]
    for answer in answers:
        assert set(answer) == {"line", "stream", "version", "position", "events"}
    assert [a["events"] for a in answers[:2]] == [["payments.charge_raised/1"]] * 2
    shown = office.json("show", "V1", "--purpose", "service", "--as", "specialist:S1")
    assert shown["roles"][1]["name"] == "李四"
    # The same lines again: the one with an id does nothing twice, the other is refused.
    status, answers, _ = lines(office, charge(1, id="a"), charge(2), who="specialist:S1")
    assert (status, answers[0]["version"]) == (1, 1)
    assert (answers[1]["refused"], answers[1]["rule"]) == ("charge_exists", "PAY-01")


def test_a_line_that_is_refused_stops_no_other(office: Office) -> None:
    status, answers, err = lines(office, charge(1), charge(1), charge(2))
    assert (status, err) == (1, "")
    assert ["events" in a for a in answers] == [True, False, True]
    assert answers[1]["details"] == {"charge": "C1"}
    assert "C1" in answers[1]["message"]
    status, answers, _ = lines(office, charge(3), who="auditor:A1")
    assert (status, answers[0]["refused"]) == (1, "role_insufficient")
    assert "finance" in answers[0]["details"]["accepted"]


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("key", ["by", "actor", "as"])
def test_a_line_does_not_say_who_acts(key: str, office: Office) -> None:
    """Neither beside the act nor among its fields."""
    beside = charge(1, **{key: "director:D1"})
    among = charge(2)
    among["fields"][key] = "director:D1"
    before = office.json("verify")
    status, answers, _ = lines(office, beside, among)
    assert status == 2
    assert [fault["code"] for a in answers for fault in a["invalid"]] == [
        "actor_said", "field_unexpected"
    ]  # fmt: skip
    assert office.json("verify") == before


MALFORMED: list[tuple[Any, list[str]]] = [
    ("nonsense", ["line_malformed"]),
    ("[1]", ["line_malformed"]),
    ('"raise-charge"', ["line_malformed"]),
    ("[" * 100_000, ["line_malformed"]),
    ({}, ["act_unknown"]),
    ({"act": "raise-chargee"}, ["act_unknown"]),
    ({"act": 7, "fields": {}}, ["act_unknown"]),
    ({"act": "accept-moved-payment"}, ["act_unknown"]),
    ({"act": "grab-order", "fields": {"request": "R1"}}, ["field_missing"]),
    ({"act": "grab-order", "fields": []}, ["value_malformed"]),
    ({"act": "grab-order", "field": {}}, ["field_unexpected", "field_missing", "field_missing"]),
    (charge(1, id=7), ["value_malformed"]),
    (charge(1, colour="red"), ["field_unexpected"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "amount_fen": "12700"}},
     ["value_malformed"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "amount_fen": 127.0}}, ["value_malformed"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "amount_fen": True}}, ["value_malformed"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "amount_fen": 2**60}}, ["value_malformed"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "due": 20240501}}, ["value_malformed"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "household": None}}, ["field_missing"]),
    ({**charge(1), "fields": {**charge(1)["fields"], "charge": "C\u202e1"}}, ["value_malformed"]),
    ({"act": "complete-step", "fields": {"household": "V1", "step": 1, "on": "2024-05-01",
      "proofs": {"kind": "notice", "reference": "x"}}}, ["value_malformed"]),
    ({"act": "complete-step", "fields": {"household": "V1", "step": 1, "on": "2024-05-01",
      "proofs": [{"kind": "notice"}, {"reference": 7, "x": 1, "kind": "notice"}]}},
     ["field_missing", "field_unexpected", "value_malformed"]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "codes"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_line_that_is_wrong_tells_all_its_faults(
    line: Any, codes: list[str], office: Office
) -> None:
    """And the next one is done all the same; the exit status says that input was bad."""
    status, answers, err = lines(office, line, charge(9))
    assert (status, err) == (2, "")
    told = answers[0]["invalid"]
    assert sorted(fault["code"] for fault in told) == sorted(codes)
    assert all(fault["message"] for fault in told)
    assert answers[1]["events"] == ["payments.charge_raised/1"]


def test_bytes_that_are_no_text_are_a_line_that_is_wrong(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, answers, err = lines(office, "\udcff".encode("utf-8", "surrogatepass").decode("latin1"))
    assert (status, err) == (2, "")
    assert answers[0]["invalid"][0]["code"] == "line_malformed"


@pytest.mark.rule("LOG-01")
def test_a_line_with_the_id_of_another_fails_alone(office: Office) -> None:
    status, answers, _ = lines(office, charge(1, id="a"), charge(2, id="a"), charge(3))
    assert status == 1
    assert (answers[1]["failed"], answers[1]["retry_safe"]) == ("CRM-F002", False)
    assert "events" in answers[2]


def test_no_lines_are_no_error(office: Office) -> None:
    assert lines(office) == (0, [], "")


def test_lines_may_be_many_acts_of_one_matter(office: Office) -> None:
    """What needs a second person needs a second call: a call is one person's."""
    waiver = {"household": "V1", "waiver": "W1", "on": "2024-05-02"}
    proposed = {**waiver, "charge": "C1", "amount_fen": 100, "reason": "flood"}
    both = [
        charge(1),
        {"act": "propose-waiver", "fields": proposed},
        {"act": "decide-waiver", "fields": {**waiver, "approved": True}},
    ]
    status, answers, _ = lines(office, *both, who="director:D1")
    assert (status, answers[2]["refused"]) == (1, "own_proposal")
    status, answers, _ = lines(office, both[2], who="manager:M1")
    assert (status, answers[0]["events"]) == (0, ["payments.charge_waived/1"])


def test_a_host_writes_the_same(office: Office) -> None:
    """What is done by hand is what `CRM.do` does."""
    office.charge(date(2024, 5, 1))
    with open_crm(f"sqlite:///{office.path}", create=True) as crm:
        command = RaiseCharge("V1", "C2", "management_fee", "2024-05", 10_000, date(2024, 5, 1))
        crm.do(command, by=Actor("F1", "finance"))
    first, second = office.events("account/V1", "payments.charge_raised")
    assert {**first, "charge": "C2"} == second


def test_words_are_evidence(office: Office) -> None:
    """Of a member of the household alone, and never of the staff."""
    office.charge(date(2024, 5, 1))
    dispute = (
        "--household", "V1", "--dispute", "D1", "--charge", "C1", "--amount-fen", "100",
        "--on", "2024-05-02", "--reason", "no lift",
    )  # fmt: skip
    who = ("specialist:S1", "dispute-charge", *dispute)
    office.refuses_act("not_a_member", *who, "--word.member", "V2#owner", *WORD[2:])
    office.refuses_act("word_of_staff", *who, "--word.member", "S1", *WORD[2:])
    office.refuses_act("unknown_channel", *who, *WORD[:2], "--word.channel", "dream", *WORD[4:])
    office.refuses_act("evidence_missing", *who, *WORD[:4], "--word.reference", "")
    assert office.act(*who, *WORD)["events"] == ["payments.charge_disputed/1"]
