"""How a page speaks: every word is there in both languages, and one of them is shown at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from crm_core.kernel.dates import zone
from crm_core.kernel.sentences import WORDS, Lang, say, sentences
from crm_core.kernel.values import frozen

FAMILY = "report"
"""Where the sentences of the page stand in the catalogue."""

FAMILIES = (FAMILY, WORDS, "papers", "values")
"""Where its words are looked for, in this order."""

Word = tuple[str, str]
"""English and Chinese of one thing."""

LANGUAGES: tuple[Lang, Lang] = ("en", "zh")

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365


def sentence(code: str, **values: Any) -> Word:
    """A sentence of the page; a value that is a `Word` is said in the language of the rest."""
    en, zh = (
        say(FAMILY, code, lang, **{name: _in(value, at) for name, value in values.items()})
        for at, lang in enumerate(LANGUAGES)
    )
    return en, zh


def known(code: str) -> Word:
    """A word of the library's own, wherever it stands; the code itself where there is none."""
    for family in FAMILIES:
        found = sentences(family).get(code)
        if found is not None:
            return found["en"].replace("_", " "), found["zh"]
    return same(code.partition("_")[2] or code)


def same(text: str) -> Word:
    """What is the same in both languages."""
    return text, text


def both(make: Callable[[Lang], str]) -> Word:
    """What something says in either language."""
    en, zh = (make(lang) for lang in LANGUAGES)
    return en, zh


def listed(words: Sequence[Word]) -> Word:
    """Words one behind the other."""
    return ", ".join(word[0] for word in words), "、".join(word[1] for word in words)


def days(count: int) -> Word:
    """So many days, in words: years and days where it is a year or more."""
    if count < _YEAR:
        return _counted("day", count)
    years, rest = divmod(count, _YEAR)
    return _joined(_counted("year", years), *([_counted("day", rest)] if rest else []))


def duration(seconds: int) -> Word:
    """A stretch of time in its two largest units, in words."""
    if seconds < _MINUTE:
        return sentence("span_moment")
    whole, rest = divmod(seconds, _DAY)
    if whole >= _YEAR:
        return days(whole)
    hours, minutes = rest // _HOUR, rest % _HOUR // _MINUTE
    units = [("day", whole), ("hour", hours), ("minute", minutes)]
    first = next(at for at, (_, count) in enumerate(units) if count)
    return _joined(*(_counted(unit, n) for unit, n in units[first : first + 2] if n))


def local(at: datetime, zone_name: str) -> str:
    """An instant as people of the estate read it, to the minute."""
    return at.astimezone(zone(zone_name)).strftime("%Y-%m-%d %H:%M")


def _counted(unit: str, count: int) -> Word:
    return sentence(f"span_{unit}" if count == 1 else f"span_{unit}s", count=f"{count:,}")


def _joined(*words: Word) -> Word:
    return " ".join(word[0] for word in words), "".join(word[1] for word in words)


def _in(value: Any, at: int) -> Any:
    return value[at] if isinstance(value, tuple) else value


@frozen
class Speech:
    """Says everything in both languages, each marked as what it is; whatever is said is escaped.

    Args:
        lang: The language that is shown first.
    """

    lang: Lang

    def __call__(self, code: str, /, **values: Any) -> Markup:
        """A sentence of the page."""
        return self.word(sentence(code, **values))

    def word(self, word: Word) -> Markup:
        """Words that come from elsewhere."""
        english, chinese = (escape(one) for one in word)
        if english == chinese:
            return english
        return Markup(
            '<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hans">{}</span>'
        ).format(english, chinese)

    def known(self, code: str) -> Markup:
        """A word of the library's own."""
        return self.word(known(code))

    def plain(self, code: str, /, **values: Any) -> str:
        """A sentence in the language that is shown first, for where there is room for one."""
        return sentence(code, **values)[LANGUAGES.index(self.lang)]
