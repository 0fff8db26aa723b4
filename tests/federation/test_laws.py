"""The laws of sharing and putting together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from madang.federation.asked import Ours, asked_of, specs_of
from madang.federation.index import Index, Known
from madang.model.assembly import Piece, assemble
from madang.model.context import CORE
from madang.model.entity import Entity
from madang.model.registration import GROUPS, EntityInfo, Information, Registration
from madang.model.render import Stamps
from madang.model.sources import Spec, joined, matches
from madang.model.splitting import split
from madang.model.subscription import Subscription, parse_subscription

NAMES, IDS, TYPES = ["a", "b", "c"], ["urn:x:1", "urn:x:2"], ["T", "U"]
TIMES = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "Property", "value": draw(st.integers(0, 3))}
    observed, modified = draw(st.sampled_from([None, *TIMES])), draw(st.sampled_from([None, *TIMES]))
    out |= {"observedAt": observed} if observed else {}
    return out | ({"modifiedAt": modified} if modified else {})


bodies = st.dictionaries(st.sampled_from(NAMES), instances())
pieces = st.builds(
    lambda body, rank, time: Piece(Entity("urn:x:1", ["T"], body), Stamps(time, time), rank),
    bodies,
    st.integers(0, 2),
    st.sampled_from(TIMES),
)
infos = st.builds(EntityInfo, st.sampled_from([("T",), ("U",), ("T", "U")]), st.sampled_from([None, *IDS]))
information = st.builds(
    Information, st.lists(infos, max_size=2).map(tuple), st.frozensets(st.sampled_from(NAMES), max_size=2)
)
registrations = st.lists(
    st.builds(
        lambda information, mode, operations: ((information,), "http://x.example", mode, operations),
        information,
        st.sampled_from(["inclusive", "exclusive", "redirect", "auxiliary"]),
        st.sampled_from([GROUPS["redirectionOps"], GROUPS["retrieveOps"]]),
    ),
    max_size=5,
).map(lambda all_: [Registration(f"urn:x:r{number}", *one) for number, one in enumerate(all_)])


@given(st.lists(pieces, min_size=1, max_size=5).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_))))
def test_the_order_of_the_pieces_does_not_matter(orders: tuple[list[Piece], list[Piece]]) -> None:
    one, other = (assemble(pieces) for pieces in orders)
    assert one == other


@given(st.lists(pieces, min_size=1, max_size=5))
def test_nothing_is_lost_and_nothing_is_made_up(all_: list[Piece]) -> None:
    entity, _ = assemble(all_)
    held = {name: [piece.entity.body[name] for piece in all_ if name in piece.entity.body] for name in NAMES}
    assert set(entity.body) == {name for name, found in held.items() if found}
    assert all(entity.body[name] in held[name] for name in entity.body)


@given(pieces, bodies)
def test_an_auxiliary_source_never_overrides(piece: Piece, body: dict[str, Any]) -> None:
    here = Piece(piece.entity, piece.stamps, 1)
    entity, _ = assemble([here, Piece(Entity("urn:x:1", ["T"], body), piece.stamps, 2)])
    assert {name: entity.body[name] for name in here.entity.body} == here.entity.body


@given(registrations, st.frozensets(st.sampled_from(NAMES), min_size=1), st.sampled_from(IDS), st.sampled_from(TYPES))
def test_every_attribute_goes_somewhere(all_: list[Registration], names: frozenset[str], one: str, kind: str) -> None:
    found = split(one, [kind], names, all_, "createEntity")
    taken = frozenset().union(*(share.names for share in (*found.shares, *found.refused)))
    proxied = [share.names for share in (*found.shares, *found.refused) if share.registration.is_proxied]
    assert (found.local or frozenset()) | taken == names
    assert all((found.local or frozenset()).isdisjoint(held) for held in proxied)
    assert all(share.registration.supports("createEntity") for share in found.shares)


@given(
    registrations,
    st.builds(
        Spec,
        st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple),
        st.none(),
        st.lists(st.sampled_from(TYPES), max_size=2, unique=True).map(tuple),
        st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple),
    ),
)
def test_the_index_finds_what_asking_each_would(all_: list[Registration], spec: Spec) -> None:
    index = Index()
    for one in all_:
        index.put(Known(one, {}, {}))
    found = [known.registration for known in index.find(spec, TIMES[0])]
    assert found == [one for one in all_ if matches(one, spec)]


def single(parts: list[tuple[Registration, Spec]]) -> set[tuple[str, str | None, Spec]]:
    """What is asked of whom, id by id."""
    return {
        (one.endpoint, name, replace(part, ids=()))
        for one, part in parts
        for name in (part.ids if part.ids else (None,))
    }


parts = st.lists(
    st.tuples(
        st.builds(
            lambda number, end: Registration(f"urn:x:r{number}", (), f"http://{end}.example"),
            st.integers(0, 9),
            st.sampled_from("ab"),
        ),
        st.builds(
            Spec,
            st.lists(st.sampled_from([f"urn:x:{number}" for number in range(6)]), max_size=3, unique=True).map(tuple),
            st.none(),
            st.sampled_from([(), ("T",)]),
        ),
    ),
    max_size=12,
)


@given(parts, st.integers(1, 4))
def test_asking_together_asks_for_the_same(some: list[tuple[Registration, Spec]], most: int) -> None:
    together = joined(some, most)
    assert single(together) == single(some)
    assert (len(together) <= len(some) * 3, all(len(part.ids) <= most for _, part in together)) == (True, True)


selectors = st.fixed_dictionaries(
    {"type": st.sampled_from([*TYPES, "T,U", "*"])}, optional={"id": st.sampled_from(IDS)}
)
wishes = st.fixed_dictionaries(
    {"entities": st.lists(selectors, min_size=1, max_size=2)},
    optional={"watchedAttributes": st.lists(st.sampled_from(NAMES), min_size=1, unique=True)},
)


@given(registrations, wishes)
def test_a_source_is_subscribed_at_when_it_matches_and_for_no_more_than_both_want(
    all_: list[Registration], wish: dict[str, Any]
) -> None:
    said = {"type": "Subscription", "notification": {"endpoint": {"uri": "http://x.example"}}} | wish
    ours = Ours(parse_subscription(said, CORE), said)
    watched = set(wish.get("watchedAttributes", NAMES))
    for one in all_:
        asked = list(asked_of(ours, Known(one, {}, {}), CORE, same_names=True))
        assert bool(asked) == any(matches(one, spec) for spec in specs_of(ours.subscription))
        registered = {name for part in one.information for name in part.names or NAMES}
        for body in (part.body for part in asked):
            assert set(body.get("watchedAttributes", [])) <= registered & watched
            assert set(body["notification"].get("attributes", [])) <= registered
            narrowed_to = [Spec(spec.ids, spec.id_pattern, spec.types) for spec in specs_of(there_of(said, body))]
            assert all(matches(one, spec) for spec in narrowed_to)


def there_of(said: dict[str, Any], body: Any) -> Subscription:
    """The subscription as the source has it."""
    return parse_subscription({**body, "notification": said["notification"]}, CORE)
