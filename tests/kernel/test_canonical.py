"""Canonical bytes: one value has one text, and the chain covers every byte of it."""

from __future__ import annotations

import json
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import vectors

from crm_core.kernel.canonical import (
    GENESIS,
    INTEGER_MAX,
    canonical,
    digest_of,
    first_link,
    link,
    stored_event,
)
from crm_core.testing.strategies import digests, ids, texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | texts(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_bytes_say_what_the_value_says(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(texts(8), st.integers(0, 9), min_size=2, max_size=6))
def test_the_order_in_which_members_were_written_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)
    assert digest_of(dict(reversed(value.items()))) == digest_of(value)


@given(JSON)
def test_there_is_no_space_between_the_tokens(value: Any) -> None:
    """One value has one text: what is read and written again is the same bytes."""
    data = canonical(value)
    assert canonical(json.loads(data)) == data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": 2, "Z": 3, "é": 4, "": 5}, '{"":5,"Z":3,"a":2,"b":1,"é":4}'),
        ({"10": None, "1": [], "d": True}, '{"1":[],"10":null,"d":true}'),
        (['\u20ac$\x0f\nA\'B"\\\\"/'], '["€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"]'),
        ("\b\t\n\f\r\x00\x1f\x7f", '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"'),
        ("漏水\U0001f6b0", '"漏水\U0001f6b0"'),
        ("e\u0301", '"e\u0301"'),
        ([0, -0, -1, INTEGER_MAX, -INTEGER_MAX], f"[0,0,-1,{INTEGER_MAX},{-INTEGER_MAX}]"),
        ((1, (2,)), "[1,[2]]"),
        ([None, True, False], "[null,true,false]"),
    ],
)
def test_bytes_as_rfc_8785_would_have_them(value: Any, expected: str) -> None:
    assert canonical(value) == expected.encode()


def test_the_published_cases_of_rfc_8785_that_apply() -> None:
    """Integers and text come out to the byte; a case with fractions is refused, not rounded."""
    applied = 0
    for case in vectors("jcs-rfc8785/jcs_cases.json"):
        value = json.loads(case["input"])
        if any(isinstance(number, float) for number in _leaves(value)):
            with pytest.raises(ValueError, match="float"):
                canonical(value)
            value = {name: item for name, item in value.items() if name != "numbers"}
            expected = json.loads(bytes.fromhex(case["output_hex"]))
            del expected["numbers"]
            assert json.loads(canonical(value)) == expected
        else:
            assert canonical(value) == bytes.fromhex(case["output_hex"]), case["name"]
            applied += 1
    assert applied >= 2


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    LARGE = 3


def test_named_values_are_written_as_what_they_stand_for() -> None:
    assert canonical({"colour": Colour.RED, "size": Size.LARGE}) == b'{"colour":"red","size":3}'


@pytest.mark.parametrize("wrong", [1.0, 0.0, -0.0, float("nan"), float("inf"), 1e300])
def test_no_float_has_canonical_bytes(wrong: float) -> None:
    for value in (wrong, [wrong], {"a": {"b": (wrong,)}}):
        with pytest.raises(ValueError, match="float"):
            canonical(value)


@pytest.mark.parametrize("wrong", [INTEGER_MAX + 1, -INTEGER_MAX - 1, 2**64])
def test_integers_that_other_readers_would_round_are_refused(wrong: int) -> None:
    assert INTEGER_MAX == 2**53
    with pytest.raises(ValueError, match=r"beyond ±2\^53"):
        canonical({"amount": wrong})


@pytest.mark.parametrize("wrong", [b"x", {1, 2}, object(), {1: "a"}, {None: 1}, {True: 1}])
def test_what_json_has_no_word_for_is_refused(wrong: Any) -> None:
    """In particular no key is turned into text on the quiet, as `json.dumps` does."""
    with pytest.raises(TypeError):
        canonical(wrong)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        canonical("\ud800")


# --- the chain -----------------------------------------------------------------------------------

NAMES = st.sampled_from(["owners.household_registered/1", "requests.closed/1"])
STREAMS = st.builds("{}/{}".format, st.sampled_from(["household", "request"]), ids())


def test_the_digest_of_a_stored_event_is_written_down_here() -> None:
    """INVARIANT of every log ever written: these bytes, in this order (decision record 0005)."""
    rest = b'"event":{"actor":"system:crm","nth":0},"household":"V00001"}'
    place = (GENESIS, "household/V00001", 1, "owners.household_registered/1")
    digest = link(*place, rest)
    stored = stored_event(*place, b'{"actor":"system:crm","nth":0}', "V00001")
    assert stored == (digest, f'{{"digest":"{digest}",{rest.decode()}')
    by_hand = GENESIS + "\nhousehold/V00001\n1\nowners.household_registered/1\n" + rest.decode()
    assert digest == sha256(by_hand.encode()).hexdigest()
    assert digest == "3a1f5cc7a8f78a53bb984b4b2900d9c47928d9e86de8205762002419873ac3e0"


@given(
    st.tuples(digests(), STREAMS, st.integers(1, 99), NAMES, texts().map(str.encode)),
    st.tuples(digests(), STREAMS, st.integers(1, 99), NAMES, texts().map(str.encode)),
    st.integers(0, 4),
)
def test_a_digest_covers_its_predecessor_place_name_and_every_byte(
    one: tuple[Any, ...], other: tuple[Any, ...], which: int
) -> None:
    """Changing any one part changes the digest; the parts cannot be shifted into each other."""
    changed = (*one[:which], other[which], *one[which + 1 :])
    assert (link(*one) == link(*changed)) is (one == changed)
    assert (link(*one) == link(*other)) is (one == other)


@pytest.mark.rule("LOG-04", "LOG-07")
def test_the_first_link_tells_tenants_and_streams_apart() -> None:
    """INVARIANT of every log ever written: these bytes before the first event of a stream."""
    said = sha256(b"crm-core\nwest\nhousehold/V00001\n").hexdigest()
    assert first_link("west", "household/V00001") == said
    places = [("", "a/1"), ("", "a/2"), ("a", "/1"), ("west", "a/1")]
    assert len({first_link(*place) for place in places}) == len(places)


@given(st.lists(texts().map(str.encode), min_size=1, max_size=6), st.data())
def test_a_change_anywhere_changes_every_digest_after_it(
    rests: list[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(rests) - 1))
    changed = [*rests[:at], rests[at] + b"!", *rests[at + 1 :]]
    before, after = _chain(rests), _chain(changed)
    assert before[:at] == after[:at]
    assert all(one != other for one, other in zip(before[at:], after[at:], strict=True))


def _chain(rests: list[bytes]) -> list[str]:
    digests, previous = [], first_link("", "account/V00001")
    for version, rest in enumerate(rests, 1):
        previous = link(previous, "account/V00001", version, "payments.charge_raised/1", rest)
        digests.append(previous)
    return digests
