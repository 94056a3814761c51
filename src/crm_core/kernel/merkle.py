"""The root of an RFC 9162 Merkle tree, computed as leaves arrive.

Only the roots of complete subtrees are kept: one per binary digit of the number of leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from itertools import islice

_TOGETHER = 256
"""Leaves hashed level by level; any power of two."""


class MerkleTree:
    """A tree that is only appended to (RFC 9162, section 2.1.1).

    >>> MerkleTree().root()
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """

    __slots__ = ("_subtrees", "size")

    def __init__(self) -> None:
        self.size: int = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the leaf with these data."""
        self._put(sha256(b"\x00" + leaf).digest(), 1)

    def _put(self, node: bytes, leaves: int) -> None:
        """Add a complete subtree of so many leaves, a power of two."""
        size = self.size // leaves
        while size & 1:
            node = sha256(b"\x01" + self._subtrees.pop() + node).digest()
            size >>= 1
        self._subtrees.append(node)
        self.size += leaves

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves one after another, at less cost than with `append` where they are many."""
        coming = iter(leaves)
        # A complete subtree can only stand where as many leaves went before as it has.
        while self.size % _TOGETHER and (one := next(coming, None)) is not None:
            self.append(one)
        while len(some := list(islice(coming, _TOGETHER))) == _TOGETHER:
            nodes = [sha256(b"\x00" + leaf).digest() for leaf in some]
            while len(nodes) > 1:
                pairs = zip(nodes[::2], nodes[1::2], strict=True)
                nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            self._put(nodes[0], _TOGETHER)
        for leaf in some:
            self.append(leaf)

    def root(self) -> str:
        """The root over all leaves so far, as hex."""
        if not self._subtrees:
            return sha256(b"").hexdigest()
        node = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            node = sha256(b"\x01" + subtree + node).digest()
        return node.hex()
