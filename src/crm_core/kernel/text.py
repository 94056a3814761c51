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
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def check_id(text: str) -> str:
    """An id: letters and digits of any script, `.`, `_`, `:`, `#`, `-`; NFC; up to 64.

    Slashes separate the parts of a stream's name, so an id has none.

    Raises:
        Malformed: the text is not such an id.
    """
    if 0 < len(text) <= ID_LENGTH_MAX:
        if _ASCII_ID.fullmatch(text) is not None:
            return text
        if (
            unicodedata.is_normalized("NFC", text)
            and text[0].isalnum()
            and all((c.isalnum() and c == fold_width(c)) or c in _PUNCTUATION for c in text)
        ):
            return text
    raise Malformed("id_form", most=ID_LENGTH_MAX)


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


def check_text(text: str) -> str:
    """Text from people: any script, no control or invisible direction characters, up to 8 KiB.

    Raises:
        Malformed: a character is refused, or the text is too long.
    """
    if text.isascii() and text.isprintable():
        if len(text) <= TEXT_BYTES_MAX:
            return text
    else:
        for character in text:
            if unicodedata.category(character) in _REFUSED_CATEGORIES and character not in "\n\t":
                raise Malformed("character_refused", character=f"U+{ord(character):04X}")
        if len(text.encode()) <= TEXT_BYTES_MAX:
            return text
    raise Malformed("text_too_long", most=TEXT_BYTES_MAX)


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
    """A telephone number as written: 3 to 20 digits, with `+ - ( )` and spaces between them.

    Raises:
        Malformed: it is not one.
    """
    if re.fullmatch(r"\+?[0-9][0-9 ()-]{1,28}[0-9]", text) is None:
        raise Malformed("phone_form")
    if not 3 <= sum(c.isdigit() for c in text) <= 20:
        raise Malformed("phone_digits")
    return text
