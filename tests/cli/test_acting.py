"""Who acts on the command line: whoever is named, or the host's account; nobody else says it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import pytest

from cli.office import Office
from crm_adapters.cli.acting import CLAIMED, host
from crm_adapters.cli.acts import acts
from crm_adapters.cli.app import crm as command_line
from crm_adapters.cli.commands import COMMANDS
from crm_adapters.cli.fields import fields_of
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.text import check_id


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path, monkeypatch)


def actors(office: Office) -> set[str]:
    return {event["actor"] for event in office.json("history", "household/V1")}


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("before", [True, False])
def test_whoever_is_named_acts(before: bool, office: Office) -> None:
    """Before the command and behind it."""
    who = ("--as", "custodian:K-7")
    fields = (
        "--household", "V1", "--estate", "Anhe", "--building", "1", "--unit", "1", "--room", "1",
    )  # fmt: skip
    act = ("do", "register-household", *fields)
    status, _, err = office.run(*who, *act) if before else office.run(*act, *who)
    assert (status, err) == (0, "")
    assert actors(office) == {"custodian:K-7"}


@pytest.mark.rule("LOG-08")
def test_the_environment_names_who_acts_and_the_line_goes_before_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_AS", "auditor:A1")
    place = ("--estate", "Anhe", "--building", "1", "--unit", "1", "--room", "1")
    act = ("do", "register-household", "--household", "V1", *place)
    office.refuses("role_insufficient", *act)
    office.json(*act, "--as", "specialist:S1")
    assert actors(office) == {"specialist:S1"}


@pytest.mark.rule("LOG-08")
def test_without_a_name_it_is_the_account_of_the_host(office: Office) -> None:
    """It may do what the library is run for, and decides nothing that needs a person."""
    office.register()
    office.charge(date(2023, 1, 1))
    office.json("grade", "2023")
    office.json("tick")
    assert {e["actor"] for e in office.json("history", "grading/V1")} == {"host:wang"}
    said = office.refuses(
        "role_insufficient", "do", "cancel-charge", "--household", "V1", "--charge", "C1",
        "--on", "2023-01-02", "--reason", "wrong",
    )  # fmt: skip
    assert "specialist, supervisor, manager, director, finance" in said


@pytest.mark.parametrize(
    ("account", "identity"),
    [
        ("wang", "wang"),
        ("root", "root"),
        ("王芳", "王芳"),
        ("WANG\\fang", "WANG_fang"),
        ("wang fang", "wang_fang"),
        ("_www", "www"),
        ("../x", "x"),
        ("ｗang", "wang"),
        ("a" * 100, "a" * 64),
        ("", "unknown"),
        ("!!", "unknown"),
    ],
)
def test_an_account_becomes_an_id(
    account: str, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: account)
    assert str(host()) == f"host:{identity}"
    assert check_id(host().id) == identity


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("no name"), ImportError("pwd")])
def test_an_account_that_cannot_be_told_is_unknown(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    assert str(host()) == "host:unknown"


@pytest.mark.rule("LOG-08")
def test_every_role_but_the_systems_can_be_claimed(office: Office) -> None:
    """Who is claimed may still not do it; that is another matter."""
    assert {*ROLES} - {*CLAIMED} == {"system"}
    for role in CLAIMED:
        assert office.run("verify", "--as", f"{role}:X1")[0] == 0


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    "who",
    [
        "", ":", "specialist", "specialist:", ":S1", "S1", "boss:S1", "Specialist:S1",
        "system:crm", "system:", "specialist: S1", "specialist:S 1", " specialist:S1",
        "specialist:S1 ", "specialist:S/1", "specialist:\u202eS1", "specialist:" + "x" * 65,
        "specialist：S1", "专员:S1", "specialist:Ｓ1",
    ],
)  # fmt: skip
def test_nobody_is_named_wrongly(who: str, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the command, behind it and in the environment, in both languages: one line."""
    for lang in ("en", "zh"):
        office.refuses("usage_wrong", "--lang", lang, "--as", who, "verify")
        office.refuses("usage_wrong", "verify", "--as", who, "--lang", lang)
    if who:
        with monkeypatch.context() as environment:
            environment.setenv("CRM_AS", who)
            status, out, err = office.run("verify")
            assert (status, out) == (2, "")
            assert err.endswith("[CRM-I001 usage_wrong]\n")


def commands() -> Iterator[click.Command]:
    assert isinstance(command_line, click.Group)
    context = click.Context(command_line)
    for name in COMMANDS:
        command = command_line.get_command(context, name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from command.commands.values()


@pytest.mark.rule("LOG-08")
@pytest.mark.case("K29")
def test_nothing_but_the_option_says_who_acts() -> None:
    """No command has another option for it, and no act a field."""
    saying = {"by", "actor", "approver", "approved_by", "role_of", "confirmed_by", "taken_by"}
    for command in commands():
        options = {o.lstrip("-").replace("-", "_") for p in command.params for o in p.opts}
        assert not options & (saying | {"proposed_by", "as"}), command.name
    for act, command in acts().items():
        named = {field.name for field in fields_of(command)}
        assert not named & (saying | {"proposed_by", "recorded_by", "done_by"}), act
