"""`/data`: what the city publishes, found and looked at; and what people say of it."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from madang.base.errors import Gone, NotFound
from madang.base.limits import CATALOGUE_PAGE, LAKE_DATASETS_MAX
from madang.lake.catalogue.searching import FACETS, Wish
from madang.lake.datasets.dataset import Dataset
from madang.lake.datasets.house import DataHouse
from madang.people.acts import acted
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import page
from madang.people.identity.visit import Browsers, Visit
from madang.people.portal.ground import Ground
from madang.people.portal.schema_org import dataset_of
from madang.people.portal.shown import card, links_of, whole
from madang.people.store.doors import whole as whole_number
from madang.trust.identity.house import Identity


class BrowsingDoor(Door):
    """Everybody may look; who says something signs in."""

    def __init__(
        self, identity: Identity, browsers: Browsers, house: DataHouse, city: dict[str, str], ground: Ground
    ) -> None:
        super().__init__(identity, browsers)
        self._house, self._city, self._ground = house, city, ground

    @property
    def table(self) -> Table:
        return {
            "data": {"GET": self.page(self._browse)},
            "data/sets/*": {"GET": self.page(self._dataset)},
            "data/sets/*/voice": {"POST": self.page(self._voice)},
            "data/reuses": {"GET": self.page(self._reuses)},
            "data/requests": {"GET": self.page(self._requests), "POST": self.page(self._request)},
        }

    async def _browse(self, visit: Visit) -> Response:
        query = visit.request.query
        wish = Wish(query.get("words", "")[:200], {name: query[name] for name in FACETS if query.get(name)})
        number = whole_number(query.get("page", "0"), 0, LAKE_DATASETS_MAX // CATALOGUE_PAGE, "page")
        found = await self._house.search.page(wish, CATALOGUE_PAGE, number * CATALOGUE_PAGE)
        return page(
            visit,
            "portal/browse",
            wish=wish,
            total=found.total,
            datasets=[card(one, visit.language) for one in found.datasets],
            facets={name: _values(wish, name, values) for name, values in found.facets.items() if values},
            number=number,
            more=(number + 1) * CATALOGUE_PAGE < found.total,
            further=partial(_page_of, wish),
        )

    async def _dataset(self, visit: Visit) -> Response:
        dataset = await published(self._house, visit.request.parts[2])
        version = await self._house.publications.get(dataset.id, dataset.version)
        self._house.uses.saw(dataset.id, _who(visit), "page")
        streets = await self._ground.streets(dataset.shown.bbox if dataset.shown else None)
        return page(
            visit,
            "portal/dataset",
            one=whole(dataset, version, visit.language, self.identity.issuer, streets),
            versions=[one for one in await self._house.publications.of(dataset.id) if one.state == "published"],
            uses=await self._house.uses.of(dataset.id),
            voices=await self._house.voices.shown(None, dataset.id),
            marked=marked(dataset_of(dataset, version, self.identity.issuer, self._city)),
        )

    async def _voice(self, visit: Visit) -> Response:
        form, dataset = await self.browsers.form(visit), await published(self._house, visit.request.parts[2])
        kind: Any = form.get("kind", "")
        by = f"person:{visit.who()[0].id}"
        act = self._house.voices.write(dataset.id, kind, form.get("text", ""), form.get("address", "").strip(), by)
        await acted(self.identity.recorder, by, "dataset.voice", dataset.id, act)
        return page(visit, "portal/thanks", back=f"/data/sets/{dataset.id}")

    async def _reuses(self, visit: Visit) -> Response:
        return page(visit, "portal/reuses", reuses=await self._house.voices.shown("reuse"))

    async def _requests(self, visit: Visit) -> Response:
        return page(visit, "portal/requests", requests=await self._house.voices.shown("request"))

    async def _request(self, visit: Visit) -> Response:
        form, by = await self.browsers.form(visit), f"person:{visit.who()[0].id}"
        act = self._house.voices.request(form.get("title", ""), form.get("text", ""), by)
        await acted(self.identity.recorder, by, "dataset.request", "catalogue", act)
        return page(visit, "portal/thanks", back="/data/requests")


async def published(house: DataHouse, identifier: str) -> Dataset:
    """Raises NotFound; Gone with the reason for what was withdrawn."""
    found = await house.book.find(identifier)
    if found is None or found.state == "internal":
        raise NotFound("there is no such data set", reason="dataset_none")
    if found.state == "withdrawn":
        last = next((one for one in await house.publications.of(identifier) if one.state == "withdrawn"), None)
        raise Gone(f"withdrawn: {last.why if last else ''}", reason="dataset_withdrawn", why=last.why if last else "")
    return found


def marked(told: dict[str, Any]) -> str:
    """JSON that may stand in HTML."""
    return msgspec.json.encode(told).decode().replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e")


def _values(wish: Wish, facet: str, values: list[tuple[str, int]]) -> list[tuple[str, int, str, bool]]:
    """`(value, count, query, whether it is chosen)`."""
    return [
        (value, count, urlencode(links_of(wish, facet, value)), wish.facets.get(facet) == value)
        for value, count in values
    ]


def _page_of(wish: Wish, number: int) -> str:
    told = {"words": wish.words, **wish.facets, "page": str(number)}
    return urlencode({name: value for name, value in told.items() if value})


def _who(visit: Visit) -> str:
    return "anonymous" if visit.person is None else f"person:{visit.person.id}"
