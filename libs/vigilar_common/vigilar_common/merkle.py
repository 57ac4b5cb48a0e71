"""The Merkle tree of RFC 6962 (section 2.1): roots, inclusion and consistency proofs.

Everything works on leaf hashes of 32 bytes, never on the data of the leaves. Proofs are lists of 32-byte hashes,
from the leaves upwards. Checking answers False to a proof that does not fit and never raises on its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """What is needed to go on appending to a tree: one hash for each set bit of its size, largest subtree first."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Raises ValueError when `hashes` cannot be those of a tree of `size` leaves."""
        self._hashes = list(hashes)
        self._size = size
        if size < 0 or len(self._hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has not {len(self._hashes)} subtree hashes")
        if any(len(item) != HASH_BYTES for item in self._hashes):
            raise ValueError(f"a subtree hash is not {HASH_BYTES} bytes long")

    @property
    def size(self) -> int:
        return self._size

    @property
    def hashes(self) -> list[bytes]:
        """A copy; `CompactRange(size, hashes)` makes the same again."""
        return list(self._hashes)

    def append(self, leaf: bytes) -> None:
        """`leaf` is a leaf hash. Raises ValueError on a wrong length."""
        if len(leaf) != HASH_BYTES:
            raise ValueError(f"a leaf hash is not {HASH_BYTES} bytes long")
        size = self._size
        while size & 1:  # equal subtrees become one
            leaf = node_hash(self._hashes.pop(), leaf)
            size >>= 1
        self._hashes.append(leaf)
        self._size += 1

    def root(self) -> bytes:
        if not self._hashes:
            return EMPTY_ROOT
        found = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            found = node_hash(left, found)
        return found


class Tree:
    """All complete subtrees over some leaf hashes (64 bytes a leaf): many proofs without hashing all again."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = bytearray()
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise ValueError(f"a leaf hash is not {HASH_BYTES} bytes long")
            level += leaf
        self.size = len(level) // HASH_BYTES
        self._levels = [level]
        while len(level) >= 2 * HASH_BYTES:
            above = bytearray()
            for at in range(0, len(level) - 2 * HASH_BYTES + 1, 2 * HASH_BYTES):
                above += hashlib.sha256(b"\x01" + level[at : at + 2 * HASH_BYTES]).digest()
            self._levels.append(above)
            level = above

    def root(self, size: int | None = None) -> bytes:
        """Of the first `size` leaves. Raises ValueError when there are not so many."""
        size = self._checked(size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """That leaf `index` (from 0) is in the tree of the first `size` leaves. Raises ValueError."""
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError(f"there is no leaf {index} in a tree of {size}")
        found: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                found.append(self._range(middle, end))
                end = middle
            else:
                found.append(self._range(start, middle))
                start = middle
        return found[::-1]

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """That the first `old_size` leaves of the tree of `size` are unchanged; empty for 0 and for equal sizes.

        Raises ValueError.
        """
        size = self._checked(size)
        if not 0 <= old_size <= size:
            raise ValueError(f"a tree of {size} leaves does not go on from one of {old_size}")
        if old_size in (0, size):
            return []
        found: list[bytes] = []
        start, end, whole = 0, size, True
        while old_size != end:
            middle = start + _split(end - start)
            if old_size <= middle:
                found.append(self._range(middle, end))
                end = middle
            else:
                found.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:  # when the old tree is itself a node, its root is known to who checks
            found.append(self._range(start, end))
        return found[::-1]

    def _checked(self, size: int | None) -> int:
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError(f"there are {self.size} leaves, not {size}")
        return size

    def _range(self, start: int, end: int) -> bytes:
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            at = (start >> height) * HASH_BYTES
            return bytes(self._levels[height][at : at + HASH_BYTES])
        middle = start + _split(count)
        return node_hash(self._range(start, middle), self._range(middle, end))


def _split(count: int) -> int:
    """The largest power of two below `count` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def tree_root(leaves: Iterable[bytes]) -> bytes:
    compact = CompactRange()
    for leaf in leaves:
        compact.append(leaf)
    return compact.root()


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int | None = None) -> list[bytes]:
    """As `Tree.inclusion_proof`, hashing everything once."""
    return Tree(leaves).inclusion_proof(index, size)


def consistency_proof(leaves: Sequence[bytes], old_size: int, size: int | None = None) -> list[bytes]:
    """As `Tree.consistency_proof`, hashing everything once."""
    return Tree(leaves).consistency_proof(old_size, size)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` is leaf `index` of the tree of `size` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for item in proof:
        if last == 0 or len(item) != HASH_BYTES:
            return False
        if node & 1 or node == last:
            found = node_hash(item, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, item)
        node >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(
    old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> bool:
    """Whether the tree of `size` leaves begins with that of `old_size` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path or any(len(item) != HASH_BYTES for item in path):
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_found = found = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_found = node_hash(item, old_found)
            found = node_hash(item, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, item)
        node >>= 1
        last >>= 1
    return last == 0 and old_found == old_root and found == root
