"""Which subscriptions a change may concern, found without asking each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from madang.model.subscription import Selector, Subscription


class Matcher:
    """Subscriptions by the id or the types they select; those that select neither are asked of every change."""

    def __init__(self) -> None:
        self._by_key: dict[str, dict[str, None]] = {}
        self._known: dict[str, Subscription] = {}

    def __len__(self) -> int:
        return len(self._known)

    def put(self, subscription: Subscription) -> None:
        self.drop(subscription.id)
        self._known[subscription.id] = subscription
        self.resume(subscription.id)

    def drop(self, identifier: str) -> None:
        self.suspend(identifier)
        self._known.pop(identifier, None)

    def suspend(self, identifier: str) -> None:
        """It is known, but not asked until it is resumed: what nobody can be told costs nothing."""
        for key in _keys(self._known[identifier]) if identifier in self._known else ():
            held = self._by_key.get(key, {})
            held.pop(identifier, None)
            if not held:
                self._by_key.pop(key, None)

    def resume(self, identifier: str) -> None:
        for key in _keys(self._known[identifier]) if identifier in self._known else ():
            self._by_key.setdefault(key, {})[identifier] = None

    def concerned(self, entity_id: str, types: list[str], op: str, events: dict[str, str]) -> Iterator[Subscription]:
        """Those that are told by changes, select the entity, and count what happened to it; conditions on values come after."""
        for identifier in self._candidates(entity_id, types):
            subscription = self._known[identifier]
            if (
                subscription.active
                and subscription.interval_s is None
                and subscription.fires(op, events)
                and subscription.selects(entity_id, types)
            ):
                yield subscription

    def _candidates(self, entity_id: str, types: list[str]) -> Iterable[str]:
        keys = (f"id {entity_id}", *(f"type {name}" for name in types), "any")
        return dict.fromkeys(identifier for key in keys for identifier in self._by_key.get(key, ()))


def _keys(subscription: Subscription) -> set[str]:
    return {key for one in subscription.selectors for key in _selector_keys(one)} or {"any"}


def _selector_keys(selector: Selector) -> list[str]:
    if selector.id is not None:
        return [f"id {selector.id}"]
    if selector.types is not None:
        return [f"type {name}" for name in selector.types.words]
    return ["any"]
