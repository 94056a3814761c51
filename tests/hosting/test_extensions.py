"""What other packages bring: the examples of the page, as a package that is installed."""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import extensions, open_crm
from crm_adapters.cli.app import run
from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.keys import LocalVault
from crm_adapters.notify import open_notifier
from crm_core import CRM, Actor, Personal
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.kernel.catalog import Catalog
from crm_core.owners import RegisterHousehold
from crm_core.payments import RaiseCharge
from crm_core.ports import EventLog
from crm_core.testing import EventLogContract, FactsEngineContract, NotifierContract

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "extend.md"
CLERK = Actor("S1", "specialist")
POINTS = """
[crm_core.notifiers]
letters = our_extensions:letters
[crm_core.event_logs]
lines = our_extensions:lines
[crm_core.commands]
owning = our_extensions:nothing
owing-most = our_extensions:owing_most
"""


def _page() -> tuple[str, dict[str, Any]]:
    """The examples as the text of a module, and the module."""
    text = PAGE.read_text(encoding="utf-8")
    source = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    names: dict[str, Any] = {"__name__": "our_extensions"}
    exec(compile(source, str(PAGE), "exec", dont_inherit=True), names)
    return source, names


SOURCE, OURS = _page()


class TestLetters(NotifierContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "letters"
        self.folder.mkdir()

    def make(self) -> Any:
        return OURS["letters"](f"letters:{self.folder}")

    def taken(self) -> list[tuple[str, str]]:
        texts = [path.read_text(encoding="utf-8") for path in sorted(self.folder.iterdir())]
        return [(text.split("\n", 1)[0], text) for text in texts]

    def unreachable(self) -> Any:
        return OURS["letters"](f"letters:{self.folder / 'gone'}")


class TestLines(EventLogContract):
    examples = 20

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_log(self, catalog: Catalog) -> EventLog:
        number = len(list(self.folder.iterdir()))
        store = OURS["lines"](f"lines://{self.folder / str(number)}", tenant="", create=True)
        return CodecEventLog(store, Codec(catalog, LocalVault()))

    def reopen(self, log: EventLog, catalog: Catalog) -> EventLog:
        store: Any = log.store  # type: ignore[attr-defined]
        if type(store).__name__ == "Lines":
            # What is kept is what the file says, and nothing besides.
            kept = OURS["Lines"](store._path)
            assert (kept._rows, kept._commands) == (store._rows, store._commands)
        return CodecEventLog(store, Codec(catalog, LocalVault()))


class TestRemembered(FactsEngineContract):
    name = "remembered"
    examples = 3

    def make_crm(self) -> CRM:
        return open_crm("memory:", engines=[OURS["Remembered"]])


def test_what_was_undone_comes_back_no_more(tmp_path: Path) -> None:
    path = tmp_path / "crm.lines"
    with open_crm("memory:") as crm:
        crm.host.log = CodecEventLog(
            OURS["lines"](f"lines://{path}", tenant="", create=True), crm.log.codec
        )  # type: ignore[attr-defined]
        household = RegisterHousehold("V1", "Anhe", "1", "1", "101")
        crm.do(household, by=CLERK)
        before = path.read_bytes()
        store: Any = crm.log.store  # type: ignore[attr-defined]
        row = store._rows[0]._replace(stream="x/1", version=1)
        batch = OURS["Batch"]([row], {"x/1": None}, [])

        def twice() -> None:
            with store.transaction() as writer:
                writer.insert(batch)
                writer.insert(batch)

        with pytest.raises(Conflict):
            twice()
        assert path.read_bytes() == before
    assert len(OURS["Lines"](path)._rows) == 2


# --- as a package that is installed --------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which a package that brings them is installed."""
    folder = tmp_path / "site"
    info = folder / "our_extensions-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-extensions\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS.replace("owning = our_extensions:nothing\n", ""))
    (folder / "our_extensions.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "our_extensions", raising=False)
    return folder


def points(site: Path, text: str, package: str = "our_extensions") -> None:
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(text)


def said(site: Path, *words: str, status: int = 0, lang: str = "en") -> str:
    """What `crm` prints and says."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out), chdir(site):
        found = run([*words, "--lang", lang])
    assert found == status, (words, out.getvalue())
    return out.getvalue()


def test_a_log_of_a_brought_store_is_opened_by_its_url(site: Path) -> None:
    url = f"lines://{site / 'estate.lines'}"
    with pytest.raises(Invalid) as missing:
        open_crm(url)
    assert missing.value.faults[0].code == "log_missing"
    with open_crm(url, create=True, keys=site / "keys") as crm:
        owner = Personal("V1#owner", "欧阳修")
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=owner), by=CLERK)
        assert crm.log.head() == 3
    with open_crm(url, keys=site / "keys") as again:
        assert again.verify().intact
        assert again.log.head() == 3
        # Nobody writes down here who saw what, so nothing is opened.
        with pytest.raises(Refused) as refused:
            again.reveal("V1", "V1#owner", "name", by=CLERK, purpose="service")
        assert refused.value.reason == "access_read_log"


def test_a_notifier_is_opened_by_its_scheme(site: Path) -> None:
    assert type(open_notifier(f"letters:{site}")).__name__ == "Letters"
    with pytest.raises(Invalid) as unknown:
        open_notifier("pigeon:x")
    assert " letters," in str(unknown.value)


def test_crm_has_a_command_more(site: Path) -> None:
    url = f"lines://{site / 'estate.lines'}"
    said(site, "create", "--db", url)
    with open_crm(url, keys=site / "crm.keys") as crm:
        for number, fen in (("V1", 100), ("V2", 300), ("V3", 200)):
            crm.do(RegisterHousehold(number, "Anhe", "1", "1", number), by=CLERK)
            charge = RaiseCharge(number, "C1", "parking", "2024", fen, OURS["date"](2024, 1, 1))
            crm.do(charge, by=CLERK)
    words = ("owing-most", "--on", "2024-06-30", "--db", url, "--format", "json")
    rows = json.loads(said(site, *words, "--as", "manager:M1", "--purpose", "collection"))
    assert rows == [
        {"household": "V2", "overdue_fen": 300},
        {"household": "V3", "overdue_fen": 200},
        {"household": "V1", "overdue_fen": 100},
    ]
    assert "--on" in said(site, "owing-most", status=2)
    assert "there is owing-most" in said(site, "owing-mots", status=2)


@pytest.mark.parametrize(
    ("lang", "told", "heading"),
    [
        ("en", "The ten who owe most.", "From other packages"),
        ("zh", "欠费最多的十户。", "其他软件包"),
    ],
)
def test_its_help_is_told_in_both_languages(site: Path, lang: str, told: str, heading: str) -> None:
    listed = said(site, "--help", lang=lang)
    assert told in listed
    assert heading in listed
    assert told in said(site, "owing-most", "--help", lang=lang)


BROKEN = {
    "has-no-such-name": ("our_extensions:nothing", "AttributeError"),
    "has-no-module": ("no_such_module:x", "ModuleNotFoundError"),
    "is-something-else": ("our_extensions:SLICES", "tuple"),
    "is-a-function": ("our_extensions:lines", "function"),
    "ends-itself": ("ends_itself:x", "SystemExit"),
}


def test_a_broken_command_is_named_and_stops_no_other(site: Path) -> None:
    (site / "ends_itself.py").write_text("raise SystemExit(0)\n")
    brought = [f"{name} = {where}" for name, (where, _) in BROKEN.items()]
    brought.append("owing-most = our_extensions:owing_most")
    points(site, "\n".join(["[crm_core.commands]", *brought]))
    listed = said(site, "--help")
    assert "The ten who owe most." in listed
    said(site, "create", "--db", "crm.db")
    doctor = said(site, "doctor", "--db", "crm.db", status=1)
    assert "something that another package brings cannot be used" in doctor
    for name, (_, why) in BROKEN.items():
        told = said(site, name, status=2)
        for word in ("our_extensions", name, why, "extension_unusable"):
            assert word in told
        assert f"as `{name}`" in doctor
        assert name in listed
    assert "intact" in said(site, "verify", "--db", "crm.db")


def test_two_packages_of_one_name_are_both_named(site: Path) -> None:
    points(site, "[crm_core.commands]\nowing-most = our_extensions:lines", "their_extensions")
    told = said(site, "owing-most", status=2)
    assert "extension_twice" in told
    assert "our-extensions" in told
    assert "their_extensions" in told
    assert said(site, "--version")


def test_a_package_replaces_nothing(site: Path) -> None:
    points(site, "[crm_core.commands]\nverify = our_extensions:owing_most\n"
                 "[crm_core.event_logs]\nsqlite = our_extensions:lines\n"
                 "[crm_core.notifiers]\nconsole = our_extensions:letters\n")  # fmt: skip
    said(site, "create", "--db", "crm.db")
    assert "intact" in said(site, "verify", "--db", "crm.db")
    told = json.loads(said(site, "doctor", "--db", "crm.db", "--format", "json", status=1))
    assert told["findings"] == ["extension_unusable"]
    [command] = [one for one in told["extensions"] if one["group"] == "crm_core.commands"]
    assert "keeps it" in command["error"]
    assert (site / "crm.db").read_bytes()[:15] == b"SQLite format 3"
    assert type(open_notifier("console:")).__name__ == "ConsoleNotifier"


def test_without_other_packages_there_is_nothing() -> None:
    assert list(extensions.everything()) == []
    assert extensions.found(extensions.COMMANDS, "owing-most") is None
