"""Proofs hold for every tree, break with every flipped bit, and agree with RFC 6962 written down as it stands there."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from madang.trust.audit.merkle import (
    consistency_spans,
    cover,
    extends,
    fold,
    grow,
    includes,
    inclusion_spans,
    leaf_hash,
)

sizes = st.integers(1, 140)


def naive_split(n: int) -> int:
    return max(2**power for power in range(10) if 2**power < n)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], False), naive_root(leaves[:k])]


class Tree:
    """What is stored of a log, appended in two batches."""

    def __init__(self, size: int, cut: int = 0) -> None:
        self.leaves = [b"leaf %d" % n for n in range(size)]
        self.hashes = [leaf_hash(leaf) for leaf in self.leaves]
        first, edge = grow(0, [], self.hashes[:cut])
        second, self.edge = grow(cut, edge, self.hashes[cut:])
        self.nodes = {(0, n): one for n, one in enumerate(self.hashes)} | dict(first + second)

    def over(self, span: tuple[int, int]) -> bytes:
        return fold([self.nodes[node] for node in cover(span)])

    def root(self, size: int) -> bytes:
        return self.over((0, size))


def flipped(data: bytes, bit: int) -> bytes:
    bit %= len(data) * 8
    return bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(data))


@given(sizes, st.data())
def test_roots_are_those_of_the_rfc(size: int, data: st.DataObject) -> None:
    tree = Tree(size, data.draw(st.integers(0, size)))
    old = data.draw(st.integers(0, size))
    assert (tree.root(old), fold(tree.edge)) == (naive_root(tree.leaves[:old]), naive_root(tree.leaves))


@given(sizes, st.data())
def test_inclusion_is_proved_as_the_rfc_does(size: int, data: st.DataObject) -> None:
    tree, index = Tree(size), data.draw(st.integers(0, size - 1))
    path = [tree.over(span) for span in inclusion_spans(index, size)]
    assert path == naive_path(index, tree.leaves)
    assert includes(tree.hashes[index], index, size, path, tree.root(size))


@given(sizes, st.data())
def test_consistency_is_proved_as_the_rfc_does(size: int, data: st.DataObject) -> None:
    tree, old = Tree(size), data.draw(st.integers(1, size))
    path = [tree.over(span) for span in consistency_spans(old, size)]
    assert path == naive_proof(old, tree.leaves)
    assert extends(old, tree.root(old), size, tree.root(size), path)


@given(st.integers(2, 140), st.data(), st.integers(0, 4_000))
def test_no_flipped_bit_of_an_inclusion_is_taken(size: int, data: st.DataObject, bit: int) -> None:
    tree, index = Tree(size), data.draw(st.integers(0, size - 1))
    path = [tree.over(span) for span in inclusion_spans(index, size)]
    hit = data.draw(st.integers(0, len(path) - 1))
    bent = [*path[:hit], flipped(path[hit], bit), *path[hit + 1 :]]
    root, leaf = tree.root(size), tree.hashes[index]
    taken = [
        includes(leaf, index, size, bent, root),
        includes(flipped(leaf, bit), index, size, path, root),
        includes(leaf, index, size, path, flipped(root, bit)),
        includes(leaf, index, size, path[:-1], root),
        includes(leaf, index, size, [*path, root], root),
        includes(leaf, (index + 1) % size, size, path, root),
        includes(leaf, size, size, path, root),
    ]
    assert taken == [False] * 7


@given(st.integers(2, 140), st.data(), st.integers(0, 4_000))
def test_no_flipped_bit_of_a_consistency_is_taken(size: int, data: st.DataObject, bit: int) -> None:
    tree, old = Tree(size), data.draw(st.integers(1, size - 1))
    path = [tree.over(span) for span in consistency_spans(old, size)]
    hit = data.draw(st.integers(0, len(path) - 1))
    bent = [*path[:hit], flipped(path[hit], bit), *path[hit + 1 :]]
    before, after = tree.root(old), tree.root(size)
    taken = [
        extends(old, before, size, after, bent),
        extends(old, flipped(before, bit), size, after, path),
        extends(old, before, size, flipped(after, bit), path),
        extends(old, before, size, after, path[:-1]),
        extends(old, before, size, after, [*path, after]),
        extends(size, after, old, before, path),
    ]
    assert taken == [False] * 6


@given(sizes)
def test_a_tree_extends_nothing_and_itself_without_a_proof(size: int) -> None:
    tree = Tree(size)
    assert extends(0, naive_root([]), size, tree.root(size), [])
    assert extends(size, tree.root(size), size, tree.root(size), [])
    assert not extends(0, tree.root(size), size, tree.root(size), [])
    assert not extends(size, tree.root(size), size, tree.root(size), [tree.root(size)])
