"""The house stays as it was built: tests that stand alone, short rooms, arguments with names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import crm_adapters
import crm_core

CORE, ADAPTERS = Path(crm_core.__file__).parent, Path(crm_adapters.__file__).parent
TESTS = Path(__file__).parent
MODULES = [
    (path, path.relative_to(root.parent).as_posix())
    for root in (CORE, ADAPTERS)
    for path in sorted(root.rglob("*.py"))
]

# --- tests stand alone ---------------------------------------------------------------------------


def imported_tests(tree: ast.AST) -> Iterator[str]:
    """Names of test modules that a module imports, wherever in it."""
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "", *(alias.name for alias in node.names)]
        for module in modules:
            if module.rpartition(".")[2].startswith("test_"):
                yield module


@pytest.mark.parametrize(
    "path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.relative_to(TESTS).as_posix()
)
def test_no_test_imports_another_test(path: Path) -> None:
    """What two of them need stands in a module that is no test, so that each runs alone."""
    found = list(imported_tests(ast.parse(path.read_text(encoding="utf-8"))))
    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from test_payments import DEFAULT", True),
        ("from payments.test_payments import DEFAULT", True),
        ("from payments import test_payments", True),
        ("def late():\n    import payments.test_payments as other", True),
        ("from testing import contracts", False),
        ("import test", False),
    ],
)
def test_an_import_of_a_test_is_recognised(source: str, found: bool) -> None:
    assert bool(list(imported_tests(ast.parse(source)))) is found


# --- rooms are short -----------------------------------------------------------------------------

LINES_MAX = 700

_EXCEPTIONS: dict[str, tuple[int, str]] = {
    "crm_adapters/files/generate.py": (904, "one estate, drawn in the order of its files"),
}
"""Longer modules: how long each is today, and why it is one room; shorter is always welcome."""


def test_modules_are_short_enough_to_be_read_at_once() -> None:
    lines = {name: len(path.read_bytes().splitlines()) for path, name in MODULES}
    allowed = {name: length for name, (length, _) in _EXCEPTIONS.items()}
    long = {name: many for name, many in lines.items() if many > allowed.get(name, LINES_MAX)}
    assert long == {}, "split it where it stands in parts already, or say why it is one room"
    done = {name for name in allowed if lines.get(name, 0) <= LINES_MAX}
    assert done == set(), "no exception is needed any more"


# --- arguments have names ------------------------------------------------------------------------

COVERED = (
    "application",
    "gradings",
    "kernel",
    "messages",
    "opinions",
    "owners",
    "payments",
    "privacy",
    "requests",
    "staff",
    "testing",
)
"""Packages of the core of which it is asked."""

POSITIONAL_MAX = 4

FOLDING_PATH = ("books.py", "evolve.py", "ledger.py", "narrow.py", "state.py", "views.py")
"""Modules of the slices where each event of a log costs: there a name for each field is felt."""


def constructed(call: ast.Call) -> tuple[str, list[ast.expr]]:
    """The class that a call makes an instance of, and what it is given by place; or nothing."""
    function, arguments = call.func, call.args
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name == "builds" and arguments:
        # Of Hypothesis: it calls what stands first.
        return constructed(ast.Call(arguments[0], arguments[1:], []))
    makes = name == "cls" or (name[:1].isupper() and name != "TypeVar")
    return (name, arguments) if makes else ("", [])


def unnamed(tree: ast.AST) -> Iterator[str]:
    """Calls that make an instance from more than a few arguments without their names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, arguments = constructed(node)
            if len(arguments) > POSITIONAL_MAX:
                yield f"{name}, line {node.lineno}"


def must_name(module: str) -> bool:
    """Whether it is asked of a module, such as `crm_core/kernel/dates.py`."""
    _, package, *inner = module.split("/")
    slices = package not in ("kernel", "testing")
    return package in COVERED and not (slices and inner[-1:] and inner[-1] in FOLDING_PATH)


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=name) for path, name in MODULES if must_name(name)]
)
def test_instances_of_many_fields_are_made_by_name(path: Path) -> None:
    """Two texts that change places would pass the type checker, and stay in the record for ever."""
    assert list(unnamed(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Charge(home, number, kind, fen, due)", True),
        ("commands.Charge(home, number, kind, fen, due, note='')", True),
        ("st.builds(Charge, home, number, kind, fen, due)", True),
        ("cls(home, number, kind, fen, due)", True),
        ("Charge(home, number, kind, fen, due=due)", False),
        ("st.builds(Charge, home, number, kind, fen)", False),
        ("charge(home, number, kind, fen, due)", False),
        ("T = TypeVar('T', int, str, bool, bytes)", False),
    ],
)
def test_a_call_without_names_is_recognised(source: str, found: bool) -> None:
    assert bool(list(unnamed(ast.parse(source)))) is found
