"""The plugin for pytest that comes with the library: a marker, a fixture, readable contracts.

pytest loads it by the entry point `pytest11`; nothing of the library is loaded before a test uses
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crm_core.crm import CRM

RULE = "rule(*ids): the business rules that the test would catch a breach of"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and have the assertions of contracts and laws say what they saw."""
    config.addinivalue_line("markers", RULE)


@pytest.fixture
def crm() -> Iterator[CRM]:
    """A new CRM over a log in memory, closed behind the test."""
    from crm_adapters.wiring import open_crm

    with open_crm("memory:") as opened:
        yield opened


pytest.register_assert_rewrite("crm_core.testing.contracts", "crm_core.testing.laws")
