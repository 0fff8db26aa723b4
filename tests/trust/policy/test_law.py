"""Three ways to know what somebody may see of an entity, and they agree: Cedar asked about each attribute of each entity, the
formula that is left of the policies, and the rows that PostgreSQL finds by it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madang.context.formula_sql import formula_condition
from madang.context.sql import Parameters
from madang.engine.database import connect_pool
from madang.model.entity import Entity
from madang.model.geometry import bounds
from madang.model.render import geometry_of
from madang.model.sight import sight_of
from madang.trust.policy.ruling import Moment, Ruling, read_ruling
from madang.trust.policy.source import AREAS, GROUPS
from madang.trust.principal import Principal

WHO = Principal("person", "kim", frozenset({"citizen"}))
NOW = Moment(9, 1)
ATTRIBUTES = ["x", "y", "z", "owner", "location", "nobody-names-this"]
ATOMS = st.sampled_from(
    [
        'resource in Type::"A"',
        'resource in Type::"B"',
        'resource in Group::"public"',
        'resource in [Attribute::"x", Attribute::"y"]',
        'resource in Attribute::"x"',
        'resource in Field::"A z"',
        'resource in Area::"ring"',
        'resource in Area::"two"',
        'resource in Area::"nowhere"',
        'resource == Entity::"urn:1"',
        'resource != Entity::"urn:2"',
        "resource.owner.contains(principal.name)",
        'resource.owner.containsAny([principal.name, "person:lee"])',
        "resource is Entity",
        'resource.tenant == principal.tenant',
        'principal in Role::"citizen"',
        "context.hour > 8",
        'context.purpose == "research"',
    ]
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda three: "(if {} then {} else {})".format(*three)),
    ),
    max_leaves=5,
)
POLICIES = st.lists(st.tuples(st.sampled_from(["permit", "permit", "forbid"]), CONDITIONS), min_size=1, max_size=4)
SIDES = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.7, 5.0])
SPOTS = st.tuples(SIDES, SIDES).map(list)
PLACES = st.one_of(
    st.none(),
    SPOTS.map(lambda spot: {"type": "Point", "coordinates": spot}),
    st.lists(SPOTS, min_size=2, max_size=3).map(lambda spots: {"type": "LineString", "coordinates": spots}),
)
OWNERS = st.one_of(
    st.none(),
    st.sampled_from(["person:kim", "person:lee", ["person:kim", "person:lee"], []]).map(
        lambda value: {"type": "Property", "value": value}
    ),
    st.just({"type": "Relationship", "object": "person:kim"}),
)
ENTITIES = st.lists(
    st.tuples(st.lists(st.sampled_from("ABC"), min_size=1, max_size=2, unique=True), PLACES, OWNERS, st.sets(st.sampled_from("xyz"))),
    min_size=1,
    max_size=5,
)  # fmt: skip


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


FEATURES = {
    "ring": {"type": "Polygon", "coordinates": [square(0, 0, 3), square(1, 1, 1)]},
    "two": {"type": "MultiPolygon", "coordinates": [[square(-1.2, -1.2, 0.5)], [square(3.5, 3.5, 2)]]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policies")
    features = [{"type": "Feature", "id": name, "geometry": shape} for name, shape in FEATURES.items()]
    (folder / AREAS).write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (folder / GROUPS).write_text(json.dumps({"public": ["A", "C"]}))
    return folder


def ruling_of(folder: Path, policies: list[tuple[str, str]]) -> Ruling:
    written = (
        f'@id("{n}") {effect} (principal, action == Action::"read", resource is Entity) when {{ {said} }};'
        for n, (effect, said) in enumerate(policies)
    )
    (folder / "some.cedar").write_text("\n".join(written))
    return read_ruling([folder])


def entity_of(number: int, drawn: Any) -> Entity:
    types, place, owner, names = drawn
    body: dict[str, Any] = {name: {"type": "Property", "value": 1} for name in names}
    body |= {"location": {"type": "GeoProperty", "value": place}} if place else {}
    body |= {"owner": owner} if owner else {}
    return Entity(f"urn:{number}", types, body)


class Background:
    """A loop in a thread, so that plain hypothesis tests can ask a real database."""

    def __init__(self, dsn: str) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.pool: asyncpg.Pool = self.run(connect_pool(dsn, 1, 1))

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def close(self) -> None:
        self.run(self.pool.close())
        self.loop.call_soon_threadsafe(self.loop.stop)

    def found(self, condition: str, parameters: Parameters, entities: list[Entity]) -> set[str]:
        """Ids of those entities that meet the condition, the table being these alone."""
        add, boxes = parameters.add, [bounds(geometry_of(one)) for one in entities]
        corners = [add([None if box is None else box[at] for box in boxes]) for at in range(4)]
        west, south, east, north = (f"{one}::float8[]" for one in corners)
        table = (
            f"SELECT id, string_to_array(joined, ' ') AS types, split_part(joined, ' ', 1) AS type, body,"
            f" box(point(w, s), point(e, n)) AS place FROM unnest({add([one.id for one in entities])}::text[],"
            f" {add([' '.join(one.types) for one in entities])}::text[], {add([one.body for one in entities])}::jsonb[],"
            f" {west}, {south}, {east}, {north}) AS given(id, joined, body, w, s, e, n)"
        )
        sql = f"WITH entity AS ({table}) SELECT id FROM entity WHERE {condition}"
        return {record["id"] for record in self.run(self.pool.fetch(sql, *parameters.values))}


@pytest.fixture(scope="module")
def background(session_dsn: str) -> Iterator[Background]:
    background = Background(session_dsn)
    yield background
    background.close()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies=POLICIES, drawn=ENTITIES)
def test_the_filter_finds_what_cedar_allows(background: Background, folder: Path, policies: Any, drawn: Any) -> None:
    ruling, entities = ruling_of(folder, policies), [entity_of(number, one) for number, one in enumerate(drawn)]
    known = ruling.known(WHO, ())
    decided = {
        one.id: {name for name in ATTRIBUTES if ruling.decide_entity(WHO, known, "read", one, name, "", NOW).allowed}
        for one in entities
    }
    sight = sight_of(ruling.residue(WHO, known, "read", "", NOW).allowed)
    assert {one.id: {name for name in ATTRIBUTES if name in sight.of(one)} for one in entities} == decided
    parameters = Parameters()
    condition = formula_condition(sight.visible, parameters)
    assert background.found(condition, parameters, entities) == {name for name, names in decided.items() if names}
