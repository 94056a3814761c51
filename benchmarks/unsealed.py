"""`crm` that stores what people type as it was typed: by it is told what sealing costs an import.

Names and numbers are sealed as ever. It is run by `rows.py`; nothing that matters is kept by it.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from typing import Any

from crm_adapters.codec import Codec

_sealer = Codec._sealer


def _plain(self: Codec, *about: Any) -> Callable[[Any, str], Any]:
    sealed = _sealer(self, *about)
    return lambda value, place: value if isinstance(value, str) else sealed(value, place)


if __name__ == "__main__":
    Codec._sealer = _plain  # type: ignore[method-assign]
    runpy.run_module("crm_adapters.cli", run_name="__main__")
