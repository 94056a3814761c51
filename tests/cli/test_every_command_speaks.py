"""Every command speaks one language at a time, in help, results, faults and refusals.

Each is given on an estate that people have lived in, as `lived_in.ROWS` has it. Under `--lang zh`
no output holds a Latin word outside the short lists of this file, and under `--lang en` no Chinese
but what people of the estate wrote.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import lived_in
import pytest
from lived_in import NAMES, ROWS, TODAY
from office import Office

from crm_adapters.cli.acts import Lines, acts
from crm_adapters.cli.app import crm as command_line
from crm_adapters.cli.app import run
from crm_adapters.cli.fields import fields_of
from crm_adapters.cli.helping import Told
from crm_adapters.files.encodings import ENCODINGS
from crm_adapters.files.kinds import KINDS
from crm_adapters.slices import installed
from crm_core.application.papers import PAPERS
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.sentences import sentences
from papers import method

FORMS = {"CSV", "DOCX", "HTML", "JSON", "TOML", "XLSX", "csv", "docx", "html", "json", "xlsx"}
"""Forms of files, which have no Chinese names."""

PRODUCTS = {
    "APP", "HashiCorp", "ISO", "SQLite", "UTF-8", "Vault", "Word", "crm", "python", "sqlite"
}  # fmt: skip
"""Products and standards, and the program itself."""

PARTS = {"crm-core", "eventsourcing", "sqlalchemy"}
"""Packages whose versions `doctor` tells."""

STORY = {"E-complaints", "E-other", "E-receptions", "E-transactions", "E-visits", "ms"}
"""What people of the estate wrote in Latin letters, and no rule below knows by its form."""

IDS = re.compile(
    r"""
    [A-Z]{1,2}\d[\w.:#-]*             # of households, members, staff, requests: V00001#owner
    | \d{4}-[\w-]+ | [0-9a-f]{8,}     # of runs and reviews, digests
    | [a-z]+/[\w.:#/-]*\d[\w:#-]*     # streams: account/V00003
    | [a-z]+\d{4} | shop[_@\d]*\w*(@example\.cn)?  # words of the story with a year, and addresses
    | a01                             # of a room, as a place is compared
    | [a-z0-9_]+:(in-\d[\d-]+|[A-Z]\w*(-\d.*)?)  # visits: one_year:in-2023-11-01
    | [\w-]+/\d+ | [a-z-]+-cn-default # policies: credit-cn-default/1
    """,
    re.VERBOSE,
)
FILES = re.compile(r"[\w./:-]*\.(csv|db|db\.erased|db\.keys|docx|html|json|keys|toml|txt|xlsx)")
"""Names of files."""

CODES = re.compile(r"\[(CRM-[A-Z]\d{3} ?)?[a-z_0-9]*\]|\b[A-Z]{3}-\d\d\b|\bCRM_[A-Z_]+|_FD\b")
"""Codes of errors and rules, as documented, and names of variables of the environment."""

QUOTED = re.compile(r"`[^`\s]*`|`crm [a-z -]+`|(?<![\w-])--?[a-z][\w.-]*|\d{4}-\d\d-\d\dT[\d:+]+")
"""What is typed as it stands: a name of one word in back-ticks, an option, an instant."""

WORD = re.compile(r"(?<![\w.])[A-Za-z][\w.:#/@+-]*[\w](?!…)\b")
HAN = re.compile(r"[\u3400-\u9fff]+")
HAN_SIGNS = re.compile(r"[，。；：、（）“”]")
UTC_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
BARE_AMOUNT = re.compile(r"(?<![\d.,-])\d{4,}\.\d\d(?!\d)")
MANY_SECONDS = re.compile(r"(?<![\d.])\d{3,} (?:秒|s\b|seconds)")


# --- what is typed as it stands -------------------------------------------------------------------


def walked() -> Iterator[tuple[str, click.Command]]:
    """Every command by its path, but for the single acts."""
    assert isinstance(command_line, click.Group)
    context = click.Context(command_line)
    for name in command_line.list_commands(context):
        command = command_line.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            inner = (
                {"-": Lines()}
                if name == "do"
                else {one: command.commands[one] for one in command.commands}
            )
            yield from ((f"{name} {one}", sub) for one, sub in inner.items())
        if not isinstance(command, click.Group) or name == "do":
            yield name, command


COMMANDS = dict(walked())
ACT_WORDS = {*acts(), *(f.name for act in acts().values() for f in fields_of(act))}
SLICES = {*installed().slices}
KIND_WORDS = {kind.name for kind in KINDS} | {column for kind in KINDS for column in kind.columns}


def choices() -> Iterator[str]:
    for command in COMMANDS.values():
        for parameter in (*command.params, *Told.behind):
            yield from (word for option in parameter.opts for word in (option.lstrip("-"),))
            yield from getattr(parameter.type, "choices", ())


TYPED = (
    {part for path in COMMANDS for part in path.split()}
    | {*choices(), *ACT_WORDS, *ENCODINGS, *KIND_WORDS, *PAPERS, *ROLES, *SLICES}
    | {"any", "personalisation", "apprise", "console", "smtp", "smtps", "webhook+http"}
    | {"https", "webhook+https"}
    | {code.partition("_")[2] for code in sentences("words") if code.startswith("purpose_")}
)
"""Names of commands, options, acts, roles and whatever else is typed as it stands: in help, and
where a line says what would be accepted."""

BESIDE_THE_LOG = {
    *(task.name for task in installed().projections),
    *(source.name for source in installed().clock),
    "notices",
    "plans.watched",
    "reactions",
}
"""What follows the log, as `crm projections` names it."""

SURVEY = {*lived_in.SCALES, "comment", "improve_first", "parking", "reached_by"} | {
    "app", "counter", "email", "home_visit", "phone", "wechat",
}  # fmt: skip
"""Items of a survey and answers to them, as `crm survey cast --answer` takes them."""

NAMED_IN = {
    "data-map": SLICES,
    "do": {*ACT_WORDS, *SLICES, *ROLES, "Asia/Shanghai"},
    "doctor": PARTS,
    "document": {*PAPERS},
    "import": {"crm", "mapping", "tables", "columns", "readings", "date_forms"}
    | {"values", "person", "company", *KIND_WORDS},
    "keys status": {"aes-256-gcm"},
    "projections": {*BESIDE_THE_LOG, "clock"},
    "relay": {"relay.CRM"},
    "survey form": {*SURVEY},
    "todo": {*acts()},
}
"""What the results of a command name as it is typed for another."""


# --- the estate -----------------------------------------------------------------------------------


class Said(NamedTuple):
    """What a command said.

    Args:
        path: The command.
        line: What was given behind it.
        status: Its exit status.
        text: Standard output and standard error.
    """

    path: str
    line: str
    status: int
    text: str


@pytest.fixture(scope="module")
def all_said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Said]]:
    """Each row of each command, in both languages, each on an estate of its own."""
    return {lang: list(_said(lang, tmp_path_factory.mktemp(lang))) for lang in ("zh", "en")}


def _said(lang: str, folder: Path) -> Iterator[Said]:
    method.told(folder).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        office = Office(folder, patch)
        office.db = "crm.db"
        lived_in.lived_in(folder, office)
        office.on(TODAY)
        for path, lines in ROWS.items():
            for line in lines:
                with pytest.MonkeyPatch.context() as environment:
                    who, *given = shlex.split(line)
                    while "=" in who:
                        environment.setenv(*who.split("="))
                        who, *given = given
                    status, out, err = office.run(
                        "--lang", lang, *path.split(), *given, "--as", NAMES[who]
                    )
                yield Said(path, line, status, out + err)


# --- what holds -----------------------------------------------------------------------------------


def latin(text: str, allowed: set[str]) -> list[str]:
    """The Latin words of a text that no list allows."""
    left = QUOTED.sub(" ", CODES.sub(" ", text))
    return [
        word
        for word in WORD.findall(left)
        if word not in allowed
        and not (IDS.fullmatch(word) or FILES.fullmatch(word))
        and not {*re.split(r"[./:#@-]", word)} <= allowed
    ]


def test_the_reader_finds_latin_words() -> None:
    """It is no use if it passes over what it looks for."""
    for wrong in ("欠费 arrears", "计时 arrival-1", "not_there", "`no such` x y", "kept：是"):
        assert latin(wrong, PRODUCTS), wrong
    for right in ("V00001#owner 欠费", "`--on` 有误 [CRM-I001 usage_wrong]", "按 GRD-03", "B4"):
        assert not latin(right, PRODUCTS), right


def test_every_command_has_its_rows() -> None:
    """A command that is added is tried, too."""
    assert {*ROWS} == {*COMMANDS}


def test_every_command_is_tried_rightly_and_wrongly(all_said: dict[str, list[Said]]) -> None:
    """Each gives a result at least once, and a fault or a refusal at least once."""
    said = all_said["zh"]
    done = {one.path for one in said if one.status in (0, 1)}
    failed = {one.path for one in said if one.status == 2}
    assert sorted({*COMMANDS} - done) == sorted(NEVER_DONE)
    assert sorted({*COMMANDS} - failed) == sorted(NEVER_WRONG)


NEVER_DONE = {"replace-record", "uplift"}
"""What needs a run by its number, or promises kept; other tests do it."""

NEVER_WRONG = {
    "do -", "doctor", "imports", "keys status", "migrate", "policy list", "provisional",
    "survey list", "unkept", "verify", "visits of", "waiting",
}  # fmt: skip
"""What takes nothing that could be wrong."""


@pytest.mark.parametrize("path", COMMANDS)
def test_what_a_command_says_is_chinese(path: str, all_said: dict[str, list[Said]]) -> None:
    found = []
    for one in all_said["zh"]:
        if one.path == path:
            given = {*re.findall(r"[\w.:#/@-]+", f"{path} {one.line}"), *NAMES.values()}
            named = NAMED_IN.get(path, set())
            allowed = (
                FORMS | PRODUCTS | STORY | given | named | (TYPED if one.status == 2 else set())
            )
            found += [f"{path} {one.line}: {word}" for word in latin(one.text, allowed)]
    assert not found, "\n".join(found[:40])


WRITTEN = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (lived_in, method))


@pytest.mark.parametrize("path", COMMANDS)
def test_what_a_command_says_is_english(path: str, all_said: dict[str, list[Said]]) -> None:
    """But for what people of the estate wrote."""
    found = []
    for one in all_said["en"]:
        if one.path == path:
            runs = [run for run in HAN.findall(one.text) if run not in WRITTEN]
            signs = HAN_SIGNS.findall(QUOTED.sub("", one.text))
            found += [f"{path} {one.line}: {run}" for run in (*runs, *signs)]
    assert not found, "\n".join(found[:40])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_people_read_money_instants_and_durations(
    lang: str, all_said: dict[str, list[Said]]
) -> None:
    """Amounts with separators, instants by the estate's clock, durations in hours and minutes."""
    found = [
        f"{one.path} {one.line}: {text}"
        for one in all_said[lang]
        for form in (UTC_INSTANT, BARE_AMOUNT, MANY_SECONDS)
        for text in form.findall(QUOTED.sub("", one.text))
    ]
    assert not found, "\n".join(found[:40])


# --- help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", *COMMANDS, *(f"do {act}" for act in acts())])
def test_help_is_chinese(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path.split(), "--help", "--lang", "zh"]) == 0
    text = capsys.readouterr().out
    found = latin(text, FORMS | PRODUCTS | TYPED | IN_HELP)
    assert not found, found


IN_HELP = {
    "Asia/Shanghai", "CRM", "act", "cost_fen", "credit-cn-default", "economical", "events",
    "feasible", "fields", "id", "no", "sqlite:///crm.db", "toml", "yes",
}  # fmt: skip
"""Defaults and values that are told, and the endings of files."""


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", COMMANDS)
def test_what_is_wrong_with_a_line_is_in_one_language(
    path: str, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that there is not, and one without its value."""
    if path == "do -":
        return
    for wrong in ("--nonsense", "--db"):
        assert run(["--lang", lang, *path.split(), wrong]) == 2
        err = capsys.readouterr().err
        assert bool(HAN.search(err)) is (lang == "zh"), err
        assert lang == "en" or not latin(err, PRODUCTS | TYPED), err
