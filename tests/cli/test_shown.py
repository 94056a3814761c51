"""How values are shown to people, and how help fits a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from crm_adapters.cli import language, shown
from crm_adapters.cli.wrapping import cells, lines_of
from crm_adapters.slices import installed
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import Lang, say, sentences
from crm_core.kernel.yuan import yuan_shown


@pytest.fixture(params=["zh", "en"])
def lang(request: pytest.FixtureRequest) -> Iterator[Lang]:
    """Each language, in the estate's zone."""
    language.speak(request.param)
    shown.live_in(ESTATE_ZONE)
    yield request.param
    language.speak("en")


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "0.00"),
        (-5, "-0.05"),
        (99_999, "999.99"),
        (112_700, "1,127.00"),
        (-123_456_789, "-1,234,567.89"),
    ],
)
def test_amounts_have_separators(fen: int, text: str) -> None:
    assert yuan_shown(fen) == shown.money(fen) == text
    assert say("cli", "arrears_total", "zh", rows=1, overdue_fen=fen).endswith(f"{text} 元")


def test_an_amount_that_is_withheld_stays_withheld() -> None:
    assert shown.money(Withheld("tier")) == Withheld("tier")
    assert shown.money(None) is None


def test_instants_are_told_by_the_clock_of_the_estate() -> None:
    """To the second, and in the zone that is asked for."""
    at = datetime(2024, 2, 29, 16, 30, tzinfo=UTC)
    shown.live_in("Asia/Shanghai")
    assert shown.instant(at) == "2024-03-01 00:30"
    assert shown.instant(at.replace(second=5, microsecond=9)) == "2024-03-01 00:30:05"
    assert shown.in_estate("due 2024-02-29T16:30:00Z!") == "due 2024-03-01 00:30!"
    shown.live_in("Europe/Berlin")
    assert shown.in_estate("自 2024-02-29T16:30:00+00:00 起") == "自 2024-02-29 17:30 起"
    shown.live_in(ESTATE_ZONE)


def test_what_was_typed_is_left_as_it_is() -> None:
    """An instant in back-ticks, and one that there is not."""
    for text in ("like `2024-02-29T16:30:00Z`", "2024-02-30T16:30:00Z"):
        assert shown.in_estate(text) == text


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "0 秒", "0 s"),
        (59, "59 秒", "59 s"),
        (8_100, "2 小时 15 分", "2 h 15 min"),
        (89_100, "24 小时 45 分", "24 h 45 min"),
        (3_605, "1 小时 5 秒", "1 h 5 s"),
    ],
)
def test_durations_are_told_in_words(lang: Lang, seconds: int, zh: str, en: str) -> None:
    assert shown.duration(seconds) == {"zh": zh, "en": en}[lang]


def test_late_is_told_apart_from_early(lang: Lang) -> None:
    early = {"zh": "提前 15 分", "en": "15 min early"}
    assert (shown.late(-900), shown.late(0), shown.late(None)) == (early[lang], "", None)
    assert shown.late(900) == shown.duration(900)


def test_who_did_it_is_told_with_their_role(lang: Lang) -> None:
    named = {"zh": "客户关系专员 S1", "en": "specialist S1"}
    assert shown.person("specialist:S1") == named[lang]
    assert shown.person("somebody") == "somebody"


def test_a_cell_is_told_as_its_kind_asks(lang: Lang) -> None:
    yes, several = {"zh": ("是", "a、b"), "en": ("yes", "a, b")}[lang]
    assert shown.cell(True) == yes
    assert shown.cell(("a", "b")) == several
    assert shown.cell(date(2024, 2, 29)) == "2024-02-29"
    assert shown.cell(7) == 7


# --- words ----------------------------------------------------------------------------------------


def names() -> set[str]:
    """The names of the fields of events, and of what stands in them."""
    return {
        part.removesuffix("[]")
        for one in installed().data_map
        for part in one.field.split(".")
        if one.kind == "event"
    }


def test_every_field_of_an_event_has_a_name() -> None:
    """What `crm history` shows of an event is told in words; a field that is added needs one."""
    language.speak("zh")
    left = sorted(name for name in names() if language.field_told(name) == name)
    language.speak("en")
    assert not left


def test_every_role_has_a_word() -> None:
    assert all(f"role_{role}" in sentences("words") for role in ROLES)


def test_a_sentence_says_words_of_the_library() -> None:
    """One or several; with what is typed for it behind, where that is another."""
    values = {"role": "finance", "purposes": ["care", "ours"]}
    assert "财务" in say("refused-prv", "access_purpose", "zh", **values)
    assert "关怀（care）、ours" in say("refused-prv", "access_purpose", "zh", **values)
    assert "care, ours" in say("refused-prv", "access_purpose", "en", **values)


# --- lines ----------------------------------------------------------------------------------------


def test_chinese_is_broken_between_characters_and_names_are_not_broken() -> None:
    text = "日志的数据库：地址，或 SQLite 文件的路径；默认 sqlite:///crm.db。（CRM_DB）"
    lines = lines_of(text, 24)
    assert all(cells(line) <= 24 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not [line for line in lines if line[0] in "，。；：、）" or line[-1] in "（“"]
    assert any("（CRM_DB）" in line for line in lines)


def test_words_of_other_letters_are_broken_at_blanks() -> None:
    assert lines_of("the log, a URL or the path of a file", 12) == [
        "the log, a", "URL or the", "path of a", "file",
    ]  # fmt: skip
    assert lines_of("", 10) == []
    assert lines_of("unbreakable", 3) == ["unbreakable"]
