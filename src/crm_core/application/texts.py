"""Texts that people typed, opened for the case in hand (PRV-02, 0062).

Sealing serves erasure, not access: no purpose is asked for. Names and contacts stay closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import Place, Plain, Said, Sealed, Withheld
from crm_core.kernel.sealing import PURPOSE, changed_texts, has_texts
from crm_core.ports import KeyVault

GONE = "…"
"""What a text says on that was erased before what follows from it was done."""


class Texts:
    """Opens the texts of events.

    Args:
        vault: Has the keys.
    """

    def __init__(self, vault: KeyVault) -> None:
        self._open = vault.open

    def opened(self, recorded: Recorded[Any]) -> Recorded[Any]:
        """An event whose texts are plain, or `Withheld` where they do not open."""
        envelope = recorded.envelope
        stream, version = recorded.stream, recorded.version
        data = self.event(stream, version, envelope.data)
        purpose = envelope.purpose
        if isinstance(purpose, Sealed):
            purpose = self._text(purpose, stream, version, PURPOSE)
        if data is envelope.data and purpose is envelope.purpose:
            return recorded
        return evolve(recorded, envelope=evolve(envelope, data=data, purpose=purpose))

    def event(self, stream: str, version: int, event: Any) -> Any:
        """The event that stands at a version of a stream, its texts opened."""
        kind: Any = type(event)
        if not has_texts(kind):
            return event
        return changed_texts(event, lambda value, at: self._text(value, stream, version, at))

    def each(self, events: Iterable[Recorded[Any]]) -> Iterator[Recorded[Any]]:
        """The same of many."""
        return map(self.opened, events)

    def to_decide(self, stream: str, version: int, event: Any) -> Any:
        """The event, its texts as what is decided may say them again: about the same persons."""
        kind: Any = type(event)
        if not has_texts(kind):
            return event

        def said(value: Any, at: str) -> Any:
            if not isinstance(value, Sealed):
                return value
            found = self._open(value, Place(stream, version, at))
            if isinstance(found, Plain):
                return Said.of(found.text, value.subject)
            return Withheld(found.code, value.subject)

        return changed_texts(event, said)

    def to_follow(self, recorded: Recorded[Any]) -> Recorded[Any]:
        """The same of an event that commands follow from; they are given whatever was erased."""
        told = self.to_decide(recorded.stream, recorded.version, recorded.event)
        if told is recorded.event:
            return recorded
        told = changed_texts(told, lambda value, _: GONE if type(value) is Withheld else value)
        return evolve(recorded, envelope=evolve(recorded.envelope, data=told))

    def _text(self, value: Any, stream: str, version: int, at: str) -> Any:
        if not isinstance(value, Sealed):
            return value
        found = self._open(value, Place(stream, version, at))
        return found.text if isinstance(found, Plain) else Withheld(found.code, value.subject)
