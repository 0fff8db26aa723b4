"""The Merkle tree of RFC 6962, section 2.1, over SHA-256: which stored subtrees a root or a proof needs, and whether a proof
holds. Pure.

A node is `(level, index)`: the root of the complete subtree over leaves `index << level` to `(index + 1) << level`. Only such
nodes are stored, they never change, and every root and proof is made of O(log n) of them. Hashes are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

Node = tuple[int, int]
Span = tuple[int, int]  # leaves from the first up to, not with, the second
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def cover(span: Span) -> list[Node]:
    """The complete subtrees that make up a span of the tree, left to right. The span begins where a subtree as large as its
    largest one may begin, as all spans of this module do."""
    first, end = span
    out = []
    while first < end:
        level = (end - first).bit_length() - 1
        out.append((level, first >> level))
        first += 1 << level
    return out


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, given left to right; of none it is the hash of nothing."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def grow(size: int, edge: Sequence[bytes], leaves: Iterable[bytes]) -> tuple[list[tuple[Node, bytes]], list[bytes]]:
    """Nodes above the leaves that appending completes, and the new edge. `edge`: hashes of `cover((0, size))`."""
    stack = list(edge)
    made: list[tuple[Node, bytes]] = []
    for place, leaf in enumerate(leaves, size):
        stack.append(leaf)
        level = 0
        while place >> level & 1:
            level += 1
            right = stack.pop()
            stack.append(node_hash(stack.pop(), right))
            made.append(((level, place >> level), stack[-1]))
    return made, stack


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]) of section 2.1.1 as spans, from the leaf upwards. `index` is below `size`."""
    spans: list[Span] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((first, middle))
            first = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """PROOF(old, D[new]) of section 2.1.2 as spans. `0 < old <= new`."""
    spans: list[Span] = []
    first, end, whole = 0, new, True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((first, middle))
            first, whole = middle, False
    return [*([] if whole else [(first, end)]), *spans[::-1]]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf of this hash stands at `index` of the tree (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the larger tree begins with the smaller one (RFC 9162, section 2.1.4.2). Everything extends an empty tree."""
    if old == 0 or old == new:
        return not path and old <= new and old_root == (EMPTY_ROOT if old == 0 else new_root)
    if not 0 < old < new or not path:
        return False
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, step)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
