"""Money: an integer of fen with a currency. No float ever holds an amount."""

from __future__ import annotations

import re
from functools import total_ordering

from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen
from crm_core.kernel.yuan import yuan_from_fen

FEN_MAX = 2**53 - 1
"""Largest amount in fen: what every JSON reader can hold exactly (about 90 trillion yuan)."""

_YUAN = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?")


@total_ordering
@frozen
class Money:
    """An amount in the smallest unit; two currencies neither add up nor compare.

    >>> Money.yuan("127.00") + Money(50)
    Money(fen=12750, currency='CNY')
    """

    fen: int
    currency: str = "CNY"

    def __attrs_post_init__(self) -> None:
        if type(self.fen) is not int or abs(self.fen) > FEN_MAX:
            raise Malformed("fen_expected")

    @classmethod
    def yuan(cls, text: str) -> Money:
        """The amount written as yuan with at most two decimals."""
        return cls(fen_from_yuan(text))

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + self._same(other).fen, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - self._same(other).fen, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.fen, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.fen < self._same(other).fen

    def __str__(self) -> str:
        return yuan_from_fen(self.fen)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise Malformed("currencies_mixed", one=self.currency, other=other.currency)
        return other


def fen_from_yuan(text: str) -> int:
    """Yuan with at most two decimals as fen, by its ASCII digits alone.

    `Decimal` would take full-width digits, exponents, infinities and underscores (IMP-02);
    a pattern does not, and cannot be made slow.

    Raises:
        Malformed: `text` is not such an amount.
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise Malformed("yuan_form")
    sign, whole, part = match.groups()
    fen = int(whole) * 100 + int((part or "").ljust(2, "0"))
    return -fen if sign else fen
