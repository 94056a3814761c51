"""The core decides from what it is given: no clock, chance or environment, no input or output."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import crm_core
import crm_core.testing

PACKAGE = Path(crm_core.__file__).parent
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "testing" not in path.relative_to(PACKAGE).parts
)


def run(script: str, *arguments: str) -> Any:
    """What a script prints as JSON in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- what importing brings in --------------------------------------------------------------------

HEAVY = (
    "click",
    "crm_adapters",
    "cryptography",
    "eventsourcing",
    "hypothesis",
    "jinja2",
    "msgspec",
    "polars",
    "psycopg",
    "pytest",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "asyncio",
    "socket",
    "logging",
    "random",
    "secrets",
)


def test_importing_the_core_loads_no_store_no_cipher_and_no_test_tool() -> None:
    """`pip install crm-core` alone is enough, and a host gets nothing it did not ask for."""
    loaded = run(
        """
        import json, sys
        before = set(sys.modules)
        import crm_core.crm, crm_core.ports
        print(json.dumps(sorted(set(sys.modules) - before)))
        """
    )
    mine = {name for name in loaded if name.partition(".")[0] == "crm_core"}
    assert {"crm_core.crm", "crm_core.kernel.decider"} <= mine
    assert not any(name.startswith("crm_core.testing") for name in mine)
    allowed = {"attr", "attrs", "cattr", "cattrs", "crm_core", "typing_extensions"}
    foreign = {name.partition(".")[0] for name in loaded} - allowed - sys.stdlib_module_names
    assert {name for name in foreign if not name.startswith("_")} == set()
    # What attrs and cattrs bring along is theirs; the rest of the list is forbidden outright.
    baseline = run(
        """
        import json, sys
        before = set(sys.modules)
        import attrs, cattrs, importlib.resources, tomllib, zoneinfo, fractions
        print(json.dumps(sorted(set(sys.modules) - before)))
        """
    )
    brought = (set(loaded) - set(baseline)) & set(HEAVY)
    assert brought == set()


def test_importing_the_core_loads_nothing_that_only_some_programs_use() -> None:
    """Studies, and what reads tables, are loaded by the first who uses them."""
    loaded = run(
        """
        import json, sys
        import attrs, cattrs
        before = set(sys.modules)
        import crm_core
        print(json.dumps(sorted(set(sys.modules) - before)))
        """
    )
    late = {
        "crm_core.application.studies",
        "crm_core.gradings.studies.fairness",
        "crm_core.gradings.studies.what_if",
    }
    assert (late | {"importlib.resources", "tomllib"}) & set(loaded) == set()


def test_importing_leaves_the_standard_library_as_it_was() -> None:
    """Nothing is patched, no handler installed, no warning filter changed."""
    changed = run(
        """
        import dataclasses, datetime, enum, json, signal, sys, warnings
        import attrs, cattrs
        def seen():
            return [
                {name: id(value) for name, value in vars(module).items()}
                for module in (dataclasses, datetime, enum, json)
            ] + [list(map(repr, warnings.filters)), sys.excepthook is sys.__excepthook__,
                 repr(signal.getsignal(signal.SIGTERM))]
        before = seen()
        import crm_core.crm
        after = seen()
        print(json.dumps([i for i, (a, b) in enumerate(zip(before, after)) if a != b]))
        """
    )
    assert changed == []


# --- what deciding does --------------------------------------------------------------------------


