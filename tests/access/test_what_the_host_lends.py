"""What the host lends is no way out, and what is stored opens nothing (PRV-01, 0076)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from access.town import BOSS, CLERK, NOW, REQUEST, town
from crm_core import CRM
from crm_core.application.host import Host
from crm_core.application.ways import LENT, STORED, WAYS
from crm_core.kernel.growing import GrowingList, GrowingMap

OPENING = {"vault", "texts", "urns", "reads", "tombstones", "traces"}
"""What opens or keeps personal values, or says who was erased."""

HIDDEN = ("张三", "李四", "13800000001", "13800000002", "the tap leaks", "thread 7", "rec 1")
"""What people are called, how they are reached and what was typed in the town."""


def words(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | GrowingMap):
        for key, one in value.items():
            yield from words(key)
            yield from words(one)
    elif isinstance(value, list | tuple | GrowingList):
        for one in value:
            yield from words(one)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from words(getattr(value, field.name))


@pytest.mark.rule("PRV-01")
def test_what_opens_personal_values_is_taken_from_the_host_explicitly() -> None:
    lent = {field.name for field in attrs.fields(Host)} | {"texts", "views"}
    assert lent >= OPENING
    assert not [name for name in OPENING if hasattr(CRM, name) or f"crm.{name}" in WAYS]
    assert "host" in LENT
    with town() as crm:
        assert not [name for name in OPENING if hasattr(crm, name)]
        assert not [name for name in vars(crm) if not name.startswith("_") and name != "host"
                    and f"crm.{name}" not in WAYS and name not in LENT
                    and not hasattr(CRM, name)]  # fmt: skip


@pytest.mark.rule("PRV-01", "PRV-03")
def test_what_is_stored_shows_no_name_no_number_and_nothing_that_was_typed() -> None:
    """The log and the read models are told as the database has them."""
    with town() as crm:
        crm.do(attrs.evolve(REQUEST, received_at=NOW), by=CLERK, purpose="service: 张三 called")
        stored = [*crm.log.feed()]
        for view in crm.registry.projections:
            crm.views.catch_up(view)
            stored += [row for _, _, row in crm.views.scan(view, limit=1000)]
        found = {word for one in stored for word in words(one)}
        assert not [word for word in found for hidden in HIDDEN if hidden in word]
        assert {way for way, how in WAYS.items() if how.shows == STORED} == {
            "crm.log",
            "crm.views",
            "gradings.engine",
        }
        # The engine is handed out as it is, and counts under numbers.
        assert crm.gradings.engine("events").name == "events"
        # And they are there: whoever may see them is shown them.
        assert crm.reveal("V1", "V1#owner", "name", by=BOSS, purpose="service") == "张三"
        texts = {word for one in crm.host.texts.each(crm.log.feed()) for word in words(one)}
        assert {"the tap leaks", "thread 7", "rec 1"} <= texts
