"""Entities in the forms of the wire: normalized, concise, simplified, GeoJSON (clauses 4.5.1 to 4.5.17, 4.21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from madang.model.context import CORE, Context
from madang.model.entity import Entity
from madang.model.kinds import MEMBERS, VALUE_KEY
from madang.model.projection import Projection

SYSTEM = frozenset({"createdAt", "modifiedAt", "deletedAt"})


@dataclass(frozen=True, eq=False)
class Form:
    """How to show entities; what was shown is remembered by form, so a form is only equal to itself.

    `attrs` are internal names: only these (None: all). `pick` and `omit` also speak of `id` and
    `type`; of attributes with several instances those of `datasets` are shown, None among them means the
    default one. `geometry` is the GeoProperty of GeoJSON.
    """

    format: str = "normalized"
    sys_attrs: bool = False
    attrs: frozenset[str] | None = None
    pick: Projection | None = None
    omit: Projection | None = None
    lang: str | None = None
    datasets: frozenset[str | None] | None = None
    geometry: str = "location"
    context: Context = CORE

    def shows(self, name: str) -> bool:
        """Whether a member of the entity is shown."""
        if self.pick is not None and name not in self.pick:
            return False
        return self.omit is None or name not in self.omit or self.omit.below(name) is not None


@dataclass(frozen=True)
class Stamps:
    """When the entity was made and last changed, ISO 8601."""

    created: str
    modified: str


def render(entity: Entity, form: Form, stamps: Stamps | None = None) -> dict[str, Any]:
    """One entity as JSON-ready dict in the asked form."""
    context = form.context
    types = [context.compact(name) for name in entity.types] if not context.is_core else entity.types
    out: dict[str, Any] = {"id": entity.id, "type": types[0] if len(types) == 1 else types}
    projected = form.pick is not None or form.omit is not None
    if projected:
        out = {name: value for name, value in out.items() if form.shows(name)}
    show = _RENDERERS[form.format]
    plain = context.is_core and not form.lang and form.datasets is None
    for name, attribute in entity.body.items():
        if (form.attrs is not None and name not in form.attrs) or (projected and not form.shows(name)):
            continue
        if name == "scope":
            out["scope"] = attribute[0] if len(attribute) == 1 else attribute
        elif name == "expiresAt":
            out["expiresAt"] = attribute
        elif plain and isinstance(attribute, dict):
            out[name] = show(attribute, form)
        elif (shown := instances_of(attribute, form)) is not None:
            out[context.compact(name)] = _attribute(shown, form)
    if stamps is not None:
        out |= _times(stamps, form)
    return out


def _times(stamps: Stamps, form: Form) -> dict[str, str]:
    times = {"createdAt": stamps.created, "modifiedAt": stamps.modified}
    asked = form.pick.names if form.pick is not None else ()
    return {name: time for name, time in times.items() if name in asked or (form.sys_attrs and form.shows(name))}


def instances_of(attribute: Any, form: Form) -> Any:
    """The instances of the asked datasets; None when there are none."""
    if form.datasets is None:
        return attribute
    instances = attribute if isinstance(attribute, list) else [attribute]
    chosen = [instance for instance in instances if instance.get("datasetId") in form.datasets]
    return None if not chosen else chosen[0] if len(chosen) == 1 else chosen


def _attribute(attribute: Any, form: Form) -> Any:
    show = _RENDERERS[form.format]
    if isinstance(attribute, dict):
        return show(_in_language(attribute, form.lang), form)
    instances = [_in_language(instance, form.lang) for instance in attribute]
    if form.format == "simplified":
        return {"dataset": {item.get("datasetId", "@none"): show(item, form) for item in instances}}
    return [show(item, form) for item in instances]


def _in_language(instance: dict[str, Any], lang: str | None) -> dict[str, Any]:
    """With `lang`, a LanguageProperty becomes a Property in the best language there is (clause 4.15)."""
    if lang is None or instance["type"] != "LanguageProperty":
        return instance
    texts = instance["languageMap"]
    chosen = best_language(texts, lang)
    rest = {name: value for name, value in instance.items() if name not in ("type", "languageMap")}
    return {"type": "Property", "value": texts.get(chosen), "lang": chosen} | rest


def best_language(texts: dict[str, Any], lang: str) -> str:
    """The key of `texts` that serves an Accept-Language-like wish best."""
    for wish in (part.split(";")[0].strip() for part in lang.split(",")):
        for key in texts:
            if key.lower() == wish.lower():
                return key
        for key in texts:
            if key.lower().split("-")[0] == wish.lower().split("-")[0]:
                return key
    return "@none" if "@none" in texts else "en" if "en" in texts else next(iter(texts), "@none")


def _value_out(instance: dict[str, Any], form: Form) -> Any:
    value = instance[VALUE_KEY[instance["type"]]]
    if instance["type"] == "VocabProperty" and not form.context.is_core:
        return (
            [form.context.compact(item) for item in value] if isinstance(value, list) else form.context.compact(value)
        )
    return value


def _normalized(instance: dict[str, Any], form: Form) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for member, value in instance.items():
        if member in SYSTEM:
            if form.sys_attrs:
                out[member] = value
        elif member in MEMBERS:
            out[member] = value
        else:
            out[form.context.compact(member)] = _attribute(value, form)
    if instance["type"] == "VocabProperty":
        out["vocab"] = _value_out(instance, form)
        if "previousVocab" in out:
            out["previousVocab"] = _value_out(instance | {"vocab": out["previousVocab"]}, form)
    return out


def _concise(instance: dict[str, Any], form: Form) -> Any:
    out = _normalized(instance, form)
    kind = out.pop("type")
    if kind in ("Property", "GeoProperty"):
        value = out["value"]
        if len(out) == 1 and (kind == "GeoProperty" or not isinstance(value, dict | list) or not value):
            return value
        if kind == "Property" and isinstance(value, dict) and "type" in value:
            out = {"type": kind, **out}
    return out


def _simplified(instance: dict[str, Any], form: Form) -> Any:
    kind = instance["type"]
    value = _value_out(instance, form)
    if kind in ("Property", "Relationship", "GeoProperty"):
        return value
    return {VALUE_KEY[kind]: value}


_RENDERERS = {"normalized": _normalized, "concise": _concise, "simplified": _simplified}


def render_instance(instance: dict[str, Any], form: Form) -> Any:
    """One attribute instance in the asked form."""
    return _RENDERERS[form.format](_in_language(instance, form.lang), form)


def feature(shown: dict[str, Any], geometry: Any) -> dict[str, Any]:
    """A GeoJSON Feature of a rendered entity (clause 4.5.16)."""
    properties = {name: value for name, value in shown.items() if name != "id"}
    identifier = {"id": shown["id"]} if "id" in shown else {}
    return identifier | {"type": "Feature", "geometry": geometry, "properties": properties}


def geometry_of(entity: Entity, attribute: str = "location") -> Any:
    """The GeoJSON of an entity's GeoProperty (its default instance), or None."""
    found = entity.body.get(attribute)
    first = found[0] if isinstance(found, list) else found
    return first.get("value") if isinstance(first, dict) and first.get("type") == "GeoProperty" else None
