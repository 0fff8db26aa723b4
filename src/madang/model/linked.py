"""Linked entity retrieval: entities together with those their Relationships lead to (clause 4.5.23), pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from madang.model.entity import META, Entity
from madang.model.kinds import VALUE_KEY
from madang.model.render import Form, Stamps, instances_of, render

Show = Callable[[Entity, Form], Form]


@dataclass(frozen=True)
class Join:
    """`inline` or flat, how many Relationships deep, and entities that are known already and not followed again."""

    inline: bool
    level: int = 1
    contained: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """An entity with its times, as a store gave it."""

    entity: Entity
    stamps: Stamps


def form_below(form: Form, relation: str) -> Form:
    """The form of the entities behind a Relationship: what braces said of them, else everything."""
    pick, omit = (one.below(relation) if one is not None else None for one in (form.pick, form.omit))
    return replace(form, attrs=None, pick=pick, omit=omit)


def relations(entity: Entity, form: Form) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The Relationships that the form shows, with their instances."""
    for name, attribute in entity.body.items():
        if name in META or (form.attrs is not None and name not in form.attrs) or not form.shows(name):
            continue
        chosen = instances_of(attribute, form)
        instances = chosen if isinstance(chosen, list) else [chosen]
        if instances and isinstance(instances[0], dict) and str(instances[0].get("type")).endswith("Relationship"):
            yield name, instances


def targets(instance: dict[str, Any]) -> list[str]:
    """The ids that an instance of a Relationship or ListRelationship names."""
    value = instance[VALUE_KEY[instance["type"]]]
    return value if isinstance(value, list) else [value]


def links(entity: Entity, form: Form) -> Iterator[tuple[str, Form]]:
    """`(id, form)` of what the shown Relationships lead to."""
    for name, instances in relations(entity, form):
        below = form_below(form, name)
        yield from ((identifier, below) for instance in instances for identifier in targets(instance))


def render_inline(found: Found, form: Form, join: Join, known: Mapping[str, Found], allowed: Show) -> dict[str, Any]:
    """One entity with the linked ones inside its Relationships, as `entity` or `entityList`."""
    form = allowed(found.entity, form)
    shown = render(found.entity, form, found.stamps)
    if not join.level:
        return shown
    deeper = replace(join, level=join.level - 1, contained=join.contained | {found.entity.id})
    for name, instances in relations(found.entity, form):
        below, wire = form_below(form, name), form.context.compact(name)

        def one(identifier: str, below: Form = below) -> dict[str, Any] | None:
            if identifier in deeper.contained or identifier not in known:
                return None
            return render_inline(known[identifier], below, deeper, known, allowed)

        shown[wire] = _embedded(shown[wire], instances, one, form)
    return shown


def _embedded(
    shown: Any, instances: list[dict[str, Any]], one: Callable[[str], dict[str, Any] | None], form: Form
) -> Any:
    if form.format == "simplified":
        return _simplified(instances, one)
    parts = shown if isinstance(shown, list) else [shown]
    out = [part | _member(instance, one) for part, instance in zip(parts, instances, strict=True)]
    return out if isinstance(shown, list) else out[0]


def _member(instance: dict[str, Any], one: Callable[[str], dict[str, Any] | None]) -> dict[str, Any]:
    entities = [entity for identifier in targets(instance) if (entity := one(identifier)) is not None]
    if not entities:
        return {}
    if instance["type"] == "ListRelationship":
        return {"entityList": entities}
    return {"entity": entities if isinstance(instance["object"], list) else entities[0]}


def _simplified(instances: list[dict[str, Any]], one: Callable[[str], dict[str, Any] | None]) -> Any:
    if len(instances) > 1:
        values = {item.get("datasetId", "@none"): _simplified([item], one) for item in instances}
        return {"dataset": values}
    (instance,) = instances
    values_ = [one(identifier) or identifier for identifier in targets(instance)]
    return values_ if isinstance(instance[VALUE_KEY[instance["type"]]], list) else values_[0]
