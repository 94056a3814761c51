"""The documentation is true: what it shows runs, what it lists is complete, its links lead on."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from access_page import render as render_access
from authority_page import render as render_authority
from data_map_page import render as render_data_map
from events_page import render
from limits_page import render as render_limits
from papers_page import render as render_papers

import crm_core
from crm_adapters import open_crm
from crm_adapters.cli.app import crm as command_line
from crm_adapters.cli.app import run
from crm_adapters.data_map import whole
from crm_adapters.files.kinds import KINDS
from crm_core import Actor, errors, ports
from crm_core.errors import CrmError
from crm_core.gradings.engines import port as facts_engine
from crm_core.kernel import projection, recorded
from crm_core.owners import DrawSample
from crm_core.payments import ReceivePayment
from crm_core.plans import DecideAssessment, GatherInformation, OpenPlan, ProposeAssessment
from crm_core.plans.assessments import KINDS as ASSESSED
from crm_core.requests.improvement import ProposeImprovement
from crm_core.slices import catalog, registry
from crm_core.surveys import OpenSurvey
from crm_core.visits import RecordOccasion
from relay.server import Server

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("changelog.d/*.md")])
REWRITE = os.getenv("CRM_REWRITE_DOCS") == "1"

ERRORS = ROOT / "docs" / "reference" / "errors.md"
EVENTS = ROOT / "docs" / "reference" / "events.md"
DATA_MAP = ROOT / "docs" / "reference" / "data-map.md"
ACCESS = ROOT / "docs" / "reference" / "access.md"
PAPERS = ROOT / "docs" / "reference" / "papers.md"
AUTHORITY = ROOT / "docs" / "reference" / "authority.md"
CLI = ROOT / "docs" / "reference" / "cli.md"
LIMITS = ROOT / "docs" / "reference" / "limits.md"
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"
IMPORT = ROOT / "docs" / "how-to" / "import.md"
ELSEWHERE = {"eventsourcing-application.md"}
"""Pages that have a test of their own."""


# --- blocks ------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A fenced block: its language, what stands behind it, its text, and its line."""

    language: str
    rest: str
    text: str
    line: int


FENCE = re.compile(r"^```(\w*) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(m[1], m[2], m[3], text[: m.start()].count("\n") + 1) for m in FENCE.finditer(text)
    ]


