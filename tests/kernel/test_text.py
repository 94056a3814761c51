"""Text from people is kept as written; ids and keys have one spelling."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm_core.kernel.text import (
    ID_LENGTH_MAX,
    TEXT_BYTES_MAX,
    check_id,
    check_phone,
    check_text,
    place_key,
)
from crm_core.testing.strategies import ids, phones, texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "V 1",
        "V00001 ",
        "V00001\n",
        "a/b",
        "../x",
        ".hidden",
        "-1",
        "#owner",
        "_x",
        "a\\b",
        "a'b",
        'a"b',
        "a\x00",
        "a\u200b",
        "a\u202eb",
        "Ｖ00001",
        "１",
        "ﬁ",
        "e\u0301",  # decomposed: another spelling of é
        "\u1100\u1161",  # two letters that are also written as one
        "²",
        "👍",
        "\ud800",
        "x" * (ID_LENGTH_MAX + 1),
    ],
)
@pytest.mark.rule("OWN-05")
def test_what_could_be_mistaken_for_another_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an id is 1 to"):
        check_id(text)


@pytest.mark.parametrize(
    "text", ["V00001", "V00001#owner", "R-2011.1_a:b", "星河-1", "é", "張三", "7", "x" * 64]
)
def test_ids_of_any_script_are_kept_as_they_are(text: str) -> None:
    assert check_id(text) == text


@given(ids())
def test_generated_ids_are_accepted(text: str) -> None:
    assert check_id(text) is text


@given(st.text(max_size=6))
def test_an_accepted_id_has_one_spelling(text: str) -> None:
    """No two accepted ids look the same up to width or composition, and none ends a name."""
    try:
        check_id(text)
    except ValueError:
        return
    assert unicodedata.normalize("NFKC", text) == text
    assert not set(text) & set("/\\\n\r\t \x00'\"")
    text.encode()


@pytest.mark.parametrize(
    "character",
    [
        "\x00",
        "\x07",
        "\x1b",
        "\x7f",
        "\x85",
        "\r",
        "\u200b",
        "\u200f",
        "\u202a",
        "\u202e",
        "\u2066",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ud800",
        "\ue000",
        "\U000e0041",
        "\uffff",
    ],
)
@pytest.mark.parametrize("around", ["{}", "维修{}完成", "a{}b"])
@pytest.mark.rule("OWN-05")
def test_characters_that_hide_or_turn_text_are_refused(character: str, around: str) -> None:
    with pytest.raises(ValueError, match=f"U\\+{ord(character):04X} is not allowed"):
        check_text(around.format(character))


@given(texts())
@example("")
@example("漏水\n三楼\t东侧")
@example("e\u0301 is kept in two characters")
@example("'; DROP TABLE events; --")
def test_text_is_kept_as_written(text: str) -> None:
    assert check_text(text) is text


def test_text_is_limited_by_its_bytes() -> None:
    """A limit in characters would let four times as much into the store."""
    assert check_text("x" * TEXT_BYTES_MAX)
    assert check_text("星" * (TEXT_BYTES_MAX // 3))
    for long in ("x" * (TEXT_BYTES_MAX + 1), "星" * (TEXT_BYTES_MAX // 3 + 1)):
        with pytest.raises(ValueError, match="at most"):
            check_text(long)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("星河小区", "1号楼", "2单元", "3A"), ("星河小区", "１号楼", "2 单元", "3a")),
        (("Star River", "1", "2", "301"), ("STAR  RIVER ", "1", "2", " 301")),
        (("星河", "1", "", "301"), ("星河", "1", "\u3000", "301")),
        (("星河", "1", "2/3", "301"), ("星河", "1", "23", "301")),
        (("Straße", "1", "2", "3"), ("STRASSE", "1", "2", "3")),
        (("caf\u00e9", "1", "2", "3"), ("cafe\u0301", "1", "2", "3")),
    ],
)
@pytest.mark.rule("OWN-01")
def test_one_place_has_one_key_however_it_was_typed(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert place_key(*one) == place_key(*other)


@pytest.mark.rule("OWN-01")
def test_parts_of_a_place_do_not_run_into_each_other() -> None:
    assert place_key("a", "b", "c", "d") != place_key("a", "bc", "", "d")
    assert place_key("a", "1", "11", "1") != place_key("a", "11", "1", "1")
    assert place_key("星河", "1", "2", "3") != place_key("星河", "1", "2", "4")


@given(st.lists(texts(), min_size=4, max_size=4))
def test_a_place_key_has_as_many_parts_as_the_place(parts: list[str]) -> None:
    key = place_key(*parts)
    found = key.split("/")
    assert len(found) == 4
    assert all(found)
    assert not any(character.isspace() for character in key)


@pytest.mark.rule("OWN-05")
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("123", "123"),
        ("13800138000", "13800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("021 (6789) 1234", "02167891234"),
        ("(+86)13800138000", "+8613800138000"),
        (" １２３４５ ", "12345"),
    ],
)
def test_telephone_numbers_are_kept_in_one_form(text: str, kept: str) -> None:
    assert check_phone(text) == kept
    assert check_phone(kept) == kept


@given(phones())
def test_generated_telephone_numbers_are_accepted(text: str) -> None:
    assert check_phone(check_phone(text)) == check_phone(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "abc",
        "1-2",
        "-123",
        "123-",
        "(123)",
        "++123",
        "12+3",
        "123\n",
        "138\n0013",
        "١٢٣٤٥",
        "1" * 21,
        "1" + "-" * 29 + "1",
        "=1+1",
    ],
)
def test_what_is_not_a_telephone_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a telephone number has"):
        check_phone(text)