def test_deciding_opens_no_file_outside_the_package_and_no_connection() -> None:
    """A year of a household over a log in memory: registered, charged, asked, graded, replayed."""
    opened = run(
        """
        import json, os, sys
        from datetime import UTC, date, datetime, timedelta
        import crm_core
        from crm_core import Actor, Personal, Word, shipped
        from crm_core.owners import RegisterHousehold, TransferOwnership
        from crm_core.payments import RaiseCharge, ReceivePayment, RecordPurchase
        from crm_core.requests import ConfirmClosing, MakeCommitment, ReceiveRequest, ReportDone
        from crm_adapters import open_crm
        from crm_core.kernel.dates import local_date
        crm = open_crm("memory:")
        local_date(datetime(2011, 1, 1, tzinfo=UTC))  # the zone's own file is read once
        import tomllib  # Python's own, loaded with the first policy that is asked for

        watched = ("open", "os.", "shutil.", "subprocess.", "socket.", "sqlite3.connect",
                   "urllib.", "http.", "ftplib.", "tempfile.", "import")
        seen = []
        def hook(event, args):
            if event.startswith(watched):
                seen.append([event, str(args[0]) if args else ""])
        sys.addaudithook(hook)

        by, at = Actor("S17", "specialist"), datetime(2011, 3, 1, 1, tzinfo=UTC)
        for policy in shipped().refs():
            pass
        owner = Personal("V00001#owner", "x")
        other = Actor("S18", "specialist")
        word = Word("V00001#owner", "phone", "call 1")
        def do(command, by=by):
            crm.do(command, by=by, at=at)
        do(RegisterHousehold("V00001", "a", "b", "c", "d", owner=owner, moved_in=at.date()))
        do(RaiseCharge("V00001", "C1", "parking", "2011", 100, at.date()))
        do(ReceivePayment("V00001", "P1", 100, at.date(), "cash"))
        do(RecordPurchase("V00001", "B1", "x", 1000000, at.date()))
        do(ReceiveRequest("R1", "V00001", "phone", "repair", "cleaning", "major", "x", at, "S17"))
        do(MakeCommitment("R1", "x", at + timedelta(hours=1), at))
        do(ReportDone("R1", at + timedelta(hours=1)))
        do(ConfirmClosing("R1", at + timedelta(hours=2), "satisfied", word), other)
        bought = Personal("V00001#m2", "y")
        do(TransferOwnership("V00001", "V00001#m2", date(2011, 6, 1), bought, "sold"))
        run = crm.grade(2011)
        assert len(run.gradings) == 1
        crm.explain("V00001", 2011)
        assert crm.replay().identical == 1
        list(crm.accounts.credit(date(2011, 12, 31)))
        assert crm.verify().intact
        print(json.dumps([seen, os.path.dirname(crm_core.__file__)]))
        """
    )
    events, package = opened
    # Reading the package's own policies counts as reading code (decision record 0008).
    outside = [
        (event, path)
        for event, path in events
        if event != "import"
        and not (event in ("open", "os.listdir", "os.scandir") and path.startswith(package))
        and not path.endswith((".py", ".pyc", ".so"))
    ]
    assert outside == []


