"""What kept rows say has a mark: it cannot change without a new one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from crm_adapters import open_crm
from crm_adapters.frames import shapes
from crm_adapters.frames.kept import Kept, Shape
from crm_adapters.frames.shapes import FactsShape, GradingsShape
from crm_core import CRM, Actor, Personal
from crm_core.gradings.engines.narrow import Kind
from crm_core.kernel.word import Word
from crm_core.opinions.commands import RecordOpinion, WithdrawOpinion
from crm_core.owners import AddMember, AgreeDebtor, EndRole, RegisterHousehold
from crm_core.payments import (
    DecideWaiver,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    TakeBackWaiver,
)
from crm_core.payments.commands import AgreeClause
from crm_core.payments.events import Part
from crm_core.testing.towns import Town, fill, known_at, plant_errors
from import_estates import HOUSEHOLD, PURCHASE, take_in

CLERK, MANAGER = Actor("S1", "specialist"), Actor("M1", "manager")
CODE = "allocation-cn-civil-code"
GOLDEN = Path(__file__).parents[1] / "golden/kept_rows.txt"

CHANGED = (
    "the rows of {name} are not those that stand in golden/kept_rows.txt. Where the same events"
    " make other rows than before, count up {made} in frames/shapes.py, or rows kept by an earlier"
    " version are taken for these. Then, or where only the town or a shipped policy is another,"
    " write the line anew: {line}"
)


class StoppedClock:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def sold_and_corrected(crm: CRM) -> None:
    """What happens to no household of a town: it changes hands, and its money is odd."""
    at, owner, tenant = known_at(2010), Personal("X1#owner", "An"), Personal("X1#t", "Bo")
    word = Word("X1#owner", "letter", "letter 1")
    on, later = date(2010, 3, 1), date(2010, 4, 1)
    charges = [
        RaiseCharge("X1", number, kind, "2010", fen, on, **more)
        for number, kind, fen, more in (
            ("C1", "management_fee", 300_00, {}),
            ("C2", "enforcement_costs", 20_00, {}),
            ("C3", "management_fee", -10_00, {"corrects": "C1"}),
            ("C4", "parking", 10_00, {"debtor": "X1#owner"}),
        )
    ]
    for by, command in (
        (CLERK, RegisterHousehold("X1", "E1", "1", "1", "1", owner=owner)),
        (CLERK, AddMember("X1", "X1#t", "tenant", on, tenant)),
        (CLERK, AgreeDebtor("X1", "A1", "X1#t", on, "lease 1", until=later)),
        (CLERK, EndRole("X1", "X1#owner", "owner", later, "sold")),
        (CLERK, AgreeClause("X1", "K1", "allocation", CODE, on, "contract 1", word)),
        *((CLERK, charge) for charge in charges),
        (CLERK, RecordOpinion("X1", "O1", "forum", "X1#owner", on, "thread 7")),
        (CLERK, WithdrawOpinion("X1", "O1", on, "of another household")),
        (CLERK, ReceivePayment("X1", "P1", 5_00, on, "cash", parts=(Part("C1", 2_00),))),
        (CLERK, ProposeWaiver("X1", "W1", "C1", 3_00, later, "lost", write_off=True)),
        (MANAGER, DecideWaiver("X1", "W1", True, later)),
        (MANAGER, TakeBackWaiver("X1", "W1", later, "found")),
    ):
        crm.do(command, by=by, at=at)


def taken_back(crm: CRM, folder: Path) -> None:
    """An import that was undone, told at an instant of its own."""
    clock, crm.host.clock = crm.clock, StoppedClock(known_at(2010))
    purchase = {**PURCHASE, "purchased_on": "2010-03-01", "recorded": ""}
    take_in(crm, folder, {"households": [HOUSEHOLD], "purchases": [purchase]})
    crm.imports.undo("1", by=MANAGER, reason="the files of another estate")
    crm.host.clock = clock


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CRM]:
    """A town in which every kind of fact occurs, graded rightly and wrongly."""
    with open_crm("memory:") as crm:
        fill(crm.log, Town(seed=3, households=120, years=2))
        sold_and_corrected(crm)
        taken_back(crm, tmp_path_factory.mktemp("files"))
        for year in (2011, 2012):
            crm.grade(year, known=known_at(year))
        plant_errors(crm, 1, count=20)
        yield crm


def frame(crm: CRM, shape: Shape, folder: Path) -> pl.DataFrame:
    files = Kept(crm.log, shape, folder).files()
    return pl.concat([pl.read_parquet(file.path) for file in files]).sort("position")


def test_rows_do_not_change_under_the_same_mark(town: CRM, tmp_path: Path) -> None:
    """The golden file has, for each mark, a digest of the rows that were made under it."""
    golden = GOLDEN.read_text("utf-8").splitlines()
    facts = frame(town, FactsShape(), tmp_path)
    assert set(facts["kind"]) == {kind.value for kind in Kind}
    with_policies = GradingsShape(town.gradings.pinned)
    gradings = frame(town, with_policies, tmp_path).drop("run")  # A random id.
    assert set(gradings["sound"]) == {True, False}
    for shape, rows in ((FactsShape(), facts), (with_policies, gradings)):
        made = f"{shape.name.partition('-')[0].upper()}_MADE"
        line = f"{shape.name} {sha256(repr(rows.rows()).encode()).hexdigest()}"
        assert line in golden, CHANGED.format(name=shape.name, made=made, line=line)


def test_whatever_rows_are_declared_by_is_in_their_mark(
    town: CRM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column more, another type, or a making counted up: each is another name for files."""

    def names() -> tuple[str, str]:
        return FactsShape().name, GradingsShape(town.gradings.pinned).name

    before = names()
    for name, value in (
        ("FACTS_MADE", shapes.FACTS_MADE + 1),
        ("_ROW", {**shapes._ROW, "more": pl.Int64}),
        ("_ROW", {**shapes._ROW, "amount": pl.Int32}),
        ("_NUMBERS", shapes._NUMBERS[::-1]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(shapes, name, value)
            assert [new == old for new, old in zip(names(), before, strict=True)] == [False, True]
    for name, value in (
        ("GRADINGS_MADE", shapes.GRADINGS_MADE + 1),
        ("_GRADING", {**shapes._GRADING, "more": pl.Int64}),
        ("EVIDENCE", shapes.EVIDENCE[::-1]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(shapes, name, value)
            assert [new == old for new, old in zip(names(), before, strict=True)] == [True, False]
    assert names() == before
