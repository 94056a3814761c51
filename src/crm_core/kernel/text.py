"""Text from people is kept as they wrote it; keys derived from it are normalised."""

from __future__ import annotations

import re
import unicodedata

from crm_core.kernel.sentences import Malformed

ID_LENGTH_MAX = 64
NAME_LENGTH_MAX = 256
"""Of streams, command ids and whatever else a row is found by."""
TEXT_BYTES_MAX = 8 * 1024

_PUNCTUATION = frozenset("._:-#")
_ASCII_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:#-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")

# What text may not hold is told by The Unicode Standard, by what it says for all time or said in
# its version 16, and not by the tables of the Python that runs: a name is taken on all of them or
# on none (IMP-01). A code point without a character is taken; a newer Python may know it.
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_FORMATS = (
    r"\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Characters of format, separators of lines, and what is reserved for more of them."""
_PRIVATE = r"\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff"
_NEVER = r"\ufdd0-\ufdef" + "".join(rf"\U{n:04x}fffe\U{n:04x}ffff" for n in range(17))
_JOINED = (
    r"\u0620-\u109f\u1780-\u18af"  # Arabic, Indic, Burmese, Khmer and Mongolian letters
    r"\xa9\xae\u203c\u2049\u20e3\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f"
    r"\U0001f000-\U0001faff\U0001fc00-\U0001fffd"  # pictographs
)
"""Between these the joiners U+200C and U+200D mean something; elsewhere they only hide."""
_REFUSED = re.compile(
    f"[{_CONTROLS}{_FORMATS}{_PRIVATE}{_NEVER}]"
    rf"|(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])"
)
_IDEOGRAPH = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003fffd]")
"""The blocks of ideographs, in which more will come."""


def check_id(text: str) -> str:
    """An id: letters and digits of any script, `.`, `_`, `:`, `#`, `-`; NFC; up to 64.

    Letters and digits are those of Unicode 3.2 and all ideographs, on every Python.

    Slashes separate the parts of a stream's name, so an id has none.

    Raises:
        Malformed: the text is not such an id.
    """
    if 0 < len(text) <= ID_LENGTH_MAX:
        if _ASCII_ID.fullmatch(text) is not None:
            return text
        if (
            unicodedata.is_normalized("NFC", text)
            and _is_alphanumeric(text[0])
            and all((_is_alphanumeric(c) and c == fold_width(c)) or c in _PUNCTUATION for c in text)
        ):
            return text
    raise Malformed("id_form", most=ID_LENGTH_MAX)


def _is_alphanumeric(character: str) -> bool:
    """Whether it is an ideograph, or was a letter or a digit in Unicode 3.2 already.

    Every Python has the tables of that version beside those of its own.
    """
    return (
        _IDEOGRAPH.match(character) is not None
        or unicodedata.ucd_3_2_0.category(character)[0] in "LN"
    )


def check_storable(*texts: str) -> None:
    """Names by which something is stored or asked for: any text that every store can hold.

    Raises:
        Malformed: there is a NUL or a lone surrogate in one, or it is longer than
            `NAME_LENGTH_MAX` characters.
    """
    for text in texts:
        if (
            len(text) > NAME_LENGTH_MAX
            or "\0" in text
            or not (text.isascii() or _SURROGATE.search(text) is None)
        ):
            raise Malformed("text_unstorable", most=NAME_LENGTH_MAX)


def check_text(text: str, most: int = TEXT_BYTES_MAX) -> str:
    """Text from people: any script, no control or invisible direction characters, up to 8 KiB.

    Line breaks and tabs are taken, and so is a joiner between pictographs or letters that it joins.

    Args:
        text: What they wrote.
        most: Bytes that it may have in UTF-8.

    Raises:
        Malformed: a character is refused, or the text is too long.
    """
    if text.isascii() and text.isprintable():
        if len(text) <= most:
            return text
    else:
        refused = _REFUSED.search(text)
        if refused is not None:
            raise Malformed("character_refused", character=f"U+{ord(refused[0]):04X}")
        if len(text.encode()) <= most:
            return text
    raise Malformed("text_too_long", most=most)


def fold_width(text: str) -> str:
    """Full-width forms as ordinary ones, by NFKC."""
    return unicodedata.normalize("NFKC", text)


def place_key(*parts: str) -> str:
    """One key for one place, however typed: width, case and spaces do not matter (OWN-05).

    >>> place_key("星河", "１号楼", "2 单元", "3A") == place_key("星河", "1号楼", "2单元", "3a")
    True
    """
    return "/".join(re.sub(r"[\s/]+", "", fold_width(part)).casefold() or "-" for part in parts)


def check_phone(text: str) -> str:
    """A telephone number in its one form, so that no number is two: 3 to 20 digits (OWN-05).

    It may be written with `+ - ( )` and spaces, and in full width.

    >>> check_phone("（0755）8888 8888")
    '075588888888'

    Raises:
        Malformed: it is not one.
    """
    folded = fold_width(text).strip(" ")
    if re.fullmatch(r"\(?\+?\(?[0-9][0-9 ()-]{1,28}[0-9]", folded) is None:
        raise Malformed("phone_form")
    number = re.sub(r"[ ()-]", "", folded)
    if not 3 <= len(number.removeprefix("+")) <= 20:
        raise Malformed("phone_digits")
    return number
