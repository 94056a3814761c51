"""Money is a whole number of fen, and amounts from people are read by their ASCII digits alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.kernel.money import FEN_MAX, Money, fen_from_yuan
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.testing.strategies import fen, money


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "--1",
        "-",
        ".",
        ".5",
        "1.",
        "1.234",
        "1.2.3",
        "1,000",
        "1,5",
        "1_000",
        "1e5",
        "1E5",
        "0x10",
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-inf",
        "１２.５",
        "12．5",
        "١٢",
        "一百",
        "¥12",
        "12元",
        "1−2",
        "−12",
        "=1+1",
        "12345678901234",
        "1" * 5000,
    ],
)
@pytest.mark.rule("IMP-01")
def test_what_is_not_plainly_an_amount_is_refused(text: str) -> None:
    """Nothing that `Decimal`, `float` or `int` would also read slips in as an amount."""
    with pytest.raises(ValueError, match="yuan with at most two decimals"):
        fen_from_yuan(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.00", 0),
        ("0.01", 1),
        ("0.1", 10),
        ("-0.05", -5),
        ("127", 12700),
        ("127.0", 12700),
        ("127.00", 12700),
        ("007", 700),
        ("9999.99", 999_999),
        ("10000.00", 1_000_000),
        ("9999999999999.99", 999_999_999_999_999),
    ],
)
def test_an_amount_is_read_to_the_fen(text: str, expected: int) -> None:
    assert fen_from_yuan(text) == expected
    assert Money.yuan(text) == Money(expected)


@given(fen(-(10**15) + 1, 10**15 - 1))
def test_what_is_written_is_read_again(amount: int) -> None:
    """Writing and reading lose no fen, and agree with decimal arithmetic."""
    text = yuan_from_fen(amount)
    assert fen_from_yuan(text) == amount
    assert Decimal(text) * 100 == amount


@given(st.text(alphabet="0123456789.-+eE_, １٣infa", max_size=8))
def test_an_accepted_text_means_what_decimal_says(text: str) -> None:
    """Whatever is accepted has one meaning; whatever Decimal alone accepts is refused."""
    try:
        accepted = fen_from_yuan(text)
    except ValueError:
        return
    assert text.isascii()
    assert Decimal(text) * 100 == accepted


@pytest.mark.parametrize("wrong", [1.0, 0.1, True, "1", None, Decimal(1), 2**53, -(2**53)])
def test_money_holds_whole_fen_and_nothing_else(wrong: object) -> None:
    with pytest.raises(ValueError, match="whole number of fen"):
        Money(wrong)  # type: ignore[arg-type]


def test_the_largest_amounts_are_exact_in_any_json_reader() -> None:
    assert FEN_MAX == 2**53 - 1
    assert float(FEN_MAX) == FEN_MAX
    assert Money(-FEN_MAX) == -Money(FEN_MAX)
    with pytest.raises(ValueError, match="within"):
        Money(FEN_MAX) + Money(1)


@given(money(), money())
def test_adding_and_taking_away_are_exact(one: Money, other: Money) -> None:
    try:
        total = one + other
    except ValueError:
        assert abs(one.fen + other.fen) > FEN_MAX
        return
    assert total - other == one
    assert str(total) == yuan_from_fen(one.fen + other.fen)


def test_currencies_do_not_mix() -> None:
    """Neither a sum nor an order exists between two currencies."""
    yuan, dollars = Money(100), Money(200, "USD")
    with pytest.raises(ValueError, match="`CNY` and `USD`"):
        yuan + dollars
    with pytest.raises(ValueError, match="`CNY` and `USD`"):
        yuan - dollars
    with pytest.raises(ValueError, match="`CNY` and `USD`"):
        _ = yuan < dollars
    with pytest.raises(ValueError, match="`CNY` and `USD`"):
        _ = yuan >= dollars
    assert yuan != Money(100, "USD")


@given(money(), money())
def test_amounts_are_ordered_by_their_fen(one: Money, other: Money) -> None:
    assert (one < other, one <= other) == (one.fen < other.fen, one.fen <= other.fen)
    assert (one > other, one >= other) == (one.fen > other.fen, one.fen >= other.fen)
