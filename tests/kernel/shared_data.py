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


def vectors(name: str) -> Any:
    """The vectors in a JSON file; a test that needs them is skipped where there are none."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no vectors `{name}`: set CRM_SHARED_DATA to the folder that holds them")
    return json.loads(path.read_text(encoding="utf-8"))
