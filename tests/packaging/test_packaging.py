"""The package: the same source gives the same bytes, and its interface is what was promised."""

from __future__ import annotations

import inspect
import os
import re
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import building
import pytest

from crm_core.application.ways import WAYS
from crm_core.slices import registry

GOLDEN = Path(__file__).parents[1] / "golden" / "api.txt"
REWRITE = os.getenv("CRM_REWRITE_GOLDEN") == "1"
MODULES = (
    "crm_core",
    "crm_core.hosting",
    "crm_core.testing",
    "crm_core.testing.vectors",
    "crm_adapters",
    "crm_adapters.cli.brought",
    "crm_adapters.hosting",
    "crm_adapters.telemetry",
)
"""Where others import from."""


Built = tuple[Path, dict[str, str]]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What was built twice, and the digests of both."""
    out = tmp_path_factory.mktemp("dist")
    return out, building.main(out)


def test_the_same_source_gives_the_same_wheel_and_sdist(twice: Built) -> None:
    """Wherever it lies, whenever, with whatever rights and order of files (S19)."""
    _, digests = twice
    assert sorted(name.rpartition(".")[2] for name in digests) == ["gz", "whl"]


def test_another_source_gives_another_wheel_and_sdist(twice: Built, tmp_path: Path) -> None:
    """Else the comparison would find nothing."""
    changed = building.copy_of(tmp_path / "x", 1_500_000_000, 0o644)
    page = changed / "src" / "crm_core" / "policies.py"
    page.write_text(page.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    found = building.built(changed, tmp_path / "y", None)
    assert {name for name, digest in twice[1].items() if found[name] != digest} == set(found)


def test_the_wheel_has_what_is_read_at_run_time_and_nothing_of_ours(twice: Built) -> None:
    [wheel] = twice[0].glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "crm_core/py.typed", "crm_adapters/py.typed", "crm_core/testing/vectors/chain.json",
        "crm_core/gradings/policies/grade-cn-default-2.toml", "crm_core/sentences/faults.toml",
    ):  # fmt: skip
        assert needed in names
    assert all(name.startswith(("crm_core", "crm_adapters")) for name in names)
    assert not any(
        "__pycache__" in name or name.endswith((".pyc", ".db", ".keys")) for name in names
    )


# --- the interface ------------------------------------------------------------------------------


def signature(function: Any) -> str:
    """A signature in which no default shows an address."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(function)))


def described(name: str, value: Any) -> Iterator[str]:
    """The lines of a public thing: itself, and of a class what others may call."""
    if isinstance(value, type):
        shown = "" if issubclass(value, Exception) else _made(value)
        yield f"class {name}{shown}"
        for member, found in sorted(vars(value).items()):
            if not member.startswith("_") and callable(getattr(value, member)):
                if not isinstance(found, type) and not member.startswith("test_"):
                    yield f"  {member}{signature(getattr(value, member))}"
            elif isinstance(found, property):
                yield f"  {member}"
    elif callable(value):
        yield f"{name}{signature(value)}"
    elif not isinstance(value, ModuleType):
        yield f"{name}: {type(value).__name__}"


def _made(cls: type) -> str:
    try:
        return signature(cls)
    except (TypeError, ValueError):
        return ""


def public(module: ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
    return sorted(name for name in own if not name.startswith("_"))


def interface() -> Iterator[str]:
    for name in MODULES:
        module = import_module(name)
        yield f"# {name}"
        for one in public(module):
            yield from described(one, getattr(module, one))
        yield ""
    yield "# commands, with what a caller gives"
    for act in sorted(registry().acts.values(), key=lambda act: act.name):
        if isinstance(act.what, type):
            fields = ", ".join(field.name for field in attrs.fields(act.what))
            yield f"{act.name}: {act.what.__name__}({fields})"
    yield ""
    yield "# questions"
    yield from sorted(WAYS)


def test_the_interface_is_the_one_that_was_promised() -> None:
    """Names and signatures; a difference is a decision, and is told in the changelog (Q10)."""
    text = "\n".join(interface()) + "\n"
    if REWRITE:
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text


def test_the_snapshot_shows_what_others_use() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    for promised in (
        "class CRM(",
        "  do(self, command",
        "open_crm(",
        "receive-payment: ReceivePayment(",
    ):
        assert promised in text
    assert len(text.splitlines()) > 400
