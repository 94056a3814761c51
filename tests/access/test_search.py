"""A search finds a household, and is no export of many (PRV-10, OWN-08, OWN-09)."""

from __future__ import annotations

from typing import Any

import pytest

from access.town import CLERK, somebody
from crm_adapters import open_crm
from crm_core import Actor, Invalid, Personal
from crm_core.application.access import shipped_access
from crm_core.owners import (
    DecideChange,
    MergeHousehold,
    ProposeChange,
    RegisterHousehold,
    UndoMerge,
)


@pytest.mark.rule("PRV-10")
@pytest.mark.rule("PRV-01")
def test_a_search_for_nearly_nothing_is_no_export() -> None:
    """Neither by a letter that is everywhere nor by a word that many have: nothing is shown."""
    with open_crm("memory:") as crm:
        most = shipped_access().found_max
        for number in range(1, most + 2):
            home = f"V{number:05}"
            owner = Personal(f"{home}#owner", "张伟")
            place = ("Anhe", "1", "1", f"R{number:03}")
            crm.do(RegisterHousehold(home, *place, owner=owner), by=CLERK)
        before = crm.host.reads.count()
        for text in ("anhe", "V0", "张伟"):
            with pytest.raises(Invalid) as invalid:
                crm.owners.find(text, by=CLERK, purpose="service: a call")
            [fault] = invalid.value.faults
            assert (fault.code, fault.values["most"]) == ("found_too_many", most)
        assert crm.host.reads.count() == before, "what is not shown is not seen"
        for text in ("张", "V", "0"):
            assert crm.owners.find(text, by=CLERK, purpose="service: a call") == []
        assert len(crm.owners.find("anhe r00", by=CLERK, purpose="service: a call")) == 9
        ours = Actor("V00007#owner", "owner")
        assert [one.household for one in crm.owners.find("anhe", by=ours)] == ["V00007"]


@pytest.mark.rule("OWN-08")
@pytest.mark.rule("OWN-09")
def test_a_search_knows_accepted_names_and_the_file_that_survives() -> None:
    with open_crm("memory:") as crm:
        for home, room in (("V1", "101"), ("V2", "102")):
            owner = Personal(f"{home}#owner", "张伟")
            crm.do(RegisterHousehold(home, "Anhe", "1", "1", room, owner=owner), by=CLERK)
        day = crm.host.clock.now().date()
        me, renamed = Actor("V2#owner", "owner"), Personal("V2#owner", "李娜")
        crm.do(ProposeChange("V2", "C1", me.id, "name", renamed, day, "married"), by=me)

        def found(text: str) -> list[tuple[str, Any]]:
            hits = crm.owners.find(text, by=CLERK, purpose="service: a call")
            return [(one.household, one.name) for one in hits]

        assert found("李娜") == []
        crm.do(DecideChange("V2", "C1", True, "seen the papers"), by=CLERK)
        assert found("李娜") == [("V2", "李娜")]
        assert found("张伟") == [("V1", "张伟")]
        crm.do(MergeHousehold("V2", "V1", day, "twice"), by=somebody("manager"))
        assert found("李娜") == [("V1", "李娜")]
        assert found("102") == [("V1", None)]
        crm.do(UndoMerge("V2", "they are two"), by=somebody("manager"))
        assert found("102") == [("V2", None)]
