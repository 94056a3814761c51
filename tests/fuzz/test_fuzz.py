"""Whatever bytes come from outside, only errors with a code come out."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from fuzz.fuzzing import inputs, wrong
from fuzz.readers import Reader, readers

SPOILED = 60
"""Per reader; `nox -s fuzz` goes on for as long as it is given."""


@pytest.mark.parametrize("name", readers())
def test_a_sound_input_is_read(name: str, tmp_path: Path) -> None:
    reader = readers()[name]
    assert reader.samples
    for sample in reader.samples:
        reader.read(sample, tmp_path)


@pytest.mark.parametrize("name", readers())
def test_a_spoiled_input_is_refused_with_a_code_or_read(name: str) -> None:
    reader = readers()[name]
    for content in islice(inputs(reader, 1), SPOILED):
        assert wrong(reader, content) is None, content


FOUND = {"a key file whose schema is no text": ("keys", b"CREATE TABLE", b"CREATE TAB\xff\xff")}
"""What once came out as it should not: reader, and what is changed in its sample."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_refused(name: str) -> None:
    which, before, after = FOUND[name]
    reader = readers()[which]
    [sample] = reader.samples
    assert before in sample
    assert wrong(reader, sample.replace(before, after)) is None


def test_a_reader_that_falls_over_is_found() -> None:
    fragile = Reader((b"1,2,3",), lambda content, _: [int(one) for one in content.split(b",")])
    assert any(wrong(fragile, content) for content in islice(inputs(fragile, 1), SPOILED))
