"""A town in a folder, its kept rows, and what engines say of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from crm_adapters.frames.kept import Kept, KeptFile
from crm_adapters.frames.shapes import FactsShape, GradingsShape
from crm_core import CRM
from crm_core.testing.towns import known_at

YEAR = 2011
ON = date(2012, 6, 30)

Answers = tuple[Any, ...]


def answers(crm: CRM, engine: str) -> Answers:
    """What an engine says: credit, all of a what-if's facts, and the replay."""
    found = crm.replay(engine=engine)
    return (
        list(crm.accounts.credit(ON, engine=engine)),
        list(crm.accounts.credit(ON, known=known_at(YEAR), engine=engine)),
        (found.gradings, found.identical, found.differing),
    )


def rows(files: Sequence[KeptFile]) -> tuple[Any, ...]:
    """All rows, sorted, with their types."""
    frame = pl.concat([pl.read_parquet(file.path, glob=False) for file in files])
    return frame.schema, frame.sort("position").rows()


def shapes(crm: CRM, folder: Path) -> tuple[Kept, Kept]:
    gradings = GradingsShape(crm.gradings.pinned)
    return Kept(crm.log, FactsShape(), folder), Kept(crm.log, gradings, folder)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'town.db'}"


def facts(folder: Path) -> Path:
    return folder / "town.db.facts"
