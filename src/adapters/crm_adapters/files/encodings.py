"""How files of text are written: declared or unmistakable, never guessed (IMP-01).

What is valid UTF-8 beyond ASCII is never read as anything else, and a file is of one encoding from
its first byte to its last. GB18030 is read as its edition of 2022 has it, on every Python.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from crm_core.errors import Fault
from crm_core.kernel.values import frozen

ENCODINGS: Final = ("utf-8", "gb18030", "gbk", "utf-16")

_CHINESE = ("gb18030", "gbk")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
"""Marks at the beginning of a file, which say how it is written."""

_EDITION_2022 = {
    0xE7C7: 0x1E3F,
    **dict(zip(range(0xE78D, 0xE790), (0xFE10, 0xFE12, 0xFE11), strict=True)),
    **dict(zip(range(0xE790, 0xE797), range(0xFE13, 0xFE1A), strict=True)),
    0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7,
    0xE832: 0x9FB8, 0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE864: 0x9FBB,
    0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC,
    0xE831: 0x215D7, 0xE83B: 0x2298F, 0xE855: 0x241FE,
}  # fmt: skip
"""Characters that the edition of 2000, Python's, has for private use, and what they are in the
edition of 2022; for U+20087 and its like and U+1E3F that of 2005 said so already."""

_OLD = re.compile("[\ue78d-\ue796\ue7c7\ue816-\ue864]")


@frozen
class Decoded:
    """A file as text.

    Args:
        text: Without its mark.
        encoding: As it was written.
        marked: Whether a mark said so.
    """

    text: str
    encoding: str
    marked: bool


def decode(raw: bytes, encoding: str) -> Decoded | tuple[int, Fault]:
    """The bytes as text, or the row at which they are of another encoding and what to do.

    Args:
        encoding: One of `ENCODINGS`, as declared; a mark counts more.
    """
    for mark, marked in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :], marked, marked=True)
    if encoding in _CHINESE and (at := _beyond_ascii(raw)) is not None and _is_utf_8(raw):
        values = {"encoding": encoding.upper()}
        return _row(raw, at), Fault("encoding_wrong", values=values, sentence="encoding_is_utf8")
    if encoding != "utf-16" and raw[:400].count(0) > len(raw[:400]) // 4:
        values = {"encoding": encoding.upper()}
        return 1, Fault("encoding_wrong", values=values, sentence="encoding_is_utf16")
    return _decoded(raw, "utf-16-le" if encoding == "utf-16" else encoding, marked=False)


def is_unmistakably_chinese(raw: bytes) -> str | None:
    """The text, if the bytes are GB18030 and no UTF-8; whoever asks has to know a word of it."""
    found = None if _is_utf_8(raw) else decode(raw, "gb18030")
    return found.text if isinstance(found, Decoded) else None


def _decoded(raw: bytes, encoding: str, *, marked: bool) -> Decoded | tuple[int, Fault]:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        values = {"encoding": encoding.upper()}
        sentence = "encoding_not_utf8" if encoding == "utf-8" else "encoding_wrong"
        row = _row(error.object, error.start)
        return row, Fault("encoding_wrong", values=values, sentence=sentence)
    if encoding in _CHINESE and _OLD.search(text):
        text = text.translate(_EDITION_2022)
    return Decoded(text, encoding, marked)


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _beyond_ascii(raw: bytes) -> int | None:
    match = re.search(rb"[\x80-\xff]", raw)
    return None if match is None else match.start()


def _row(raw: bytes, at: int) -> int:
    return raw[:at].count(b"\n") + 1
