"""Everything that is stored, read again by somebody who trusts none of it (decision record 0045).

Events are read as readers read them and linked anew; the rows of commands are compared with the
events that came from them; and the store says what it finds around them, at the same time and in a
thread of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from crm_adapters.eventlog.store import RowStore
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START, REST_START, first_link
from crm_core.kernel.merkle import MerkleTree
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
    with store.inspect(deep=deep) as inspection, ThreadPoolExecutor(1) as beside:
        around = beside.submit(inspection.faults)
        rows = inspection.commands()
        chain = Chain(store.tenant, store.contiguous, None if rows is None else Commands(rows))
        tree = MerkleTree()
        if root:
            append = tree.append
            for row in inspection.raw():
                append(chain.add(row))
        else:
            for row in inspection.raw():
                chain.add(row)
        chain.end()
        found = [*around.result(), *chain.faults]
    first = min(found, key=lambda fault: fault.position, default=None)
    return Verification(
        chain.events, first, tree.root() if root else "", (*inspection.unchecked, VIEWS)
    )


class Commands:
    """The rows of commands beside the commands that events tell of, both in order of position."""

    def __init__(self, rows: Iterator[CommandRow]) -> None:
        self._rows = rows
        self._begun: tuple[bytes, bytes, int] | None = None
        self.fault: ChainFault | None = None

    def begin(self, command: bytes, digest: bytes, position: int, last: int) -> None:
        """Events of another command begin; those of the last one ended at `last`."""
        self.end(last)
        self._begun = command, digest, position

    def goes_on(self, command: bytes, position: int) -> None:
        """Another event of the same command, as it says."""
        if self._begun is None or self._begun[0] != command:
            self._differs(position, command)

    def end(self, last: int) -> None:
        """The last event of a command was at `last`."""
        if self._begun is None:
            return
        command, digest, first = self._begun
        if self.fault is None and next(self._rows, None) != (command, digest, first, last):
            self._differs(first, command)

    def close(self, last: int) -> None:
        """There are no more events: then there is no other row either."""
        self.end(last)
        if self.fault is None and (left := next(self._rows, None)) is not None:
            self._differs(left[2], left[0])

    def _differs(self, position: object, command: object) -> None:
        if self.fault is None:
            place = position if isinstance(position, int) else 0
            self.fault = ChainFault(place, "", "command", shown(command))


class Chain:
    """Links rows one after another, as they come in order of position.

    Args:
        tenant: Whose log it is.
        contiguous: Whether a gap between positions is a fault.
        commands: The rows of commands, where the store keeps them.
    """

    def __init__(self, tenant: str, contiguous: bool, commands: Commands | None = None) -> None:
        self.events = 0
        self._tenant = tenant
        self._contiguous = contiguous
        self._commands = commands
        self._fault: ChainFault | None = None
        self._tips: dict[bytes, tuple[int, bytes]] = {}
        self._previous = 0

    @property
    def faults(self) -> list[ChainFault]:
        """What was found: of the chain the first fault, and of the commands the first."""
        beside = None if self._commands is None else self._commands.fault
        return [fault for fault in (self._fault, beside) if fault is not None]

    def add(self, row: RawRow) -> bytes:
        """Check the next row; its leaf in the tree."""
        position, stream, version, name, household, state = row
        self.events += 1
        leaf = b""
        kind = None
        try:
            leaf = state[DIGEST_START:DIGEST_END]
            rest = state[REST_START:]
            before = self._tips.get(stream)
            if before is None:
                before = 0, first_link(self._tenant, stream.decode()).encode()
            at, previous = before
            if (
                state[:DIGEST_START] != _HEAD
                or state[DIGEST_END:REST_START] != _JOINT
                or not rest.endswith(b',"household":"' + household + b'"}')
            ):
                kind = "malformed"
            elif version != at + 1:
                kind = "version"
            elif self._contiguous and position != self._previous + 1:
                kind = "position"
            else:
                text = b"%b\n%b\n%d\n%b\n%b" % (previous, stream, version, name, rest)
                digest = sha256(text).hexdigest().encode()
                if digest != leaf:
                    kind = "digest"
                else:
                    self._tips[stream] = version, digest
                    # Behind a fault nothing tells where a command ends.
                    if self._commands is not None and self._fault is None:
                        self._of_command(state, position)
        except UnicodeDecodeError:
            kind = "digest"
        except (AttributeError, TypeError):
            # Damaged rows of SQLite can hold a value of any type in any column.
            kind = "malformed"
        if kind is not None:
            if self._fault is None:
                place = position if isinstance(position, int) else 0
                self._fault = ChainFault(place, shown(stream), kind)
            if isinstance(version, int):
                self._tips[stream] = version, leaf
        self._previous = position
        return leaf if isinstance(leaf, bytes) else b""

    def end(self) -> None:
        """There are no more rows."""
        if self._commands is not None and self._fault is None:
            self._commands.close(self._previous)

    def _of_command(self, state: bytes, position: int) -> None:
        """Which command the event came from, and what that said where this is its first."""
        assert self._commands is not None
        # The first member of that name is the envelope's: a quote within a text is escaped.
        start = state.find(_COMMAND, REST_START) + len(_COMMAND)
        command, end = _text(state, start)
        if not state.startswith(_SAID, end + 1):
            self._commands.goes_on(command, position)
            return
        said, _ = _text(state, end + 1 + len(_SAID))
        self._commands.begin(command, said, position, self._previous)


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
    household = _household(state)
    chain.add((position, stream, version, name, household, state))
    return bool(chain.faults)


def _household(state: bytes) -> bytes:
    """The household a stored text names at its end."""
    return state.rpartition(b',"household":"')[2].removesuffix(b'"}')
