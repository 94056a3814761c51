"""The events engine keeps the contract of all engines, and the commands take one by name."""

from __future__ import annotations

from datetime import date

import pytest

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.testing import FactsEngineContract
from estate import crm, home

__all__ = ["crm"]


@pytest.mark.rule("GRD-08", "PAY-03")
class TestEventsEngine(FactsEngineContract):
    name = "events"

    def make_crm(self) -> CRM:
        return open_crm("memory:")


@pytest.mark.rule("GRD-08")
def test_an_engine_that_there_is_not_is_named_before_anything_is_written(crm: CRM) -> None:
    home(crm, "V1")
    head = crm.log.head()
    for ask in (
        lambda: crm.grade(2011, engine="abacus"),
        lambda: crm.replay(engine="abacus"),
        lambda: list(crm.accounts.credit(date(2011, 12, 31), engine="abacus")),
    ):
        with pytest.raises(Invalid) as found:
            ask()
        [fault] = found.value.faults
        assert (fault.code, "`events`" in fault.message) == ("engine_unknown", True)
    assert crm.log.head() == head
