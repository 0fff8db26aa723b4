"""Where data comes from and what is made of it, as a graph and a table: from the sensor to the figure and the decision."""

from __future__ import annotations

from madang.base.errors import BadRequest
from madang.lake.datasets.house import DataHouse
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import page
from madang.people.identity.visit import Browsers, Visit
from madang.people.portal.browsing import published
from madang.people.portal.drawing import graph_of
from madang.people.portal.shown import node_of, steps
from madang.trust.identity.house import Identity

_FOUND_MAX = 50
_PUBLIC = ("indicator:",)
"""Everybody may see what these are made of; of anything else whoever manages data sets."""


class LineageDoor(Door):
    def __init__(self, identity: Identity, browsers: Browsers, house: DataHouse) -> None:
        super().__init__(identity, browsers)
        self._house = house

    @property
    def table(self) -> Table:
        return {
            "data/sets/*/lineage": {"GET": self.page(self._of_dataset)},
            "data/lineage": {"GET": self.page(self._of_node)},
        }

    async def _of_dataset(self, visit: Visit) -> Response:
        dataset = await published(self._house, visit.request.parts[2])
        back = f"/data/sets/{dataset.id}"
        return await self._shown(visit, f"dataset:{dataset.id}", dataset.title(visit.language), back)

    async def _of_node(self, visit: Visit) -> Response:
        """`node`: its name; `words`: of names that are looked for."""
        node, words = (visit.request.query.get(name, "")[:300] for name in ("node", "words"))
        if node.startswith(_PUBLIC):
            back = f"/data/indicators/{node.partition(':')[2]}"
            return await self._shown(visit, node, node.partition(":")[2], back)
        self.manager(visit, "datasets")
        if node and ":" not in node:
            raise BadRequest("node: its kind and its name")
        if node:
            return await self._shown(visit, node, node.partition(":")[2], f"/data/lineage?node={node}")
        found = await self._house.lineage.nodes(words, _FOUND_MAX) if words else []
        return page(visit, "portal/tracing", words_asked=words, nodes=[(one, *node_of(one)) for one in found])

    async def _shown(self, visit: Visit, node: str, title: str, back: str) -> Response:
        edges = await self._house.lineage.around(node)
        may = visit.person is not None and self.browsers.gate.known_as(visit.claim()).may("manage", "datasets")
        graph, table = graph_of(edges), steps(edges)
        return page(visit, "portal/lineage", title=title, back=back, graph=graph, steps=table, may_look=may)