@pytest.mark.rule("GRD-08")
def test_deciding_says_the_same_whatever_the_hash_seed_and_the_zone_of_the_machine() -> None:
    """The root over every stored byte, computed on four machines that differ."""
    script = """
        import json
        from datetime import UTC, date, datetime
        from crm_core import Actor
        from crm_core.owners import RegisterHousehold
        from crm_core.payments import RaiseCharge
        from crm_core.requests import ReceiveRequest
        from crm_adapters import open_crm
        at = datetime(2011, 12, 31, 17, tzinfo=UTC)
        crm = open_crm("memory:")
        class Clock:
            def now(self):
                return at
        crm.host.clock = Clock()
        by = Actor("S17", "specialist")
        for n in range(20):
            h = f"V{n:05}"
            crm.do(RegisterHousehold(h, "a", "b", "c", str(n)), by=by, at=at, id=f"1-{n}")
            crm.do(RaiseCharge(h, "C1", "parking", "2011", 100, date(2011, 3, 1)), by=by, at=at,
                   id=f"2-{n}")
            crm.do(ReceiveRequest(f"R{n}", h, "phone", "enquiry", "cleaning", "major", "x", at,
                   "S17"), by=by, at=at, id=f"3-{n}")
        crm.grade(2011)
        # What is sealed is never the same twice; what it says is.
        told = crm.host.texts.each(crm.log.feed())
        print(json.dumps([repr((e.event, e.effective, e.recorded)) for e in told]))
    """
    found = set()
    for seed, zone, locale in (
        ("0", "UTC", "C"),
        ("1", "Pacific/Kiritimati", "C.UTF-8"),
        ("4242", "America/New_York", "C"),
        ("77", "Asia/Kolkata", "POSIX"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            capture_output=True,
            text=True,
            check=False,
            env={
                "PYTHONHASHSEED": seed,
                "TZ": zone,
                "LC_ALL": locale,
                "PYTHONPATH": ":".join(sys.path),
            },
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


# --- what stands in the source -------------------------------------------------------------------

FORBIDDEN_NAMES = {
    "today",
    "utcnow",
    "utcfromtimestamp",
    "monotonic",
    "perf_counter",
    "urandom",
    "environ",
    "getenv",
    "uuid1",
    "uuid4",
    "token_hex",
    "shuffle",
    "randint",
}
FORBIDDEN_CALLS = {"open", "float", "print", "input", "eval", "exec", "compile", "__import__", "id"}
FORBIDDEN_MODULES = {
    "asyncio",
    "http",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
    "locale",
    "pickle",
}
READS_THE_PACKAGE = {
    *("data_map.py", "packaged.py", "public_holidays.py", "registry.py", "sentences.py"),
}


def _faults(path: Path, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        at = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"{at} a float"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                # A path of the package is joined with the same sign.
                if path.name not in READS_THE_PACKAGE:
                    yield f"{at} a division that gives a float"
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"{at} {name}()"
            case ast.Attribute(attr=name) if name in FORBIDDEN_NAMES:
                yield f"{at} .{name}"
            case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr="now"):
                yield f"{at} the machine's clock"
            case ast.Attribute(attr="read_text" | "read_bytes" | "write_text" | "write_bytes"):
                if path.name not in READS_THE_PACKAGE:
                    yield f"{at} a file"
            case ast.Import(names=names):
                for name in names:
                    if name.name.partition(".")[0] in FORBIDDEN_MODULES:
                        yield f"{at} import {name.name}"
            case ast.ImportFrom(module=str(module)):
                if module.partition(".")[0] in FORBIDDEN_MODULES:
                    yield f"{at} from {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_of_the_core_reaches_for_anything_it_was_not_given(path: Path) -> None:
    assert list(_faults(path, ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now()",
        "date.today()",
        "datetime.utcnow()",
        "import random",
        "from time import time",
        "import os.path",
        "from uuid import uuid4",
        "x = os.environ",
        "x = 0.5",
        "x = 1e3",
        "x = a / b",
        "x /= 2",
        "float(x)",
        "open(x)",
        "path.read_text()",
        "key = id(x)",
    ],
)
def test_the_scan_finds_what_it_is_for(line: str) -> None:
    assert list(_faults(PACKAGE / "x.py", ast.parse(line)))


def test_the_scan_lets_pass_what_the_core_needs() -> None:
    fine = "x = a // b\ny = crm.clock.now()\nz = parse(file.read_text())\n"
    assert list(_faults(PACKAGE / "registry.py", ast.parse(fine))) == []
    assert len(MODULES) > 40


# --- what the package says about itself ----------------------------------------------------------


@pytest.mark.parametrize("package", [crm_core, crm_core.testing], ids=lambda p: p.__name__)
def test_every_public_name_is_listed_once_and_documented(package: Any) -> None:
    names = package.__all__
    assert len(set(names)) == len(names)
    for name in names:
        value = getattr(package, name)
        documentation = inspect.getdoc(value)
        assert documentation, name
        inherited = inspect.isclass(value) and value.__doc__ is None
        assert not inherited, f"{name} has the words of another"
        assert documentation[0].isupper() or documentation[0] == "`", name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_and_every_public_thing_in_it_is_documented(path: Path) -> None:
    """Somebody who reads an explanation in five years reads this too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module itself"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
