"""Readings beyond the strict ones: what each takes, and what none ever does (IMP-02, IMP-03)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm_adapters.files.cells import cell_codes
from crm_adapters.files.forms import form
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.leniency import READINGS, STRICT, Manner, reread, spreadsheet_text
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.money import fen_from_yuan
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.yuan import yuan_from_fen

CELLS = cell_codes(next(kind for kind in KINDS if kind.name == "charges").row)
AMOUNT, DAY, INSTANT, ID, LINE = (
    CELLS[name] for name in ("amount", "due", "recorded", "charge", "period")
)
FIRST, LAST = datetime(1954, 11, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)
ALL = Manner(frozenset(READINGS))


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(
    ("text", "read", "made"),
    [
        ("1,127.00", "1127.00", "thousands"),
        ("-1,234,567.8", "-1234567.8", "thousands"),
        ("１２７．５", "127.5", "full_width"),
        ("¥127", "127", "currency"),
        ("127元", "127", "currency"),
        ("-¥5", "-5", "currency"),
        ("人民币 127", "127", "currency"),
        ("CNY 12.00", "12.00", "currency"),
        ("(127.00)", "-127.00", "brackets"),
        ("127.00-", "-127.00", "brackets"),
        ("+5", "5", "plus"),
        ("- 5", "-5", "spaces"),
        ("127.000", "127.00", "zeros"),
        ("127.", "127", "zeros"),
        (".5", "0.5", "zeros"),
        ("'127", "127", "text_marks"),
        ("127\u200b", "127", "invisible_marks"),
        ("￥１，１２７．００", "1127.00", "currency full_width thousands"),
    ],
)
def test_an_amount_is_read_and_the_reading_has_a_name(text: str, read: str, made: str) -> None:
    found = reread(AMOUNT, text, ALL)
    assert found is not None
    assert (found[0], sorted(found[1])) == (read, made.split())
    assert reread(AMOUNT, text, STRICT) is None
    for name in made.split():
        without = Manner(frozenset(READINGS) - {name})
        assert reread(AMOUNT, text, without) is None, "each reading has to be allowed"


@pytest.mark.rule("IMP-02")
@pytest.mark.parametrize(
    "text",
    [
        "12,50", "1.234,56", "1,12,345", "1,2345", "127 128", "1 127.00", "1e3", "1E+05", "NaN",
        "inf", "1_000", "127.001", "--1", "¥", "", "一百", "$5", "127 kg", "=1+1", "9" * 20, "½",
    ],
)  # fmt: skip
def test_what_could_be_another_amount_is_never_read(text: str) -> None:
    assert reread(AMOUNT, text, ALL) is None


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("2024/7/1", "date_forms"),
        ("2024.07.01", "date_forms"),
        ("2024-7-1", "date_forms"),
        ("2024年7月1日", "date_forms"),
        ("20240701", "date_forms"),
        ("1-Jul-2024", "date_forms"),
        ("Jul 1, 2024", "date_forms"),
        ("01 July 2024", "date_forms"),
        ("45474", "serial_dates"),
        ("45474.5", "serial_dates times_dropped"),
        ("２０２４－０７－０１", "full_width"),
        ("2024-07-01 10:00:00", "times_dropped"),
        ("2024/7/1 上午9:05", "date_forms times_dropped"),
    ],
)
def test_a_day_is_read_however_it_is_written(text: str, made: str) -> None:
    found = reread(DAY, text, ALL)
    assert found is not None
    assert (found[0], sorted(found[1])) == ("2024-07-01", made.split())


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2024/7/1 9:30", "2024-07-01T01:30:00Z"),
        ("2024-07-01 09:30:15", "2024-07-01T01:30:15Z"),
        ("2024年7月1日 下午3:05", "2024-07-01T07:05:00Z"),
        ("2024/7/1 12:00 AM", "2024-06-30T16:00:00Z"),
        ("2024/7/1 9:30+09:00", "2024-07-01T00:30:00Z"),
        ("2024-07-01", "2024-06-30T16:00:00Z"),
        ("45474.395833333336", "2024-07-01T01:30:00Z"),
        ("20240701 23:59:59.25", "2024-07-01T15:59:59.250000Z"),
    ],
)
def test_an_instant_without_an_offset_is_one_of_the_estate(text: str, read: str) -> None:
    found = reread(INSTANT, text, ALL)
    assert found is not None
    assert found[0] == read


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(
    "text",
    ["1/7/2024", "01-07-24", "7.1", "2024-02-30", "2024/13/1", "1234", "99999", "yesterday",
     "0001/1/1", "2024/7", "2024年", "24年7月1日"],
)  # fmt: skip
def test_a_day_that_could_be_another_is_never_read(text: str) -> None:
    assert reread(DAY, text, ALL) is None
    assert reread(INSTANT, text, ALL) is None


@pytest.mark.rule("IMP-03")
def test_a_declared_form_tells_day_from_month() -> None:
    for text, declared in (
        ("1/7/2024", "D/M/YYYY"),
        ("7/1/2024", "M/D/YYYY"),
        ("24-7-1", "YY-M-D"),
    ):
        manner = Manner(forms=[form(declared)])
        assert reread(DAY, text, manner) == ("2024-07-01", ())


@pytest.mark.rule("IMP-03")
def test_ids_and_words_lose_what_only_hides() -> None:
    assert reread(ID, "Ｖ１", ALL) == ("V1", ("full_width",))
    assert reread(ID, "\u202aC1\u202c", ALL) == ("C1", ("invisible_marks",))
    assert reread(LINE, "七月\n上旬", ALL) == ("七月 上旬", ("line_breaks",))
    assert reread(LINE, "=1+1", ALL) is None
    assert reread(ID, "C 1", ALL) is None


@given(
    st.integers(-(10**12), 10**12), st.booleans(), st.booleans(), st.sampled_from(["", "¥", "元"])
)
@pytest.mark.rule("IMP-03")
def test_an_amount_in_any_mix_of_forms_is_that_amount(
    fen: int, wide: bool, grouped: bool, currency: str
) -> None:
    text = yuan_from_fen(fen)
    if grouped:
        sign, digits = ("-", text[1:]) if fen < 0 else ("", text)
        whole, part = digits.split(".")
        text = f"{sign}{int(whole):,}.{part}"
    text = f"{text}{currency}" if currency == "元" else f"{currency}{text}"
    if wide:
        text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    try:
        assert fen_from_yuan(text) == fen
    except Malformed:
        found = reread(AMOUNT, text, ALL)
        assert found is not None
        assert fen_from_yuan(found[0]) == fen


@given(st.text(max_size=30))
@example("¥" * 1000)
@example("'\x85")
@pytest.mark.rule("IMP-02")
def test_whatever_is_read_the_strict_reading_takes(text: str) -> None:
    text = text.strip()  # as the cells of a file are
    for cell in (AMOUNT, DAY, INSTANT, ID, LINE):
        found = reread(cell, text, ALL)
        if found is not None:
            cell.parse(found[0])
            assert found[1]


@given(st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)))
@pytest.mark.rule("IMP-03")
def test_a_moment_of_a_spreadsheet_is_that_moment_at_the_estate(moment: datetime) -> None:
    rounded = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    text = spreadsheet_text(rounded)
    found = reread(INSTANT, text, ALL)
    assert found is not None
    assert abs(parse_instant(found[0]) - rounded.replace(tzinfo=UTC) + timedelta(hours=8)) < (
        timedelta(hours=2)
    ), "but for summer times of the past"
    assert spreadsheet_text(date(2024, 7, 1)) == "2024-07-01"


@pytest.mark.rule("IMP-02")
def test_nothing_long_makes_reading_slow() -> None:
    """Each reading is linear; a megabyte of anything is refused, not read for ever."""
    for text in (
        "1," * 500_000,
        "¥" * 1_000_000,
        " " * 1_000_000,
        "(" * 1_000_000,
        "2024/" * 200_000,
    ):
        for cell in (AMOUNT, DAY, INSTANT, ID):
            assert reread(cell, text, ALL) is None
