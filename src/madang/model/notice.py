"""What a change means to those who watch, and the entity as a notification shows it (clauses 5.8.6, 4.5.0), pure."""

from __future__ import annotations

from typing import Any

from madang.model.entity import META, Body, Entity
from madang.model.kinds import NULL, PREVIOUS, VALUE_KEY
from madang.model.merging import by_dataset, listed


def events(op: str, change: Body, before: Body) -> dict[str, str]:
    """Attribute -> attributeCreated, attributeUpdated or attributeDeleted. `change` holds new values, None for deleted ones;
    `before` what they were; of a deleted entity all of it."""
    if op == "d":
        return {name: "attributeDeleted" for name in before if name not in META}
    return {name: _event(new, before.get(name)) for name, new in change.items() if name not in META}


def _event(new: Any, old: Any) -> str:
    if old is None:
        return "attributeCreated"
    if new is None or not _datasets(old) <= _datasets(new):
        return "attributeDeleted"
    return "attributeUpdated"


def noticed(entity: Entity, change: Body, before: Body, deleted_at: str, *, previous: bool) -> Entity:
    """The entity with what was deleted as NGSI-LD Null and, where `previous` is asked for, what changed values were."""
    body = dict(entity.body)
    for name in [*change, *(before if not entity.body else ())]:
        old = before.get(name)
        if name in META or old is None:
            continue
        body[name] = _told(body.get(name), old, deleted_at, previous)
    return Entity(entity.id, entity.types, body)


def _told(new: Any, old: Any, deleted_at: str, previous: bool) -> Any:
    olds = by_dataset(old)
    news = by_dataset(new)
    told = [
        _with_previous(instance, olds[key]) if previous and key in olds else instance for key, instance in news.items()
    ]
    gone = [instance for key, instance in olds.items() if key not in news]
    if new is None and not previous:
        # Taken away as a whole: one null says so.
        return _null({name: value for name, value in gone[0].items() if name != "datasetId"}, deleted_at, previous)
    told += [_null(instance, deleted_at, previous) for instance in gone]
    return told[0] if len(told) == 1 else told


def _with_previous(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    key = VALUE_KEY[old["type"]]
    return new if new.get(key) == old[key] else new | {PREVIOUS[key]: old[key]}


def _null(old: dict[str, Any], deleted_at: str, previous: bool) -> dict[str, Any]:
    key = VALUE_KEY[old["type"]]
    out = {"type": old["type"], key: {"@none": NULL} if key == "languageMap" else NULL, "deletedAt": deleted_at}
    out |= {name: old[name] for name in ("datasetId", "createdAt", "modifiedAt") if name in old}
    return out | {PREVIOUS[key]: old[key]} if previous else out


def _datasets(attribute: Any) -> set[str | None]:
    return {instance.get("datasetId") for instance in listed(attribute)}
