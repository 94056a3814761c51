"""Events of the log on NATS JetStream, as CloudEvents, in order, each kept once by the server.

Needs the extra `nats`. At least once on the wire: every event has its id as `Nats-Msg-Id`, and the
server drops a repetition within its window. Beyond the window the relay asks the stream itself how
far it came, so an outage of any length neither loses an event nor doubles one. The last message
also says which event it was: a stream that is ahead of the log, or of another past of it, is not
written to (decision record 0049).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import NotFoundError

from crm_adapters.cloudevents import MEDIA_TYPE, cloud_event
from crm_core.errors import NotDelivered, OtherPast
from crm_core.kernel.projection import Consumer
from crm_core.kernel.recorded import Recorded
from crm_core.ports import EventLog

STREAM = "CRM"
SUBJECTS = "crm"
SOURCE = "crm-core"
POSITION = "Crm-Position"
"""Header with the position in the log."""
DIGEST = "Crm-Digest"
"""Header with the digest of the event: two events of that position are not the same."""

TIMEOUT_SECONDS = 5
DUPLICATES_SECONDS = 120


class NatsRelay:
    """A consumer of the log that publishes every event it is given.

    Sealed values stay sealed: what is published are the stored bytes of the event. One relay
    writes to a stream; events are to be handed over in the order of their positions.

    Args:
        url: `nats://host:port`, with user and password if the server asks for them.
        log: Gives the stored bytes of events.
        stream: Name of the stream; it is made if there is none.
        subjects: First part of the subjects: an event goes to `crm.requests.received`.
        source: The log's name among others, as `source` of the CloudEvents.
        resume: Leave out what the stream has already, by its last position. False for parked
            events, which are handed over again out of their order: only their ids tell.
    """

    def __init__(
        self,
        url: str,
        log: EventLog,
        *,
        stream: str = STREAM,
        subjects: str = SUBJECTS,
        source: str = SOURCE,
        timeout: int = TIMEOUT_SECONDS,
        resume: bool = True,
    ) -> None:
        self._url, self._log = url, log
        self._stream, self._subjects, self._source = stream, subjects, source
        self._timeout, self._resume = timeout, resume
        self._runner = asyncio.Runner()
        self._client: Client | None = None
        self._place = 0

    def consumer(self, names: Collection[str]) -> Consumer:
        """What publishes the named events, with its place in the log kept by name and stream."""
        return Consumer(f"relay.{self._stream}", names, self.handle, check=self.check)

    def check(self) -> None:
        """Whether the stream is of this log, and can be reached.

        Raises:
            NotDelivered: it cannot be reached.
            OtherPast: its last message is not what stands in the log there.
        """
        self._run(self._connected)

    def handle(self, recorded: Recorded[Any]) -> None:
        """Publish an event; returns when the server has stored it.

        Raises:
            NotDelivered: it is not known to be stored; hand it over again.
            OtherPast: the stream is of another log, or of another past of this one.
        """
        self._run(lambda: self._publish(recorded))

    def _run(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            self._runner.run(work())
        except (NatsError, OSError, TimeoutError):
            self._drop()
            raise NotDelivered("unreachable", transient=True) from None
        except OtherPast:
            # The next attempt asks the stream again: it may be another by then.
            self._drop()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._drop()
        self._runner.close()

    async def _publish(self, recorded: Recorded[Any]) -> None:
        jetstream = await self._connected()
        if self._resume and recorded.position <= self._place:
            return  # The stream has it.
        slice_fact, _, _ = recorded.name.partition("/")
        await jetstream.publish(
            f"{self._subjects}.{slice_fact}",
            event_bytes(recorded, self._log.canonical(recorded.event), self._source),
            timeout=self._timeout,
            stream=self._stream,
            headers={
                "Nats-Msg-Id": recorded.envelope.event_id,
                "Content-Type": MEDIA_TYPE,
                POSITION: str(recorded.position),
                DIGEST: recorded.digest,
            },
        )
        self._place = recorded.position

    async def _connected(self) -> JetStreamContext:
        if self._client is None:
            # No reconnecting behind our back: after any trouble the stream is asked anew.
            self._client = await nats.connect(
                self._url,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=self._timeout,
                error_cb=_silent,
            )
            self._place = await self._reached(self._client.jetstream(timeout=self._timeout))
        return self._client.jetstream(timeout=self._timeout)

    async def _reached(self, jetstream: JetStreamContext) -> int:
        """Position of the last event in the stream, which is made if there is none.

        Raises:
            OtherPast: another event stands there in the log, or none.
        """
        try:
            info = await jetstream.stream_info(self._stream)
        except NotFoundError:
            config = StreamConfig(
                name=self._stream,
                subjects=[f"{self._subjects}.>"],
                storage=StorageType.FILE,
                duplicate_window=DUPLICATES_SECONDS,
            )
            info = await jetstream.add_stream(config)
        if info.state.messages == 0:
            return 0
        last = await jetstream.get_msg(self._stream, seq=info.state.last_seq)
        headers = last.headers or {}
        text, digest = headers.get(POSITION, ""), headers.get(DIGEST, "")
        position = int(text) if text.isdecimal() else 0
        found = self._log.identity(position) if position else None
        if found != digest:
            raise OtherPast(self._stream, position, digest, found or "", "other_past_of_stream")
        return position

    def _drop(self) -> None:
        client, self._client, self._place = self._client, None, 0
        if client is not None:
            try:
                self._runner.run(client.close())
            except (NatsError, OSError, TimeoutError):
                return


async def _silent(_error: Exception) -> None:
    """What goes wrong is told by the call that it happens to."""


def event_bytes(recorded: Recorded[Any], data: bytes, source: str) -> bytes:
    """An event of the log as a CloudEvent; `data` are its stored bytes."""
    envelope = recorded.envelope
    return cloud_event(
        id=envelope.event_id,
        source=source,
        type=recorded.name,
        subject=recorded.stream,
        time=envelope.recorded,
        data=json.loads(data),
        household=recorded.household,
        sequence=f"{recorded.position:020}",
        streamversion=recorded.version,
        correlation=envelope.correlation,
        causation=envelope.causation,
        effective=envelope.effective.isoformat(),
    )
