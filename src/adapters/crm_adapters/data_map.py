"""The whole data map: what slices keep, and the columns of the files beside them (PRV-02).

A test holds the file beside this module to the columns that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from crm_core.kernel.data_map import Classified, of_files, tables
from crm_core.kernel.registry import Registry


def whole(registry: Registry) -> tuple[Classified, ...]:
    """Every field of the envelope, of events, views and files."""
    return (*registry.data_map, *of_files(_text()))


@cache
def columns_of(source: str) -> Mapping[str, str]:
    """The class of data of each column of one kind of file, e.g. `import/charges`."""
    return tables(_text())[source].classes


def _text() -> str:
    return files("crm_adapters").joinpath("data-map.toml").read_text(encoding="utf-8")