RUNNING = [
    page
    for page in PAGES
    if page.name not in ELSEWHERE
    and any(block.language in ("python", "console") for block in blocks(page))
]


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_blocks_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python blocks share names; `crm` commands end as shown and print every line shown.

    A block of another language with a file name behind it is written to that file.
    """
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python":
            # As somebody's own program: nothing of this module reaches into it.
            text = "\n" * block.line + block.text
            code = compile(text, str(page), "exec", dont_inherit=True)
            exec(code, names)
        elif block.language == "console":
            run_console(block, page, monkeypatch)
        elif block.rest:
            Path(block.rest).write_text(block.text, encoding="utf-8")


class Step(NamedTuple):
    """A command of a console block, what is shown below it, and how it is said to end."""

    command: str
    shown: list[str]
    status: int


def steps(block: Block) -> Iterator[Step]:
    command, shown, status = "", list[str](), 0
    for line in [*block.text.splitlines(), "$ "]:
        if not line.startswith("$ "):
            shown.append(line)
        elif line == "$ echo $?":
            command, shown = f"{command}\0", [*shown, "\0"]
        else:
            if command.endswith("\0"):
                mark = shown.index("\0")
                [said] = shown[mark + 1 :]
                command, shown, status = command[:-1], shown[:mark], int(said)
            if command:
                yield Step(command, shown, status)
            command, shown, status = line[2:], [], 0


def run_console(block: Block, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in steps(block):
        if step.command.startswith("export "):
            name, _, value = step.command.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
        if not step.command.startswith("crm "):
            continue
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            status = run(shlex.split(step.command)[1:])
        printed = [plain(line) for line in out.getvalue().splitlines()]
        at = f"{page.name}:{block.line}: {step.command}\n{out.getvalue()}"
        assert status == step.status, at
        for line in step.shown:
            pattern = ".*".join(re.escape(part) for part in plain(line).split("…"))
            assert any(re.fullmatch(pattern, found) for found in printed), f"{line}\n{at}"


def plain(line: str) -> str:
    """Without the spaces that line up columns."""
    return " ".join(line.split())


def test_the_readme_begins_with_the_two_commands() -> None:
    """What works on a fresh machine is promised to the letter."""
    first = next(iter(blocks(ROOT / "README.md")))
    commands = [line.partition("  #")[0].strip() for line in first.text.splitlines()]
    assert commands == ["pip install nox && nox -s demo", "pip install nox && nox -s tests"]


def test_a_console_block_is_read_as_a_person_reads_it() -> None:
    """The reader of blocks itself: commands, output, and statuses."""
    text = "$ crm a\none\n…\n$ crm b\n$ echo $?\n1\n$ ls\n$ crm c d\ntwo\n$ echo $?\n2\n"
    assert list(steps(Block("console", "", text, 1))) == [
        Step("crm a", ["one", "…"], 0),
        Step("crm b", [], 1),
        Step("ls", [], 0),
        Step("crm c d", ["two"], 2),
    ]


# --- links -------------------------------------------------------------------------------------

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as they are made where pages are shown."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        kept = re.sub(r"[^\w\- ]", "", shown.lower())
        found.add(kept.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that a link names in them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name}: {target}"


def test_the_index_names_every_page_of_the_shelves() -> None:
    """A page that nobody finds is not documentation."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {
        (ROOT / "docs" / target.partition("#")[0]).resolve() for target in LINK.findall(index)
    }
    for shelf in ("tutorial", "how-to", "reference", "explanation", "zh"):
        for page in (ROOT / "docs" / shelf).glob("*.md"):
            assert page.resolve() in linked, page.name


# --- errors.md ---------------------------------------------------------------------------------


def classes() -> list[type[CrmError]]:
    """Every class of the tree with a code of its own."""
    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, CrmError) and kind is not CrmError
    ]
    assert len({kind.code for kind in found}) == len(found)
    return found


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.code)
def test_every_error_has_a_section_with_its_code_and_whether_to_retry(
    kind: type[CrmError],
) -> None:
    text = ERRORS.read_text(encoding="utf-8")
    section = text.split(f"## {kind.code} {kind.__name__}\n")[1].partition("\n## ")[0]
    assert ("Repeating it is safe." in section) is kind.retry_safe


