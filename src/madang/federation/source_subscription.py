"""A subscription to registrations (clauses 5.2.12, 5.11.2), pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from madang.base.errors import BadRequest
from madang.federation.matching import TEMPORAL, SourceQuery, interval_of
from madang.model.context import Context
from madang.model.query import parse_query
from madang.model.sources import Spec
from madang.model.subscription import Selector, Subscription, parse_subscription, text


@dataclass(frozen=True)
class SourceSubscription:
    """When and where to tell, and of which registrations."""

    subscription: Subscription
    query: SourceQuery

    def told_in(self, context: Context) -> SourceSubscription:
        """The same, with names told in another context (clause 5.2.12, jsonldContext)."""
        form = replace(self.subscription.form, context=context)
        return replace(self, subscription=replace(self.subscription, form=form))


def parse_source_subscription(data: Any, context: Context) -> SourceSubscription:
    """`context` is that of the names in it. Raises BadRequest naming the member."""
    subscription = parse_subscription(data, context)
    if subscription.endpoint.accept == "application/geo+json":
        raise BadRequest("registrations have no GeoJSON form")
    names = tuple(sorted(subscription.watched))
    specs = tuple(_spec(one, names) for one in subscription.selectors) or (Spec(names=names),)
    texts = [text(data[name], name) for name in ("q", "csf") if name in data]
    conditions = tuple(parse_query(unquote(one), context) for one in texts)
    return SourceSubscription(subscription, SourceQuery(specs, conditions, subscription.geo, _interval(data)))


def check_source_subscription(data: Any, context: Context) -> Subscription:
    """As `parse_source_subscription`, for who only stores it. Raises BadRequest."""
    return parse_source_subscription(data, context).subscription


def _spec(selector: Selector, names: tuple[str, ...]) -> Spec:
    ids = (selector.id,) if selector.id is not None else ()
    return Spec(ids, selector.id_pattern, selector.types.words if selector.types is not None else (), names)


def _interval(data: dict[str, Any]) -> Any:
    asked = data.get("temporalQ", {})
    if not isinstance(asked, dict) or not all(isinstance(asked.get(name, ""), str) for name in TEMPORAL):
        raise BadRequest("temporalQ: timerel, timeAt, endTimeAt and timeproperty are texts")
    return interval_of({name: asked[name] for name in TEMPORAL if name in asked})
