"""Subscriptions that tell by the clock (clause 5.8.6, timeInterval)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog

from madang.base.clock import to_iso
from madang.base.errors import MadangError
from madang.base.limits import NOTIFY_BODY_MAX_ENTITIES
from madang.context.mailbox import Mailbox, Notice
from madang.context.notices import Notices
from madang.context.query import Query
from madang.context.store import Store
from madang.model.subscription import Selector, Subscription

log = structlog.get_logger()


async def tell_by_clock(subscription: Subscription, box: Mailbox, store: Store, notices: Notices) -> None:
    """For ever: each interval one notice of every entity that satisfies the subscription, if there are any."""
    assert subscription.interval_s is not None
    while True:
        await asyncio.sleep(subscription.interval_s)
        if not box.is_due(to_iso(datetime.now(UTC))) or box.is_shut:
            continue
        try:
            page = await store.find(query_of(subscription))
            data = [one for row in page.rows for one in await notices.shown(row, subscription)]
        except MadangError as error:
            log.warning("a subscription by the clock waits", id=subscription.id, error=error.detail)
            continue
        if data:
            box.put(Notice(0, "", data))


def query_of(subscription: Subscription) -> Query:
    """The query that finds what the subscription selects; at most one notification's worth."""
    return Query(
        any_of=tuple(_query(one) for one in subscription.selectors),
        q=subscription.q,
        geo=subscription.geo,
        scopes=subscription.scopes,
        limit=NOTIFY_BODY_MAX_ENTITIES,
        sight=subscription.sight.filter(subscription.asked, ()),
    )


def _query(selector: Selector) -> Query:
    return Query(
        ids=(selector.id,) if selector.id is not None else (),
        id_pattern=selector.id_pattern,
        types=selector.types.words if selector.types is not None else (),
        selection=selector.types if selector.types is not None and not selector.types.is_list else None,
    )
