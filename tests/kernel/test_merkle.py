"""The tree over all positions is that of RFC 9162, at every size."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from shared_data import vectors

from crm_core.kernel.merkle import MerkleTree

EMPTY = sha256(b"").hexdigest()
LEAVES = st.lists(st.binary(max_size=40), max_size=40)


def reference(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word: split at the largest power of two below."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + reference(leaves[:split]) + reference(leaves[split:])).digest()


def grown(leaves: list[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree


@given(LEAVES)
def test_the_root_is_that_of_the_rfc_at_every_size(leaves: list[bytes]) -> None:
    tree = MerkleTree()
    assert tree.root() == EMPTY
    for size, leaf in enumerate(leaves, 1):
        tree.append(leaf)
        assert tree.size == size
        assert tree.root() == reference(leaves[:size]).hex()
        assert tree.root() == tree.root()


def test_the_published_roots_of_rfc_6962() -> None:
    cases = vectors("merkle-rfc6962/merkle_cases.json")
    leaves = [bytes.fromhex(leaf) for leaf in cases["leaf_inputs_hex"]]
    roots = cases["root_hex_by_size"]
    assert [grown(leaves[:size]).root() for size in range(len(roots))] == roots
    assert len(roots) == len(leaves) + 1


@given(LEAVES.filter(bool), st.data())
def test_every_leaf_and_its_place_count(leaves: list[bytes], data: st.DataObject) -> None:
    """An edited, dropped, repeated or swapped leaf gives another root."""
    root = grown(leaves).root()
    at = data.draw(st.integers(0, len(leaves) - 1))
    assert grown([*leaves[:at], leaves[at] + b"!", *leaves[at + 1 :]]).root() != root
    assert grown([*leaves[:at], *leaves[at + 1 :]]).root() != root
    assert grown([*leaves[:at], leaves[at], *leaves[at:]]).root() != root
    other = data.draw(st.integers(0, len(leaves) - 1))
    swapped = list(leaves)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    assert (grown(swapped).root() == root) is (swapped == leaves)


def test_a_leaf_cannot_be_mistaken_for_a_node() -> None:
    """Without the two prefixes, two leaves and one crafted leaf would share a root."""
    left, right = sha256(b"\x00a").digest(), sha256(b"\x00b").digest()
    two = grown([b"a", b"b"]).root()
    assert two == sha256(b"\x01" + left + right).hexdigest()
    assert two != grown([left + right]).root()
    assert two != grown([b"\x01" + left + right]).root()


def test_memory_grows_with_the_digits_of_the_size() -> None:
    tree = grown([b"x"] * 1023)
    assert len(tree._subtrees) == 10
    tree.append(b"x")
    assert len(tree._subtrees) == 1


@given(st.lists(st.sampled_from([0, 1, 2, 5, 255, 256, 257, 512, 600]), max_size=4))
def test_leaves_that_come_together_make_the_same_tree(parts: list[int]) -> None:
    """In whatever portions, also where a portion begins or ends within a block of 256."""
    together, leaves = MerkleTree(), list[bytes]()
    for part in parts:
        coming = [b"leaf %d" % number for number in range(len(leaves), len(leaves) + part)]
        together.extend(iter(coming))
        leaves += coming
        assert together.size == len(leaves)
        assert together.root() == reference(leaves).hex()
