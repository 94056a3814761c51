"""Personal values: plain on their way in, sealed ever after (PRV-03, decision record 0007).

A value is sealed under the key of the person it is about, with authenticated encryption bound
to its place (stream, version, field, subject). Encryption itself is an adapter's; the core only
knows the shapes and the four answers that opening can give.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import field

from crm_core.kernel.values import define, frozen


class PersonalValue:
    """A personal value in an event: `Personal` before it is stored, `Sealed` after."""

    __slots__ = ()

    subject: str


class Personal(PersonalValue):
    """A plain personal value about `subject`; it cannot be stored and never shows itself.

    It is deliberately not an attrs class: an encoder that meets one must fail.
    """

    __slots__ = ("_text", "subject")

    def __init__(self, subject: str, text: str) -> None:
        self.subject: str = subject
        self._text = text

    def reveal(self) -> str:
        """The plain text. Every caller is a place to look at in a privacy review."""
        return self._text

    def __repr__(self) -> str:
        return f"Personal(subject={self.subject!r}, text=…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Personal):
            return NotImplemented
        return (self.subject, self._text) == (other.subject, other._text)

    def __hash__(self) -> int:
        return hash((self.subject, self._text))


# Not `frozen` as their neighbours are, which would be a tenth of sealing and opening (T2).
@define(unsafe_hash=True)
class Sealed(PersonalValue):
    """A personal value as stored: ciphertext under the key of `subject`.

    Args:
        subject: Pseudonymous id of the person, e.g. `V00001#owner`.
        token: base64url of nonce, ciphertext and tag.
    """

    subject: str
    token: str


@frozen
class Place:
    """Where a sealed value stands; a value moved anywhere else does not open."""

    stream: str
    version: int
    field: str


@define(unsafe_hash=True)
class Plain:
    """The value opened."""

    text: str


@frozen
class Erased:
    """The person's key was destroyed on purpose; the value is gone for ever."""

    code: ClassVar[str] = "erased"


@frozen
class KeyMissing:
    """No key is known here, and none was erased: the vault is not the one that sealed it."""

    code: ClassVar[str] = "key_missing"


@frozen
class Tampered:
    """The ciphertext, or the place it stands in, is not what was sealed."""

    code: ClassVar[str] = "tampered"


Opened = Plain | Erased | KeyMissing | Tampered

Text = str | Sealed
"""Text that people type, in an event: plain as it was decided, sealed as it is stored (PRV-02)."""


class Said(str):
    """A text that was opened to be decided on, with whom it is about: what says it again is, too.

    Args:
        subject: The subject it was sealed under (`kernel.subjects`).
    """

    __slots__ = ("subject",)
    subject: str

    @classmethod
    def of(cls, text: str, subject: str) -> Said:
        """The text, said about a subject."""
        made = cls(text)
        made.subject = subject
        return made


def typed(text: Text) -> str:
    """A text as somebody has just typed it, in a command or in what was decided on one.

    Raises:
        TypeError: it comes from the store, where nothing is read by deciding.
    """
    if not isinstance(text, str):
        raise TypeError("nothing is decided by a text that is sealed")
    return text


@frozen
class Withheld:
    """What stands where a value is that is not shown, and why: never an empty one (PRV-01).

    Args:
        reason: Code: `erased`, `key_missing` or `tampered`, or why access is denied.
        subject: Whose it is, if it is sealed: what says it again is withheld for the same reason.
    """

    reason: str
    subject: str = field(default="", eq=False, repr=False)
