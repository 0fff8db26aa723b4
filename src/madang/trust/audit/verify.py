"""The whole audit log computed anew: which rows are not those that were appended. What is read of it comes in blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from madang.base.limits import AUDIT_VERIFY_ROWS
from madang.trust.audit.log import decode_leaf, read_nodes
from madang.trust.audit.merkle import EMPTY_ROOT, Node, fold, leaf_hash, node_hash
from madang.trust.audit.note import Checkpoint

Hashes = dict[int, bytes | None]
_LEVELS = AUDIT_VERIFY_ROWS.bit_length() - 1


@dataclass(frozen=True)
class Fault:
    """Rows `first` to `last` are not as they were appended: `altered`, `removed`, `moved`, `hash` (a stored subtree or leaf
    hash does not fit what lies under it) or `checkpoint` (all fits together, and it is not what was signed)."""

    first: int
    last: int
    kind: str


@dataclass(frozen=True)
class Verdict:
    """`size` is how many rows there should be, as far as anything tells; `root` that of the whole log when nothing is wrong."""

    size: int
    root: bytes
    faults: tuple[Fault, ...]


async def verify(pool: asyncpg.Pool, kept: Checkpoint | None, cosigned: Sequence[Checkpoint] = ()) -> Verdict:
    """Reads everything in one view of the database. `kept` was stored outside of it: without it nobody can tell a log that
    was cut off, or made anew from its beginning, from a whole one. `cosigned` are what witnesses saw."""
    signed = [*([] if kept is None else [kept]), *cosigned]
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetchval("SELECT coalesce(max(seq) + 1, 0) FROM audit_entry")
        nodes = await connection.fetchval("SELECT coalesce(max((place + 1) << level), 0) FROM audit_node")
        size = max(rows, nodes, *(one.size for one in signed))
        faults: list[Fault] = []
        blocks: Hashes = {}
        for first in range(0, size, AUDIT_VERIFY_ROWS):
            top = await _block(connection, first, min(first + AUDIT_VERIFY_ROWS, size), faults)
            blocks |= {first >> _LEVELS: top} if first + AUDIT_VERIFY_ROWS <= size else {}
        await _above(connection, size, blocks, faults)
        for one in [] if faults else signed:
            if fold(await read_nodes(connection, [(0, one.size)])) != one.root:
                faults.append(Fault(0, one.size - 1, "checkpoint"))
        root = EMPTY_ROOT if faults else fold(await read_nodes(connection, [(0, size)]))
    return Verdict(size, root, tuple(sorted(faults, key=lambda fault: (fault.first, fault.last))))


async def _block(connection: Any, first: int, end: int, faults: list[Fault]) -> bytes | None:
    """Leaves of `[first, end)` and the complete subtrees over them. Gives the one over a whole block."""
    sql = "SELECT seq, leaf, hash FROM audit_entry WHERE seq >= $1 AND seq < $2"
    rows = {row["seq"]: (row["leaf"], row["hash"]) for row in await connection.fetch(sql, first, end)}
    stored = {}
    for height in range(1, _LEVELS + 1):
        sql = "SELECT place, hash FROM audit_node WHERE level = $1 AND place >= $2 AND place < $3"
        found = await connection.fetch(sql, height, first >> height, end >> height)
        stored.update({(height, row["place"]): row["hash"] for row in found})
    bad = check_leaves(first, end, rows)
    level: Hashes = {place: rows[place][1] if place in rows else None for place in range(first, end)}
    for height in range(1, _LEVELS + 1):
        level = check_level(height, level, stored, bad)
    faults += bad
    return level.get(first >> _LEVELS)


def check_leaves(first: int, end: int, rows: Mapping[int, tuple[str, bytes]]) -> list[Fault]:
    """Each row against its own hash and place."""
    out = []
    for place in range(first, end):
        if place not in rows:
            out.append(Fault(place, place, "removed"))
            continue
        leaf, stored = rows[place]
        if leaf_hash(leaf.encode()) != stored:
            out.append(Fault(place, place, "altered"))
        elif _own_place(leaf) != place:
            out.append(Fault(place, place, "moved"))
    return out


def check_level(height: int, below: Hashes, stored: Mapping[Node, bytes], faults: list[Fault]) -> Hashes:
    """One level of subtrees out of the level below. What is stored is believed from here on, so a fault is told once, where it
    is; a fault under a subtree explains it."""
    out: Hashes = {}
    for left in [place for place in below if not place & 1 and place + 1 in below]:
        place = left >> 1
        before, after, kept = below[left], below[left + 1], stored.get((height, place))
        out[place] = kept
        fits = before is not None and after is not None and kept == node_hash(before, after)
        span = (place << height, ((place + 1) << height) - 1)
        if not fits and not any(span[0] <= fault.first and fault.last <= span[1] for fault in faults):
            faults.append(Fault(*span, "hash"))
    return out


async def _above(connection: Any, size: int, level: Hashes, faults: list[Fault]) -> None:
    """The levels above whole blocks."""
    sql = "SELECT level, place, hash FROM audit_node WHERE level > $1"
    stored = {(row["level"], row["place"]): row["hash"] for row in await connection.fetch(sql, _LEVELS)}
    for height in range(_LEVELS + 1, size.bit_length()):
        level = check_level(height, level, stored, faults)


def _own_place(leaf: str) -> int | None:
    try:
        return decode_leaf(leaf).get("seq")
    except msgspec.MsgspecError:
        return None
