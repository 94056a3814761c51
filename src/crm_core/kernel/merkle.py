"""The root of an RFC 9162 Merkle tree, computed as leaves arrive.

Only the roots of complete subtrees are kept: one per binary digit of the number of leaves.
"""

from __future__ import annotations

from hashlib import sha256


class MerkleTree:
    """A tree that is only appended to (RFC 9162, section 2.1.1).

    >>> MerkleTree().root()
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """

    __slots__ = ("_subtrees", "size")

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the leaf with these data."""
        node = sha256(b"\x00" + leaf).digest()
        size = self.size
        while size & 1:
            node = sha256(b"\x01" + self._subtrees.pop() + node).digest()
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> str:
        """The root over all leaves so far, as hex."""
        if not self._subtrees:
            return sha256(b"").hexdigest()
        node = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            node = sha256(b"\x01" + subtree + node).digest()
        return node.hex()
