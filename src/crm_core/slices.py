"""What the library is made of: the one list of slices, and what follows from it (0036)."""

from __future__ import annotations

from functools import cache

from crm_core import (
    application,
    exports,
    gradings,
    imports,
    messages,
    opinions,
    owners,
    payments,
    plans,
    privacy,
    requests,
    signing,
    staff,
    surveys,
    visits,
)
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.registry import Registry
from crm_core.kernel.slice import Slice
from crm_core.policies import PolicyBook

SLICES: tuple[Slice, ...] = (
    owners.SLICE,
    requests.SLICE,
    payments.SLICE,
    opinions.SLICE,
    staff.SLICE,
    surveys.SLICE,
    gradings.SLICE,
    plans.SLICE,
    messages.SLICE,
    visits.SLICE,
    privacy.SLICE,
    imports.SLICE,
    exports.SLICE,
    signing.SLICE,
    application.SLICE,
)


@cache
def registry() -> Registry:
    """What follows from the library's own slices; a host's are read beside them."""
    return Registry(SLICES)


def catalog() -> Catalog:
    """Every event of the library's own slices."""
    return registry().catalog


@cache
def shipped() -> PolicyBook:
    """The policies that come with the package."""
    return PolicyBook(shipped=registry())
