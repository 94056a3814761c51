"""The slices of this installation: the library's own, and those that other packages bring.

A package brings slices by the entry point `crm_core.slices`, each naming a
`crm_core.kernel.slice.Slice` (`docs/how-to/own-slice.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from crm_core.errors import Invalid
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.registry import Registry
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.slice import Slice
from crm_core.slices import SLICES, registry

GROUP = "crm_core.slices"
"""Name of the entry point."""


@cache
def installed() -> Registry:
    """What follows from the library's own slices and those that other packages bring.

    Raises:
        Invalid: a package brings something that is no slice, or what is there already.
    """
    from importlib.metadata import entry_points

    found = [_loaded(point) for point in entry_points(group=GROUP)]
    return registry_of([*SLICES, *found]) if found else registry()


def registry_of(slices: Iterable[Slice]) -> Registry:
    """What follows from these slices.

    Raises:
        Invalid: something is declared twice, or not at all; a role that nobody has may do
            something, or a policy that comes with them is none; a field of theirs has no class in
            the data map.
    """
    try:
        found = Registry(slices)
        # Read here, so that what is wrong with them is told as what it is.
        _ = found.shipped, found.data_map
    except Malformed as error:
        raise Invalid.one("slice_unusable", why=[error.within()]) from error
    except PolicyFault as error:
        raise Invalid.one("slice_unusable", why=error.within()) from error
    return found


def _loaded(point: object) -> Slice:
    name = getattr(point, "name", "")
    try:
        found = point.load()  # type: ignore[attr-defined]
    except Exception as error:
        raise Invalid.one("slice_unloadable", name=name, reason=type(error).__name__) from error
    if not isinstance(found, Slice):
        raise Invalid.one("slice_unloadable", name=name, reason=type(found).__name__)
    return found
