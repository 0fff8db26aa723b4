"""What is told to whom: entities as they are now, with what was deleted or changed (clause 5.8.6)."""

from __future__ import annotations

from typing import Any

from madang.context.linking import Linking
from madang.context.mailbox import Notice
from madang.context.row import Row
from madang.context.store import Store
from madang.model.change import Recorded
from madang.model.entity import META, Body, Entity
from madang.model.linked import Join
from madang.model.merging import listed
from madang.model.notice import noticed
from madang.model.render import Stamps, feature, geometry_of, render
from madang.model.sight import Sight
from madang.model.subscription import Subscription

Wanted = list[tuple[Recorded, list[Subscription]]]


class Notices:
    """Makes notices of changes; reads every entity once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, wanted: Wanted) -> list[tuple[str, Notice]]:
        """`(subscription, notice)` for those whose conditions the entities satisfy. An entity that is gone meanwhile is told
        of with its deletion."""
        ids = sorted({one.change.id for one, _ in wanted if one.change.op != "d"})
        rows = {row.entity.id: row for row in await self._store.list_by_id(ids)} if ids else {}
        told = []
        for recorded, subscriptions in wanted:
            change = recorded.change
            now = rows.get(change.id)
            if change.op != "d" and now is None:
                continue
            row = _gone(recorded) if now is None or change.op == "d" else _then(recorded, now)
            for subscription in subscriptions:
                judged = _judged(recorded, row)
                if subscription.accepts(judged) and subscription.may_tell_of(judged):
                    data = await self._data(recorded, row, subscription)
                    if data:
                        told.append((subscription.id, Notice(change.seq, change.id, data)))
        return told

    async def _data(self, recorded: Recorded, row: Row, subscription: Subscription) -> list[dict[str, Any]]:
        change, before = recorded.change, _told_of(recorded, subscription)
        entity = noticed(row.entity, change.change, before, change.at, previous=subscription.show_changes)
        data = await self.shown(Row(entity, row.stamps, row.seq), subscription)
        return [one | {"deletedAt": change.at} for one in data] if change.op == "d" else data

    async def shown(self, row: Row, subscription: Subscription) -> list[dict[str, Any]]:
        """One entity, with linked ones where the subscription joins them."""
        form, join, sight = subscription.form, subscription.join, subscription.sight
        if join is not None:
            shown = [one for one, _ in await self._linking(join, sight).show([row], form)]
        else:
            shown = [render(row.entity, sight.form(row.entity, form), row.stamps)]
        if subscription.endpoint.accept == "application/geo+json":
            place = geometry_of(row.entity, form.geometry) if form.geometry in sight.of(row.entity) else None
            return [feature(one, place) for one in shown]
        return [one for one in shown if one]

    def _linking(self, join: Join, sight: Sight) -> Linking:
        if sight.whole:
            return Linking(self._store.list_by_id, join)

        async def fetch(ids: list[str]) -> list[Row]:
            return [row for row in await self._store.list_by_id(ids) if sight.sees(row.entity)]

        return Linking(fetch, join, sight.form)


def _then(recorded: Recorded, row: Row) -> Row:
    """The entity with its attributes as this change left them, though later ones may be known already: each value is told."""
    change = recorded.change.change
    body = {name: value for name, value in {**row.entity.body, **change}.items() if value is not None}
    return Row(Entity(row.entity.id, row.entity.types, body), row.stamps, row.seq)


def _gone(recorded: Recorded) -> Row:
    """A deleted entity: its times are those of its attributes."""
    change = recorded.change
    times = [one for name, value in recorded.before.items() if name not in META for one in listed(value)]
    created = min((one.get("createdAt", change.at) for one in times), default=change.at)
    modified = max((one.get("modifiedAt", created) for one in times), default=created)
    return Row(Entity(change.id, change.types, {}), Stamps(created, modified), change.seq)


def _judged(recorded: Recorded, row: Row) -> Entity:
    """Conditions are asked of what a deleted entity was."""
    return Entity(row.entity.id, row.entity.types, recorded.before) if recorded.change.op == "d" else row.entity


def _told_of(recorded: Recorded, subscription: Subscription) -> Body:
    """Of a deleted entity's attributes only those that someone asked to hear of."""
    if recorded.change.op != "d":
        return recorded.before
    if not subscription.show_changes and "attributeDeleted" not in subscription.triggers:
        return {}
    return {name: value for name, value in recorded.before.items() if name in (subscription.watched or recorded.before)}
