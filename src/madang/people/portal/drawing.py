"""A graph of where data comes from, as columns of boxes from left to right. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from madang.lake.catalogue.lineage import Edge

WIDE, HIGH, GAP_X, GAP_Y = 200, 44, 60, 16


@dataclass(frozen=True)
class Box:
    """A node with its place; `kind` is what it is, `name` what it is called."""

    x: int
    y: int
    kind: str
    name: str


@dataclass(frozen=True)
class Graph:
    """`lines` from the right side of one box to the left of another: x1, y1, x2, y2."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[tuple[int, int, int, int]]


def graph_of(edges: list[Edge]) -> Graph:
    """Each node right of all that it was made of."""
    columns = _columns(edges)
    rows: dict[int, int] = {}
    places: dict[str, tuple[int, int]] = {}
    for node in sorted(columns, key=lambda one: (columns[one], one)):
        row = rows.get(columns[node], 0)
        rows[columns[node]] = row + 1
        places[node] = (columns[node] * (WIDE + GAP_X) + 1, row * (HIGH + GAP_Y) + 1)
    boxes = [Box(x, y, *_named(node)) for node, (x, y) in places.items()]
    lines = [
        (
            places[one.input][0] + WIDE,
            places[one.input][1] + HIGH // 2,
            places[one.output][0],
            places[one.output][1] + HIGH // 2,
        )
        for one in edges
    ]
    width = max((box.x for box in boxes), default=0) + WIDE + 2
    return Graph(width, max((box.y for box in boxes), default=0) + HIGH + 2, boxes, lines)


def _columns(edges: list[Edge]) -> dict[str, int]:
    """The longest way to each; ways that lead back to themselves are cut off."""
    nodes = {name for one in edges for name in (one.input, one.output)}
    columns = dict.fromkeys(nodes, 0)
    for _ in nodes:
        moved = False
        for one in edges:
            if columns[one.output] <= columns[one.input] < len(nodes) - 1:
                columns[one.output] = columns[one.input] + 1
                moved = True
        if not moved:
            break
    return columns


def _named(node: str) -> tuple[str, str]:
    kind, _, name = node.partition(":")
    return kind, name if len(name) <= 26 else f"{name[:12]}…{name[-12:]}"