def called(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def words(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Refusals(ast.NodeVisitor):
    """Reason codes and rules of every refusal in a module, those put together from parts too."""

    def __init__(self, tree: ast.Module, neighbours: Sequence[ast.Module] = ()) -> None:
        self.found: set[tuple[str, str]] = set()
        # A refusal that several modules of a slice share is put together where they call it.
        self._calls = [call for one in (tree, *neighbours) for call in calls_in(one)]
        self._inside: list[ast.FunctionDef] = []
        self._loops: list[ast.For] = []
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside.append(node)
        self.generic_visit(node)
        self._inside.pop()

    def visit_For(self, node: ast.For) -> None:
        self._loops.append(node)
        self.generic_visit(node)
        self._loops.pop()

    def visit_Call(self, node: ast.Call) -> None:
        if called(node) == "Refusal":
            code, rule = node.args[0], node.args[1]
            for values in self._ways([n.id for n in ast.walk(node) if isinstance(n, ast.Name)]):
                self.found.add((self._text(code, values), self._text(rule, values)))
        self.generic_visit(node)

    def _text(self, node: ast.expr, values: dict[str, str]) -> str:
        if isinstance(node, ast.JoinedStr):
            return "".join(
                self._text(v.value if isinstance(v, ast.FormattedValue) else v, values)
                for v in node.values
            )
        if isinstance(node, ast.Name):
            return values[node.id]
        found = words(node)
        assert found is not None, ast.dump(node)
        return found

    def _ways(self, used: list[str]) -> Iterator[dict[str, str]]:
        """What the names can stand for: arguments of calls, or values of a loop."""
        for loop in self._loops:
            if told := turns(loop):
                yield from told
                return
        function = self._inside[-1]
        arguments = [argument.arg for argument in function.args.args]
        names = [*arguments, *(argument.arg for argument in function.args.kwonlyargs)]
        calls = [(c, loop) for c, loop in self._calls if called(c) == function.name]
        if not calls or not set(names) & set(used):
            yield {}
        for call, loop in calls:
            for turn in turns(loop) or [{}]:
                told = [*zip(arguments, call.args, strict=False)]
                told += [(given.arg or "", given.value) for given in call.keywords]
                said = {name: _word(value, turn) for name, value in told}
                yield {name: word for name, word in said.items() if word is not None}


def _word(node: ast.expr, turn: dict[str, str]) -> str | None:
    return turn.get(node.id) if isinstance(node, ast.Name) else words(node)


def turns(loop: ast.For | None) -> list[dict[str, str]]:
    """What the names of a loop over written values stand for, turn by turn."""
    if (
        loop is None
        or not isinstance(loop.target, ast.Tuple)
        or not isinstance(loop.iter, ast.Tuple)
    ):
        return []
    target = [getattr(name, "id", "") for name in loop.target.elts]
    found = []
    for item in loop.iter.elts:
        assert isinstance(item, ast.Tuple)
        told = zip(target, map(words, item.elts), strict=True)
        found.append({name: word for name, word in told if word is not None})
    return found


def calls_in(
    tree: ast.AST, loop: ast.For | None = None
) -> Iterator[tuple[ast.Call, ast.For | None]]:
    """Calls of functions by their bare names, each with the innermost loop around it.

    A name of the kernel's `refusals` is bare as well.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and (
            isinstance(node.func, ast.Name)
            or getattr(getattr(node.func, "value", None), "id", "") == "refusals"
        ):
            yield node, loop
        yield from calls_in(node, node if isinstance(node, ast.For) else loop)


def refusals() -> set[tuple[str, str]]:
    found = set()
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
    for path, tree in trees.items():
        if "testing" not in path.parts:
            sharing: list[ast.Module] = []
            if path.name == "answers.py" or path.parts[-2:] == ("plans", "refusals.py"):
                sharing = [one for other, one in trees.items() if other.parent == path.parent]
            elif path.parts[-2:] == ("deciding", "refusals.py"):
                sharing = [one for other, one in trees.items() if path.parents[1] in other.parents]
            elif path.parts[-2:] == ("kernel", "refusals.py"):
                sharing = [one for one in trees.values() if speaks_of_refusals(one)]
            found |= Refusals(tree, [one for one in sharing if one is not tree]).found
    return found


def speaks_of_refusals(tree: ast.Module) -> bool:
    """Whether a module imports the refusals that every slice gives in the same way."""
    return any(
        f"{node.module}.{alias.name}".startswith("crm_core.kernel.refusals")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+")
FAULTY = {"Fault", "of", "one", "CellFault", "_fault", "fault", "ImportFault", "Cell", "one_of"}


def fault_codes() -> set[str]:
    """Codes of faults: words among the arguments of what makes them."""
    found = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and called(node) in FAULTY:
                found |= {word for a in node.args if (word := words(a)) and CODE.fullmatch(word)}
        found |= set(re.findall(r"\{(?:Invalid|Failed)\.code\} (\w+)\]", text))
    columns = {column for kind in KINDS for column in kind.columns}
    return found - columns


def rows(page: Path) -> list[list[str]]:
    """The cells of every table row of a page."""
    return [
        re.split(r"\s*\|\s*", line.strip("| "))
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]


def test_every_refusal_is_listed_with_its_rule_and_no_other() -> None:
    """Reason code and rule of each refusal in the code stand in one row of the page."""
    coded = refusals()
    assert {("charge_exists", "PAY-01"), ("unknown_trade", "REQ-01")} <= coded
    assert all(CODE.fullmatch(code) and re.fullmatch(r"[A-Z]+-\d\d", rule) for code, rule in coded)
    listed = {
        (row[0].strip("`"), rule)
        for row in rows(ERRORS)
        if len(row) == 3 and CODE.fullmatch(row[0].strip("`"))
        for rule in re.findall(r"[A-Z]+-\d\d", row[1])
    }
    assert listed == coded


def test_every_code_of_a_fault_is_listed_and_no_other() -> None:
    """Codes of wrong input stand in tables of two columns."""
    coded = fault_codes()
    assert {"url_malformed", "amount_malformed", "cell_empty", "usage_wrong"} <= coded
    listed = {
        row[0].strip("`")
        for row in rows(ERRORS)
        if len(row) == 2 and CODE.fullmatch(row[0].strip("`"))
    }
    assert listed == coded


def test_the_import_page_lists_every_column_and_header() -> None:
    """Each column with the Chinese header that stands for it."""
    listed = {tuple(row[:2]) for row in rows(IMPORT) if len(row) == 4}
    for kind in KINDS:
        chinese = {column: header for header, column in kind.aliases.items()}
        for column in kind.columns:
            assert (f"`{column}`", chinese[column]) in listed, f"{kind.name}.{column}"


# --- events.md ---------------------------------------------------------------------------------


def test_the_page_of_events_is_the_one_rendered_from_the_catalog() -> None:
    """No event and no field is missing or out of date; `CRM_REWRITE_DOCS=1` writes it anew."""
    if REWRITE:
        EVENTS.write_text(render(registry()), encoding="utf-8")
    text = EVENTS.read_text(encoding="utf-8")
    assert text == render(registry())
    for name in catalog().names():
        assert f"### `{name}`" in text


# --- authority.md ------------------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
def test_the_page_of_the_authority_policy_is_the_one_rendered_from_it() -> None:
    """Who may do what is printed, and the print is true; `CRM_REWRITE_DOCS=1` writes it anew."""
    if REWRITE:
        AUTHORITY.write_text(render_authority(registry()), encoding="utf-8")
    assert AUTHORITY.read_text(encoding="utf-8") == render_authority(registry())


# --- access.md ---------------------------------------------------------------------------------


@pytest.mark.rule("PRV-01")
def test_the_page_of_the_access_policy_is_the_one_rendered_from_it() -> None:
    """Who may see what is printed, and the print is true; `CRM_REWRITE_DOCS=1` writes it anew."""
    if REWRITE:
        ACCESS.write_text(render_access(), encoding="utf-8")
    assert ACCESS.read_text(encoding="utf-8") == render_access()


# --- limits.md ---------------------------------------------------------------------------------


def test_the_page_of_limits_is_the_one_rendered_from_the_code() -> None:
    """`CRM_REWRITE_DOCS=1` writes it anew."""
    if REWRITE:
        LIMITS.write_text(render_limits(), encoding="utf-8")
    assert LIMITS.read_text(encoding="utf-8") == render_limits()


# --- data-map.md -------------------------------------------------------------------------------


@pytest.mark.rule("PRV-02")
def test_the_page_of_the_data_map_is_the_one_rendered_from_it() -> None:
    """No field is missing and none is of another class; `CRM_REWRITE_DOCS=1` writes it anew."""
    page = render_data_map(whole(registry()))
    if REWRITE:
        DATA_MAP.write_text(page, encoding="utf-8")
    assert DATA_MAP.read_text(encoding="utf-8") == page


# --- papers.md ---------------------------------------------------------------------------------


@pytest.mark.rule("REP-01")
def test_the_page_of_papers_is_the_one_rendered_from_their_declarations() -> None:
    """Every field with what it comes from; `CRM_REWRITE_DOCS=1` writes it anew."""
    page = render_papers(registry())
    if REWRITE:
        PAPERS.write_text(page, encoding="utf-8")
    assert PAPERS.read_text(encoding="utf-8") == page


# --- cli.md ------------------------------------------------------------------------------------


def commands() -> list[str]:
    assert isinstance(command_line, click.Group)
    return command_line.list_commands(click.Context(command_line))


def section(name: str) -> str:
    text = CLI.read_text(encoding="utf-8")
    return text.split(f"## `crm {name}`\n")[1].partition("\n## ")[0]


def options(command: click.Command) -> set[str]:
    """Options of a command, or of all commands of a group."""
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    found = {option for parameter in command.params for option in parameter.opts}
    found = {option for option in found if option.startswith("-")}
    return found if command is command_line else found.union(*map(options, inner))


@pytest.mark.parametrize("name", commands())
def test_the_page_of_commands_lists_every_option_and_argument_and_no_other(name: str) -> None:
    """Those of every command are said once, for all of them."""
    assert isinstance(command_line, click.Group)
    command = command_line.get_command(click.Context(command_line), name)
    assert command is not None
    listed = {
        option
        for row in re.findall(r"^\| `(-.*?)`", section(name), re.MULTILINE)
        for option in re.findall(r"--[a-z-]+", row)
    }
    assert listed == options(command)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            shown = parameter.make_metavar(click.Context(command)).removesuffix("...")
            if shown.startswith("["):
                shown = shown[1:-1].removesuffix("...")
            assert f"`{shown}`" in section(name)


def test_the_page_of_commands_lists_the_options_of_all() -> None:
    text = CLI.read_text(encoding="utf-8")
    general = text.partition("\n## `crm ")[0]
    for option in options(command_line):
        assert f"`{option}" in general, option
    assert re.findall(r"^## `crm ([a-z-]+)`$", text, re.MULTILINE) == commands()


NOON = "2024-12-31T12:00:00Z"

PLAN = ProposeImprovement(
    plan="P1",
    measure="check valves every week",
    metric="late_share",
    dimension="trade",
    value="engineering",
    baseline_start=date(2024, 1, 1),
    baseline_end=date(2024, 12, 31),
    runs_from=date(2150, 1, 1),
    runs_to=date(2150, 12, 31),
    change_per_mille=-200,
    responsible="S1",
    supervisor="M1",
)


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, nats_server: Server) -> dict[str, Any]:
    """The JSON of every command, on a small estate."""
    folder = tmp_path_factory.mktemp("answers")
    db = f"sqlite:///{folder / 'crm.db'}"
    estate = str(folder / "estate")
    by_s1 = ("--as", "specialist:S1")
    uplift = ("uplift", "H00001", "2024", "--on", "2025-01-10")
    asked = {
        "generate": ["generate", "--households", "5", "--years", "2023-2024", "--out", estate],
        "import": ["import", estate],
        "imports": ["imports"],
        "undo": ["undo", "1", "--reason", "another month", "--dry-run"],
        "export": ["export", "charges", "--out", str(folder / "charges.csv")],
        "grade": ["grade", "2024", "--known", "2024-03-01T00:00:00Z"],
        "grades": ["grades", "2024"],
        "runs": ["runs", "2024"],
        "replace-record": [
            *("replace-record", "2024", "--reason", "as it was known in March"),
            *("--as", "director:D1"),
        ],
        "affected": ["affected"],
        "account": ["account", "H00001", "--on", "2024-12-31"],
        "ageing": ["ageing", "--on", "2024-12-31"],
        "arrears": ["arrears", "--on", "2024-01-15", "--known", "2024-01-02T00:00:00Z"],
        "changes": ["changes", "2023-01-01", "2024-12-31", "H00001", "H00002", "H00003"],
        "credit": ["credit", "--on", "2024-12-31"],
        "credit-table": [
            *("credit-table", "--on", "2024-12-31"),
            *("--out", str(folder / "credit.csv")),
        ],
        "limitation": ["limitation", "--on", "2030-12-31", "--known", "2024-03-15T00:00:00Z"],
        "explain": ["explain", "H00001", "2024", "--for", "auditor"],
        "erase": [
            *("erase", "H00002", "--purpose", "rights", "--as", "custodian:C1", "--dry-run"),
        ],
        "export-person": [
            *("export-person", "H00001", "--purpose", "rights", "--as", "custodian:C1"),
            *("--out", str(folder / "copy.json")),
        ],
        "history": ["history", "H00001"],
        "keys": ["keys", "status"],
        "migrate": ["migrate"],
        "purchases": ["purchases", "2024"],
        "replay": ["replay"],
        "report": ["report", "2024", "--out", str(folder / "2024.html")],
        "request": ["request", "R00001-0001"],
        "sample": ["sample", "Q1"],
        "visits": ["visits", "of", "H00001"],
        "segments": [
            *("segments", "age_band", "--purpose", "greetings", "--as", "supervisor:U1"),
        ],
        "find": ["find", "H00001"],
        "show": ["show", "H00001", "--purpose", "return visit", *by_s1],
        "who-saw": ["who-saw", "H00001", "--purpose", "rights", "--as", "custodian:C1"],
        "statistics": ["statistics", "--from", "2024-01-01", "--to", "2024-12-31"],
        "unkept": ["unkept", "--as", "supervisor:U1"],
        "tick": ["tick", "--now", "2024-12-31T16:00:00Z"],
        "todo": ["todo", "--now", "2024-12-31T16:00:00Z", "--as", "director:D2"],
        "verify": ["verify"],
        "projections": ["projections"],
        "work": ["work", "--once"],
        "warnings": ["warnings", "--on", "2001-01-01"],
        "greeting": ["greeting"],
        "improvement": ["improvement", "P1"],
        "care": ["care", "--year", "2024"],
        "plans": ["plans"],
        "cover": ["cover", "hotline", "--from", NOON, "--to", NOON],
        "data-map": ["data-map"],
        "demo": ["demo", estate, "--out", str(folder / "demo")],
        "directory": ["directory"],
        "document": ["document", "graded-list", "--out", str(folder / "list.html")],
        "do": ["do", "--list"],
        "doctor": ["doctor"],
        "fairness": ["fairness", "2024"],
        "policy": ["policy", "list"],
        "provisional": ["provisional"],
        "quota": ["quota", "2024", "--as", "manager:M1"],
        "shares": ["shares", "2024"],
        "what-if": ["what-if", "2024", "--policy", "grade-cn-monotone/1"],
        "notify": ["notify", "--to", "console:", "--once"],
        "messages": ["messages", "H00001"],
        "relay": ["relay", "--to", nats_server.url, "--once"],
        "propose-type": [
            *("propose-type", "H00001", "2024", "cautious", "--reason", "thrifty"),
            *by_s1,
        ],
        "confirm-type": ["confirm-type", "H00001", "2024", "--as", "supervisor:U1"],
        "uplift": [*uplift, "--propose", "--reason", "keeps every word", *by_s1],
        "contest": [
            *("contest", "H00001", "2024", "--reason", "wrong", "--as", "owner:H00001#owner"),
        ],
        "waiting": ["waiting"],
        "review": [
            *("review", "H00001", "2024-1", "upheld", "--reason", "right", "--as", "director:D2"),
        ],
        "automatic": ["automatic", "H00002", "refuse", "--as", "owner:H00002#owner"],
        "confirm": ["confirm", "H00002", "2024", "--as", "supervisor:U1"],
        "preference": ["preference", "H00001", "H00001#owner", "any", "refuse", *by_s1],
        "preferences": ["preferences", "H00001"],
        "incident": ["incident", "list", "--as", "custodian:C1"],
        "survey": ["survey", "list"],
        "backup": ["backup", "--out", str(folder / "copy.db")],
        "create": ["create", "--db", str(folder / "new.db")],
    }
    found = {}
    for name, arguments in asked.items():
        if name == "notify":
            with open_crm(db) as crm:
                payment = ReceivePayment("H00001", "new-1", 100, crm.clock.now().date(), "cash")
                crm.do(payment, by=Actor("S17", "finance"))
        if name == "visits":
            with open_crm(db) as crm:
                on = crm.clock.now().date()
                told = RecordOccasion("H00001", "O1", "installation", on, "order 7")
                crm.do(told, by=Actor("U1", "supervisor"))
                crm.tick()
        if name == "sample":
            with open_crm(db) as crm:
                draw = DrawSample("Q1", "lottery 7", 1, ("name",), crm.clock.now().date())
                crm.do(draw, by=Actor("U1", "supervisor"))
        if name == "improvement":
            with open_crm(db) as crm:
                crm.do(PLAN, by=Actor("S17", "specialist"))
        if name == "plans":
            begin_a_plan(db)
        if name == "survey":
            with open_crm(db) as crm:
                today = crm.clock.now().date()
                crm.do(
                    OpenSurvey("S1", today + timedelta(days=1), today + timedelta(days=9)),
                    by=Actor("U1", "supervisor"),
                )
        if name == "incident":
            leak = ("incident", "open", "L1", "--severity", "general", "--summary", "a lost list")
            ask(db, *leak, "--discovered", NOON)
        if name == "grades":
            # What is not the trial that was graded before it.
            ask(db, "grade", "2024")
        trial = [found["grade"]["run"]] if name == "replace-record" else []
        found[name] = ask(db, *arguments, *trial)
        if trial:
            ask(db, *arguments, *trial, "--moves", str(len(found[name]["moved"])))
    return found


def begin_a_plan(db: str) -> None:
    """A plan for a household, from its assessment on."""
    one, other = Actor("S1", "specialist"), Actor("U1", "supervisor")
    with open_crm(db) as crm:
        today = crm.clock.now().date()
        for kind in ASSESSED:
            gathered = GatherInformation("A1", "H00001", f"I-{kind}", kind, today, "x", "file 7")
            crm.do(gathered, by=one)
        told = ("summary", "strategy", "requirements", "gap", "method", "steady")
        crm.do(ProposeAssessment("A1", today, today, *told, today), by=one)
        crm.do(DecideAssessment("A1", today, "steady"), by=other)
        crm.do(OpenPlan("P1", "a visit", today, "H00001", "A1"), by=one)


def ask(db: str, *arguments: str) -> Any:
    """The JSON of a command that is done."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert run(["--db", db, "--format", "json", *arguments]) == 0, err.getvalue()
    return json.loads(out.getvalue())


@pytest.mark.parametrize("name", commands())
def test_the_page_of_commands_lists_every_key_of_the_json(
    name: str, answers: dict[str, Any]
) -> None:
    """Of the object, or of the objects in the list."""
    answer = answers[name]
    if isinstance(answer, list):
        assert answer
        answer = answer[0]
    for key in answer:
        assert f'"{key}"' in section(name), key


# --- glossary.md -------------------------------------------------------------------------------


def test_every_term_of_the_glossary_is_in_its_place_with_its_chinese() -> None:
    """Terms in three columns, sorted, none twice; abbreviations in two behind them."""
    terms, short = (
        [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()[2:]]
        for part in re.findall(r"(?:^\|.*\n)+", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert {len(row) for row in terms} == {3}
    assert {len(row) for row in short} == {2}
    for table in (terms, short):
        names = [row[0].casefold() for row in table]
        assert names == sorted(set(names))
    for term, chinese, meaning in terms:
        assert re.search(r"[\u4e00-\u9fff]", chinese), term
        assert meaning.endswith("."), term


def test_the_words_of_public_names_are_in_the_glossary() -> None:
    """Of what the core exports, of its ports, and of what is recorded and followed."""
    terms = re.findall(r"^\| ([^|(]+)", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    known = {
        word for term in terms for word in re.findall(r"[a-z]+", term.casefold().replace("-", ""))
    }
    public = set(crm_core.__all__)
    for module in (facts_engine, ports, projection, recorded):
        public |= {
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        }
    missing = set()
    for name in public:
        words = [word.casefold() for word in re.findall(r"[A-Z][a-z]+", name)]
        missing |= {word for word in words if {word, f"{word}s", word[:-1]}.isdisjoint(known)}
    assert missing <= PLAIN


PLAIN = {
    "error",
    "refused",
    "rows",
    "invalid",
    "failed",
    "reused",
    "unknown",
    "gathered",
    "ask",
    "put",
    "remove",
}
"""Everyday words, which mean in a name what they mean anywhere."""
