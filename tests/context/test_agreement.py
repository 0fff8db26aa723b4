"""The SQL of a query and its meaning in `model.evaluate` agree on every entity: one is the oracle of the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from madang.context.sql import jsonpath
from madang.engine.database import connect_pool
from madang.model.context import CORE
from madang.model.entity import parse_body
from madang.model.evaluate import satisfies
from madang.model.query import All, Between, Compare, Differs, Exists, Matches, Path, Some, parse_query

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.one_of(
    st.integers(-5, 5), st.floats(-5, 5), st.booleans(), st.sampled_from(["", "x", "xy", 'q"t', "\\d", "한"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=6,
)
PATHS = st.builds(Path, st.lists(NAMES, min_size=1, max_size=2).map(tuple), st.lists(NAMES, max_size=2).map(tuple))
TESTS = st.one_of(
    st.builds(Compare, PATHS, st.just("=="), st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
    st.builds(Compare, PATHS, st.sampled_from([">", "<", ">=", "<="]), st.tuples(SCALARS)),
    st.builds(Between, PATHS, st.integers(-5, 0), st.integers(0, 5)),
    st.builds(Matches, PATHS, st.sampled_from(["^x", "y$", "한", "x|q"]), st.booleans()),
)
NODES = st.one_of(TESTS, TESTS.map(Differs), PATHS.map(Exists))
PROPERTIES = st.recursive(
    st.fixed_dictionaries({"type": st.just("Property"), "value": VALUES}),
    lambda inner: st.fixed_dictionaries({"type": st.just("Property"), "value": VALUES, "a": inner}),
    max_leaves=2,
)
ATTRIBUTES = st.one_of(
    PROPERTIES,
    st.fixed_dictionaries({"type": st.just("Relationship"), "object": st.sampled_from(["urn:x", "urn:y"])}),
    st.fixed_dictionaries({"type": st.just("ListProperty"), "valueList": st.lists(SCALARS, max_size=3)}),
    st.fixed_dictionaries(
        {"type": st.just("LanguageProperty"), "languageMap": st.dictionaries(NAMES, st.just("x"), max_size=2)}
    ),
)
BODIES = st.dictionaries(NAMES, ATTRIBUTES, max_size=3)


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


@pytest.fixture(scope="module")
def background(session_dsn: str) -> Iterator[Background]:
    background = Background(session_dsn)
    yield background
    background.close()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, node=NODES)
@example(body={"b": {"type": "Property", "value": {"a": []}}}, node=Differs(Between(Path(("b",), ("a",)), 0, 0)))
def test_postgresql_and_python_mean_the_same(background: Background, body: dict[str, Any], node: Any) -> None:
    found = background.run(background.pool.fetchval("SELECT $1::jsonb @@ $2::jsonpath", body, jsonpath(node)))
    assert bool(found) == satisfies(parse_body(body, CORE), node)


@settings(max_examples=200)
@given(text=st.text(max_size=60))
def test_any_text_is_a_query_or_a_clear_error(text: str) -> None:
    from madang.base.errors import BadRequest

    try:
        node = parse_query(text)
    except BadRequest as error:
        assert 400 <= error.status < 500
    else:
        assert satisfies({}, node) in (True, False)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", Exists(Path(("a",)))),
        ("a.b[c.d]>=2.5", Compare(Path(("a", "b"), ("c", "d")), ">=", (2.5,))),
        ('a=="x;|y"', Compare(Path(("a",)), "==", ("x;|y",))),
        ("a!=1,2", Differs(Compare(Path(("a",)), "==", (1, 2)))),
        ("a==1..2", Between(Path(("a",)), 1, 2)),
        ("a~=^x(y|z)$;b", All((Matches(Path(("a",)), "^x(y|z)$"), Exists(Path(("b",)))))),
        ("a|b;c", Some((Exists(Path(("a",))), All((Exists(Path(("b",))), Exists(Path(("c",)))))))),
        ("a.observedAt>2026-01-01T00:00:00Z", Compare(Path(("a", "observedAt")), ">", ("2026-01-01T00:00:00.000Z",))),
        ("a==urn:ngsi-ld:X:1", Compare(Path(("a",)), "==", ("urn:ngsi-ld:X:1",))),
    ],
)
def test_trees(text: str, tree: Any) -> None:
    assert parse_query(text) == tree
