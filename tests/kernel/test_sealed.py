"""A plain personal value never shows itself, and has no stored form."""

from __future__ import annotations

import copy
import json
import logging
import pprint
import traceback
from datetime import date
from typing import Any

import attrs
import cattrs
import msgspec
import pytest
from hypothesis import given

from crm_adapters.codec import Codec
from crm_adapters.keys import LocalVault
from crm_core.application.work import command_digest
from crm_core.errors import Refused
from crm_core.kernel.canonical import canonical
from crm_core.kernel.decider import Refusal
from crm_core.kernel.sealed import Personal, PersonalValue, Sealed
from crm_core.kernel.sealing import steps_of
from crm_core.owners.commands import AddMember
from crm_core.owners.events import MemberAdded
from crm_core.slices import catalog
from crm_core.testing.scenario import difference, rendered
from crm_core.testing.strategies import personal

NAME = "欧阳修竹-7391"
VALUE = Personal("V00001#owner", NAME)
EVENT = MemberAdded(
    "V00001", "V00001#owner", "owner", date(2010, 1, 1), VALUE, None, "phone", "person"
)
COMMAND = AddMember("V00001", "V00001#m1", "tenant", date(2010, 1, 1), VALUE, VALUE)


def _failure() -> str:
    try:
        raise ValueError(VALUE, f"about {EVENT}")
    except ValueError:
        return traceback.format_exc()


def _logged() -> str:
    record = logging.LogRecord("crm", logging.INFO, "", 1, "saw %s and %r", (VALUE, EVENT), None)
    return logging.Formatter().format(record)


@pytest.mark.parametrize(
    "shown",
    [
        repr(VALUE),
        str(VALUE),
        f"{VALUE}",
        f"{VALUE!s:>80}",
        f"{VALUE!a}",
        "%s" % VALUE,  # noqa: UP031 - the old way must be safe too
        "{}".format(VALUE),  # noqa: UP032
        repr([VALUE]),
        repr(EVENT),
        repr(COMMAND),
        pprint.pformat(attrs.asdict(EVENT)),
        rendered(EVENT),
        difference([EVENT], [attrs.evolve(EVENT, name=Personal("V00001#owner", "x"))]),
        repr(Refused(Refusal("role_held", "OWN-02", "no", {"name": VALUE}))),
        command_digest(COMMAND, LocalVault().fingerprint),
        _failure(),
        _logged(),
        repr(copy.deepcopy(EVENT)),
    ],
    # One of them is a digest under a fresh key, and no two runs would name it alike.
    ids=lambda _: "shown",
)
@pytest.mark.rule("PRV-03")
def test_a_personal_value_shows_whom_it_is_about_and_not_what_it_says(shown: str) -> None:
    for part in (NAME, "欧阳", "7391", NAME.encode("unicode_escape").decode()):
        assert part not in shown


@given(personal("P"))
@pytest.mark.rule("PRV-03")
def test_what_is_shown_is_the_same_whatever_the_text(value: Personal) -> None:
    """Not even its length shows."""
    assert repr(value) == str(value) == f"{value}" == "Personal(subject='P', text=…)"
    assert value.reveal() == copy.copy(value).reveal()


@pytest.mark.parametrize(
    "encode",
    [
        Codec(catalog(), LocalVault()).encode_event,
        msgspec.json.encode,
        msgspec.to_builtins,
        msgspec.msgpack.encode,
        canonical,
        json.dumps,
        lambda value: json.dumps(cattrs.unstructure(value)),
        lambda value: canonical(cattrs.unstructure(value)),
        lambda value: json.dumps(attrs.asdict(value) if attrs.has(type(value)) else value),
    ],
)
@pytest.mark.parametrize("value", [VALUE, EVENT, COMMAND, [VALUE]])
@pytest.mark.rule("PRV-03")
def test_a_plain_personal_value_cannot_be_encoded(encode: Any, value: Any) -> None:
    """There is no stored form it could take by mistake, through any of the encoders at hand."""
    with pytest.raises(TypeError) as failure:
        encode(value)
    assert NAME not in str(failure.value)


def test_a_personal_value_has_no_field_to_read_it_by() -> None:
    assert not attrs.has(Personal)
    assert not hasattr(VALUE, "__dict__")
    assert VALUE.reveal() == NAME
    with pytest.raises(AttributeError):
        VALUE.note = "x"  # type: ignore[attr-defined]


def test_values_are_equal_when_person_and_text_are() -> None:
    assert Personal("a", "x") == Personal("a", "x")
    assert hash(Personal("a", "x")) == hash(Personal("a", "x"))
    assert Personal("a", "x") != Personal("b", "x")
    assert Personal("a", "x") != Personal("a", "y")
    assert Personal("a", "x") != "x"
    assert Sealed("a", "x") != Personal("a", "x")


def test_every_field_for_a_person_is_known_to_the_codec() -> None:
    """Names and numbers stand in exactly these fields; a new one is added here on purpose."""
    found = {
        (kind.name, step.name)
        for kind in catalog().types
        for step in steps_of(kind.cls)
        if not step.text and not step.inner
    }
    assert found == {
        ("owners.change_proposed", "value"),
        ("owners.item_recorded", "hours"),
        ("owners.item_recorded", "language"),
        ("owners.item_recorded", "value"),
        ("owners.member_added", "name"),
        ("owners.member_added", "phone"),
        ("owners.contact_changed", "name"),
        ("owners.contact_changed", "phone"),
        ("owners.prospect_recorded", "name"),
        ("owners.prospect_recorded", "phone"),
        ("staff.contact_changed", "contact"),
        ("staff.role_begun", "contact"),
    }
    assert issubclass(Sealed, PersonalValue)
