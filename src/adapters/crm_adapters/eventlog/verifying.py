"""Everything that is stored, read again by somebody who trusts none of it (decision record 0045).

Events are read as readers read them and linked anew; the rows of commands are compared with the
events that came from them; and the store says what it finds around them, at the same time and in a
thread of its own.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from crm_adapters.eventlog.store import RowStore
from crm_adapters.eventlog.tiles import TileCheck
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START, REST_START, first_link
from crm_core.ports import ChainFault, Verification

VIEWS = "views"

_HEAD = b'{"digest":"'
_JOINT = b'",'
_COMMAND = b'"command":"'
_SAID = b',"command_digest":"'

RawRow = tuple[int, bytes, int, bytes, bytes, bytes]
CommandRow = tuple[bytes, bytes, int, int]


def verify(store: RowStore, *, root: bool = True, deep: bool = False) -> Verification:
    """Check every stored byte.

    Args:
        root: False leaves the root out (an empty text) where only the chain is asked for.
        deep: Have the database check its own pages, too.

    Raises:
        StoreUnreachable, NotALog: the store cannot be read to its end.
    """
    check = TileCheck(store.tiles)
    with store.inspect(deep=deep) as inspection, ThreadPoolExecutor(1) as beside:
        around = beside.submit(inspection.faults)
        chain = Chain(store.tenant, contiguous=store.contiguous, commands=inspection.commands())
        deque(chain.leaves(check.watch(inspection.raw())), maxlen=0)
        found = [*chain.faults, *around.result()]
    kept = check.fault()
    if not chain.faults and kept is not None:
        # Derived from the events, and so never heard before them.
        found.append(ChainFault(kept.last, "", "tile", "crm_tiles"))
    # What is located first: a damaged event tells more than the trigger that somebody took away.
    first = min(found, key=lambda fault: (not fault.position, fault.position), default=None)
    return Verification(
        chain.events, first, check.root() if root else "", (*inspection.unchecked, VIEWS)
    )


class Chain:
    """Links rows one after another, and holds the rows of commands beside them.

    Args:
        tenant: Whose log it is.
        contiguous: Whether a gap between positions is a fault.
        commands: The rows of commands with events, in order of position; None where the store
            keeps none.
    """

    def __init__(
        self, tenant: str, *, contiguous: bool, commands: Iterator[CommandRow] | None = None
    ) -> None:
        self.events = 0
        self.faults: list[ChainFault] = []
        self._tenant = tenant
        self._contiguous = contiguous
        self._commands = commands
        self._command: tuple[bytes, bytes, int] | None = None

    def leaves(self, rows: Iterable[RawRow]) -> Iterator[bytes]:
        """The leaves of the rows, which come in order of position, as they are checked.

        Of the chain the first fault is kept, and of the commands the first before it.
        """
        tips: dict[bytes, tuple[int, bytes]] = {}
        tenant, contiguous = self._tenant, self._contiguous
        compared = self._commands is not None
        command = b""
        last = 0
        for position, stream, version, name, household, state in rows:
            self.events += 1
            leaf = b""
            kind = None
            try:
                leaf = state[DIGEST_START:DIGEST_END]
                rest = state[REST_START:]
                before = tips.get(stream)
                if before is None:
                    before = 0, first_link(tenant, stream.decode()).encode()
                at, previous = before
                if (
                    not state.startswith(_HEAD)
                    or state[DIGEST_END:REST_START] != _JOINT
                    or not rest.endswith(b',"household":"%b"}' % household)
                ):
                    kind = "malformed"
                elif version != at + 1:
                    kind = "version"
                elif contiguous and position != last + 1:
                    kind = "position"
                else:
                    text = b"%b\n%b\n%d\n%b\n%b" % (previous, stream, version, name, rest)
                    if sha256(text).hexdigest().encode() != leaf:
                        kind = "digest"
                    else:
                        tips[stream] = version, leaf
            except UnicodeDecodeError:
                kind = "digest"
            except (AttributeError, TypeError):
                # Damaged rows of SQLite can hold a value of any type in any column.
                kind = "malformed"
            if kind is not None:
                self._wrong(position, stream, kind)
                # Behind a fault nothing tells where a command ends.
                compared = False
                if isinstance(version, int):
                    tips[stream] = version, leaf
            elif compared:
                # The first member of that name is the envelope's: a quote in a text is escaped.
                start = state.find(_COMMAND, REST_START) + len(_COMMAND)
                end = state.find(b'"', start)
                if not state.startswith(_SAID, end + 1) or b"\\" in state[start : end + 1]:
                    found, end = _text(state, start)
                    said = state.startswith(_SAID, end + 1)
                else:
                    found, said = state[start:end], True
                if said:
                    compared = self._ended(last)
                    command = found
                    start = end + 1 + len(_SAID)
                    self._command = command, _text(state, start)[0], position
                elif found != command:
                    compared = self._other_command(position, found)
            last = position
            yield leaf if isinstance(leaf, bytes) else b""
        if compared and self._ended(last) and self._commands is not None:
            for left, _, first, _ in self._commands:
                self._other_command(first, left)
                break

    def _ended(self, last: int) -> bool:
        """The events of a command ended there; whether its row says so, too."""
        if self._command is None or self._commands is None:
            return True
        command, digest, first = self._command
        if next(self._commands, None) == (command, digest, first, last):
            return True
        return self._other_command(first, command)

    def _other_command(self, position: object, command: object) -> bool:
        place = position if isinstance(position, int) else 0
        self.faults.append(ChainFault(place, "", "command", shown(command)))
        return False

    def _wrong(self, position: object, stream: object, kind: str) -> None:
        if not any(fault.kind != "command" for fault in self.faults):
            place = position if isinstance(position, int) else 0
            self.faults.append(ChainFault(place, shown(stream), kind))


def _text(state: bytes, start: int) -> tuple[bytes, int]:
    """The JSON text that begins there, and where its closing quote stands."""
    end = state.find(b'"', start)
    text = state[start:end]
    if b"\\" not in text:
        return text, end
    while (len(text) - len(text.rstrip(b"\\"))) % 2:
        end = state.find(b'"', end + 1)
        text = state[start:end]
    decoded: str = json.loads(b'"%b"' % text)
    return decoded.encode("utf-8", "surrogatepass"), end


def shown(value: object) -> str:
    """A stored name as it can be shown, whatever it is."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else "?"


def is_of_nobody(
    tenant: bytes, position: int, stream: bytes, version: int, name: bytes, state: bytes
) -> bool:
    """Whether the first row of a tenant is the beginning of no log.

    Rows that are no events of this library, such as those of an application beside it, say nothing
    of themselves.
    """
    if not isinstance(state, bytes) or not state.startswith(_HEAD):
        return False
    chain = Chain(tenant.decode(errors="replace"), contiguous=False)
    row = (position, stream, version, name, _household(state), state)
    deque(chain.leaves([row]), maxlen=0)
    return bool(chain.faults)


def _household(state: bytes) -> bytes:
    """The household a stored text names at its end."""
    return state.rpartition(b',"household":"')[2].removesuffix(b'"}')
