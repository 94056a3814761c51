"""The codec: msgspec reads and writes the core's attrs classes directly (decision record 0006).

One registry of types serves msgspec here and cattrs at the borders; a test holds both to the
same answer for every event type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, cast

import msgspec

from crm_adapters.codec.rows import StoredRow
from crm_core.errors import Fault, Invalid, UnknownEvent, UnreadableEvent
from crm_core.kernel.canonical import (
    DIGEST_END,
    DIGEST_START,
    first_link,
    stored_event,
)
from crm_core.kernel.catalog import Catalog, EventType
from crm_core.kernel.limits import COMPUTED_BYTES_MAX, PAYLOAD_BYTES_MAX
from crm_core.kernel.recorded import Envelope, KnownEvent, Recorded, Tip, Verbatim
from crm_core.kernel.sealed import Personal, PersonalValue, Place, Said, Sealed, Withheld
from crm_core.kernel.sealing import PURPOSE, changed, steps_of
from crm_core.kernel.subjects import COMPANY, joined, of_household, parts
from crm_core.ports import KeyVault


class _Wire(msgspec.Struct, omit_defaults=True):
    """The envelope on its way out: members that say nothing are left out."""

    actor: str
    command: str
    data: Any
    effective: date
    recorded: datetime
    nth: int
    causation: str | None = None
    command_digest: str | None = None
    correlation: str | None = None
    imported: datetime | None = None
    purpose: Sealed | str | None = None


class _When(msgspec.Struct):
    """The recorded instant alone, where nothing else is asked for."""

    recorded: datetime


class _StoredWhen(msgspec.Struct):
    event: _When


class _Raw(msgspec.Struct):
    """An event whose bytes are kept as they are."""

    data: msgspec.Raw
    recorded: datetime


class _StoredRaw(msgspec.Struct):
    event: _Raw


_UNREADABLE = (msgspec.MsgspecError, ValueError, KeyError, TypeError)
"""What decoders and upcasters raise for bytes that are not what they claim to be."""


def decode_hook(kind: type, value: Any) -> Any:
    """For decoders of events: what a personal value is read as."""
    if kind is PersonalValue:
        # What is wrong here msgspec tells like any other malformed value.
        return msgspec.convert(value, Sealed)
    raise NotImplementedError(kind)


class Codec:
    """Encodes events as canonical bytes and reads them back.

    Args:
        catalog: The events that can be written and read.
        vault: Seals personal values on the way to the store.
    """

    def __init__(self, catalog: Catalog, vault: KeyVault) -> None:
        self.catalog = catalog
        self.vault = vault
        self._encoder = msgspec.json.Encoder(order="sorted")
        self._bare: dict[str, msgspec.json.Decoder[Any]] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._facts: dict[str, Callable[[str], Any]] = {}
        self._heads: dict[type, Callable[[msgspec.Raw], Any]] = {}
        self._when = msgspec.json.Decoder(_StoredWhen)
        self._raw = msgspec.json.Decoder(_StoredRaw)

    def fold(
        self,
        rows: Iterable[tuple[int, str, str]],
        evolve: Callable[[Any, Any], Any],
        state: Any,
        opened: Callable[[int, Any], Any] | None = None,
    ) -> Any:
        """The state after rows of version, name and text; envelopes are not built.

        That is a third of the work of reading whole events, and most of that of loading.

        Raises:
            UnknownEvent: a name is not in the catalog.
            UnreadableEvent: bytes are not such an event.
        """
        decoders = self._bare
        for version, name, text in rows:
            decoder = decoders.get(name) or self._bare_decoder(name)
            try:
                event = decoder.decode(text).event.data
            except _UNREADABLE as error:
                raise UnreadableEvent(0, "?", type(error).__name__, version) from error
            state = evolve(state, event if opened is None else opened(version, event))
        return state

    def _bare_decoder(self, name: str) -> msgspec.json.Decoder[Any]:
        kind = self.catalog.by_name.get(name)
        if kind is None:
            decoder = self._decoder(name, 0)
        else:
            data = msgspec.defstruct("Bare", [("data", kind.cls)])
            shape = msgspec.defstruct("Stored", [("event", data)])
            decoder = msgspec.json.Decoder(shape, dec_hook=decode_hook)
        self._bare[name] = decoder
        return decoder

    def recorded(self, row: StoredRow) -> datetime:
        """When the company knew of the event of a row.

        Raises:
            UnreadableEvent: the bytes do not say.
        """
        try:
            return self._when.decode(row[5]).event.recorded
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise UnreadableEvent(row[0], row[1], type(error).__name__) from error

    def encode_event(self, event: Any) -> bytes:
        """The canonical bytes of an event alone: what replay compares."""
        return self._encoder.encode(event)

    def encode(
        self,
        stream: str,
        tip: Tip,
        household: str,
        events: Iterable[Envelope[Any]],
        *,
        tenant: str = "",
        command_digest: str | None = None,
        about: tuple[str, ...] = (),
    ) -> tuple[list[StoredRow], Tip]:
        """Rows behind `tip`, personal values sealed, and the new tip.

        Args:
            tenant: Whose log it is, which the first link of the stream says.
            command_digest: What the command said, to stand with the first of these events.
            about: For each event the subject of its texts.

        Raises:
            Invalid: an event is larger than one may be.
        """
        version, digest = tip.version, tip.digest
        if not version:
            digest = first_link(tenant, stream)
        kinds, encode = self.catalog.by_class, self._encoder.encode
        rows = []
        subjects = iter(about)
        for envelope in events:
            version += 1
            subject = next(subjects, "")
            data = envelope.data
            cls: Any = type(data)
            kind, sealing = kinds[cls], steps_of(cls)
            purpose = envelope.purpose
            if sealing or purpose:
                seal = self._sealer(subject, household, stream, version)
                data = changed(data, seal) if sealing else data
                purpose = seal(purpose, PURPOSE) if purpose else purpose
            wire = _Wire(
                envelope.actor,
                envelope.command,
                data,
                envelope.effective,
                envelope.recorded,
                envelope.nth,
                envelope.causation,
                command_digest,
                envelope.correlation,
                envelope.imported,
                purpose,
            )
            command_digest = None
            payload = encode(wire)
            if len(payload) > PAYLOAD_BYTES_MAX:
                most = COMPUTED_BYTES_MAX if kind.large else PAYLOAD_BYTES_MAX
                if len(payload) > most:
                    values = {"event": kind.stored, "bytes": len(payload), "most": most}
                    raise Invalid([Fault("payload_too_large", values=values)])
            digest, state = stored_event(digest, stream, version, kind.stored, payload, household)
            rows.append(StoredRow(0, stream, version, kind.stored, household, state))
        return rows, Tip(version, digest)

    def decode(self, row: StoredRow) -> Recorded[Any]:
        """The event of a row.

        Raises:
            UnknownEvent: its name is not in the catalog; nothing is imported to find it.
            UnreadableEvent: its bytes are not such an event.
        """
        position, stream, version, name, household, state = row
        decoder = self._decoders.get(name) or self._decoder(name, position)
        try:
            stored = decoder.decode(state)
        except _UNREADABLE as error:
            raise UnreadableEvent(position, stream, type(error).__name__) from error
        return Recorded(
            position,
            stream,
            version,
            name,
            household,
            state[DIGEST_START:DIGEST_END],
            stored.event,
        )

    def fact(self, position: int, name: str, text: str) -> KnownEvent:
        """Of the event of a row what a fold looks at: a third of the work of `decode`.

        Raises:
            UnknownEvent, UnreadableEvent: as `decode`, but without the stream.
        """
        decode = self._facts.get(name) or self._fact_decoder(name, position)
        try:
            event = decode(text).event
        except _UNREADABLE as error:
            raise UnreadableEvent(position, "?", type(error).__name__) from error
        return position, event.recorded, event.data

    def verbatim(self, position: int, text: str, head: type) -> KnownEvent:
        """The same, the event as stored and with some of its fields alone, those of `head`.

        Raises:
            UnreadableEvent: as `fact`.
        """
        decode = self._heads.get(head) or self._head_decoder(head)
        try:
            event = self._raw.decode(text).event
            return position, event.recorded, Verbatim(decode(event.data), bytes(event.data))
        except _UNREADABLE as error:
            raise UnreadableEvent(position, "?", type(error).__name__) from error

    def _fact_decoder(self, name: str, position: int) -> Callable[[str], Any]:
        kind = self.catalog.by_name.get(name)
        decode: Callable[[str], Any]
        if kind is None:
            decode = self._decoder(name, position).decode
        else:
            fields: list[tuple[str, Any]] = [("data", kind.cls), ("recorded", datetime)]
            shape = msgspec.defstruct("Stored", [("event", msgspec.defstruct("Fact", fields))])
            decode = msgspec.json.Decoder(shape, dec_hook=decode_hook).decode
        self._facts[name] = decode
        return decode

    def _head_decoder(self, head: type) -> Callable[[msgspec.Raw], Any]:
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(head, dec_hook=decode_hook)
        self._heads[head] = decoder.decode
        return decoder.decode

    def _decoder(self, name: str, position: int) -> msgspec.json.Decoder[Any]:
        kind = self.catalog.by_name.get(name)
        if kind is None and name not in self.catalog.old:
            raise UnknownEvent(name, position)
        if kind is not None:
            envelope = Envelope[kind.cls]  # type: ignore[name-defined]
            shape = msgspec.defstruct("Stored", [("event", envelope)])
            decoder = msgspec.json.Decoder(shape, dec_hook=decode_hook)
        else:
            decoder = cast("Any", _UpcastingDecoder(self.catalog, name))
        self._decoders[name] = decoder
        return decoder

    def _sealer(
        self, about: str, household: str, stream: str, version: int
    ) -> Callable[[Any, str], Any]:
        """What closes the values of an event: each for its place, under whom it is about."""
        seal = self.vault.seal

        def sealed(value: Any, place: str) -> Any:
            if isinstance(value, str):
                # Nothing is closed where nothing is said.
                if not value:
                    return value
                subject = about or _subject_of(household)
                if type(value) is Said:
                    subject = joined((*parts(subject), *parts(value.subject)))
                value = Personal(subject, value)
            elif isinstance(value, Withheld) and value.subject:
                # Said again of whom it was about: it stays as closed as it is.
                return Sealed(value.subject, "")
            elif not isinstance(value, Personal):
                # INVARIANT: a value stays where it was sealed; elsewhere nobody could open it.
                raise TypeError(f"a value sealed elsewhere cannot stand at {stream}: {place}")
            return seal(value, Place(stream, version, place))

        return sealed


class _UpcastingDecoder:
    """Reads an old version: dict, upcasters, then today's class; stored bytes stay as they are."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._catalog, self._name = catalog, name
        shape = msgspec.defstruct("Stored", [("event", Envelope[dict[str, Any]])])
        self._decoder = msgspec.json.Decoder(shape, dec_hook=decode_hook)

    def decode(self, state: str) -> Any:
        stored: Any = self._decoder.decode(state)
        kind, data = self._catalog.upcast(self._name, stored.event.data)
        stored.event.data = _convert(kind, data)
        return stored


def _convert(kind: EventType, data: dict[str, Any]) -> Any:
    return msgspec.convert(data, kind.cls, dec_hook=decode_hook)


def _subject_of(household: str) -> str:
    """Whom a text is about of whom nobody said it."""
    return of_household(household) if household else COMPANY
