"""Public test vectors that are too large, or not ours, to keep in this repository."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(
    os.getenv("CRM_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
).absolute()


def shared_file(name: str) -> Path:
    """A file of data; a test that needs it is skipped where there is none."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no vectors `{name}`: set CRM_SHARED_DATA to the folder that holds them")
    return path


def vectors(name: str) -> Any:
    """The vectors in a JSON file."""
    return json.loads(shared_file(name).read_text(encoding="utf-8"))
