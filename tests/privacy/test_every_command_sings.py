"""Through every command and into every file: what was said of whoever is erased is gone (S11).

A command that is registered and not in the walk fails here, as does an option that names a file to
be written, and a field in which something else than a canary is sealed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli.office import Office
from cli.places import options
from crm_adapters import open_crm
from crm_adapters.frames import BACKENDS
from crm_core import CRM
from crm_core.application.papers import PAPERS
from crm_core.kernel.sealed import Plain
from crm_core.slices import registry
from privacy import walk_service
from privacy.canaries import Canaries, heard
from privacy.forgetting import sealed_of
from privacy.singing import HOME, KEEPER, MAIL, OTHER, Choir, heard_commands
from privacy.walk import GONE, book, forget, walk

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S11")]

ENGINE = next(iter(BACKENDS))
YEAR = "--from 2024-01-01 --to 2024-12-31"

LINES = {
    ("arrears", "out"): ["arrears --on 2024-12-01 --purpose collection --as finance:F1 --out {}"],
    ("credit-table", "out"): [
        "credit-table --on 2024-12-01 --purpose collection --as finance:F1 --out {}"
    ],
    ("directory", "out"): ["directory --on 2024-12-01 --purpose care --as supervisor:U1 --out {}"],
    ("document", "out"): [
        f"document {paper} {subject} --on 2025-01-31 --purpose care --as supervisor:U1 --out {{}}"
        for paper in PAPERS
        for subject in (HOME, "P1", "A1", "2024", "")
    ],
    ("export", "out"): [
        "export households --purpose care --as director:D1 --out {}",
        "export requests --purpose care --as director:D1 --out {}",
    ],
    ("export-person", "out"): [
        f"export-person {one} --purpose rights --as custodian:K1 --out {{}}"
        for one in (HOME, "V1#owner", "V3#owner", OTHER, "V5", "zhao --staff", "P00001 --staff")
    ],
    ("report", "out"): ["report 2024 --purpose care --as supervisor:U1 --out {}"],
    ("survey report", "out"): ["survey report P3 --as supervisor:U1 --out {}"],
}
"""What writes files about the company, with the purpose that opens what there is to open."""

TELLS_NOBODY = {("backup", "out"), ("document", "model"), ("import", "rejects")}
"""A copy of the log, a form that nobody has filled in; rejected rows have a test of their own."""


class Sung(NamedTuple):
    """A company before and after some of it is forgotten."""

    home: Path
    canaries: Canaries
    taken: set[type]
    silent: list[str]
    before: dict[str, set[str]]
    opened: dict[str, set[str]]
    rows: list[Any]
    root: tuple[int, str]
    replay: Any
    replayed: Any
    said: str
    written: set[tuple[str, str]]
    explained: str


def rows_of(home: Path) -> list[Any]:
    with closing(sqlite3.connect(f"file:{home / 'crm.db'}?mode=ro", uri=True)) as file:
        return list(file.execute("SELECT * FROM crm_events ORDER BY position"))


def opened(crm: CRM) -> set[str]:
    """Every text that opens."""
    found = (crm.host.vault.open(value, place) for place, value in sealed_of(crm))
    texts = {one.text.removesuffix(MAIL) for one in found if isinstance(one, Plain)}
    purposes = (
        recorded.envelope.purpose for name in _streams(crm) for recorded in crm.history(name)
    )
    return texts | {one for one in purposes if isinstance(one, str)}


def _streams(crm: CRM) -> set[str]:
    return {recorded.stream for recorded in crm.log.feed()}


def write(office: Office, home: Path) -> set[tuple[str, str]]:
    """Every file that a command writes; which of them could be written."""
    done = set()
    for option, lines in LINES.items():
        for number, line in enumerate(lines):
            ending = "json" if option == ("export-person", "out") else "html"
            ending = "csv" if option[0] in ("export", "directory", "arrears") else ending
            out = home / f"{option[0].replace(' ', '-')}-{number}.{ending}"
            status, _, err = office.run(*line.format(out).split())
            if status == 0:
                done.add(option)
            else:
                assert option[0] == "document", err
    return done


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sung]:
    """The walk, every file that can be made of it, and then the erasing."""
    top = tmp_path_factory.mktemp("sung")
    home = top / "ours"
    home.mkdir()
    canaries = Canaries()
    with pytest.MonkeyPatch.context() as patch, heard_commands() as taken:
        office = Office(home, patch)
        url = f"sqlite:///{office.path}"
        with open_crm(url) as crm:
            choir = Choir(crm, canaries)
            walk(choir, top / "theirs")
            silent = list(choir.silent())
            # A host with clocks of its own, which the command line does not know.
            other = f"sqlite:///{home / 'clocks.db'}"
            with open_crm(other, create=True, policies=book()) as crm_of_clocks:
                timed = Choir(crm_of_clocks, canaries)
                walk_service.clocks(timed)
                silent += timed.silent()
                crm_of_clocks.privacy.erase(HOME, by=KEEPER, purpose=canaries.new(HOME))
            for view in crm.registry.projections:
                crm.views.catch_up(view)
            first = opened(crm)
            root = crm.log.root()
        office.on(date(2028, 2, 2))
        replay = office.json("replay", "2024", "--engine", ENGINE, "--as", "supervisor:U1")
        written = write(office, home)
        before, rows = (
            heard(home, [one for all_ in canaries.of.values() for one in all_]),
            rows_of(home),
        )
        with open_crm(url) as crm:
            choir.crm, crm.host.clock = crm, choir.clock
            forget(choir)
            second = opened(crm)
            assert crm.verify(deep=True).intact
            assert crm.log.root(root.events).root == root.root
        again = office.json("replay", "2024", "--engine", ENGINE, "--as", "supervisor:U1")
        explained = (
            office.run("explain", HOME, "2024", "--as", "supervisor:U1", "--purpose", "care")[1]
            + office.run("show", HOME, "--as", "supervisor:U1", "--purpose", "care")[1]
        )
        said = "".join("".join(office.run(*line.split())[1:]) for line in LOOKS)
        yield Sung(
            home, canaries, set(taken), silent, before, {"first": first, "second": second},
            rows, (root.events, root.root), replay, again, said, written, explained,
        )  # fmt: skip


LOOKS = [
    f"history {HOME} --as supervisor:U1",
    "todo --as supervisor:U1",
    f"who-saw {HOME} --as custodian:K1",
    f"messages {HOME} --as supervisor:U1",
    "find canary --as supervisor:U1 --purpose care",
]
"""What people look at afterwards."""


def of(sung: Sung, *whose: str) -> set[str]:
    return {text for one in whose for text in sung.canaries.of[one]}


def test_every_command_is_given(sung: Sung) -> None:
    assert {kind.__name__ for kind in {*registry().by_command} - sung.taken} == set()


def test_a_canary_stands_in_every_text_and_personal_value(sung: Sung) -> None:
    assert sung.silent == []


def test_every_file_that_a_command_writes_is_made_of_it(sung: Sung) -> None:
    assert sung.written | TELLS_NOBODY == {
        (command, option) for command, option, kind in options() if kind == "file"
    }
    assert len(of(sung, HOME) & sung.before["export-1.csv"]) > 10
    assert sung.before.keys() >= {"export-person-0.json", "document-0.html"}


def test_before_they_stand_in_no_file_but_those_made_for_people(sung: Sung) -> None:
    made = {option[0].replace(" ", "-") for option in LINES}
    assert {name for name in sung.before if not name.startswith((*made,))} == set()


def test_no_byte_tells_of_who_is_erased(sung: Sung) -> None:
    assert heard(sung.home, sorted(of(sung, *GONE))) == {}
    assert not [one for one in of(sung, *GONE) if one in sung.said + sung.explained]


def test_no_key_opens_what_was_said_of_them_and_every_other_opens(sung: Sung) -> None:
    assert sung.opened["second"] & of(sung, *GONE) == set()
    others = sung.canaries.of.keys() - {*GONE}
    lost = sung.opened["first"] & of(sung, *others) - sung.opened["second"]
    assert lost == set()
    assert of(sung, OTHER, "V2#owner") <= sung.opened["second"]


def test_no_row_of_the_log_has_changed_and_all_of_it_decides_the_same(sung: Sung) -> None:
    assert rows_of(sung.home)[: len(sung.rows)] == sung.rows
    assert {**sung.replayed, "seconds": 0} == {**sung.replay, "seconds": 0}
    assert "personal value erased" in sung.explained


def test_the_files_of_others_stay(sung: Sung) -> None:
    assert heard(sung.home, sorted(of(sung, "V5#owner"))).keys() == {"export-person-4.json"}
    # What was moved from one account to another is about both, and stood in the copy of both.
    assert not (sung.home / "export-person-3.json").exists()
