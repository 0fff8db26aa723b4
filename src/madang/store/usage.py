"""What the meter counted (`app_usage`), as the store needs it: for bills, and as days on which the city's installs were used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from madang.runtime.soundness import DAYS

_CITYS_USE = """INSERT INTO store_use SELECT DISTINCT i.id, (u.hour AT TIME ZONE $2)::date FROM app_usage u
    JOIN store_install i ON i.app = u.app_id AND starts_with(i.customer, 'city:') AND i.removed_at IS NULL AND u.hour >= i.installed_at
    WHERE u.hour >= $1 AND u.amount > 0 AND u.measure IN ('reads', 'writes', 'commands') ON CONFLICT DO NOTHING"""

_DAYS = """SELECT count(DISTINCT u.day) FROM store_use u JOIN store_install i ON i.id = u.install WHERE i.app = $1 AND i.customer = $2
    AND u.day >= ($4::timestamptz AT TIME ZONE $3)::date AND u.day < ($5::timestamptz AT TIME ZONE $3)::date"""


@dataclass(frozen=True)
class Used:
    """Of one app and measure in a span of time."""

    app: str
    measure: str
    amount: float


async def metered(
    pool: asyncpg.Pool, timezone: str, app: str, customer: str, measure: str, since: datetime, until: datetime
) -> int:
    """Whole units; a fraction that has begun is not billed. Days are the customer's own, of the city's time zone: that of `since` is
    in, that of `until` is not, so that none is billed twice; everything else is what the app took in the city."""
    if measure == DAYS:
        return int(await pool.fetchval(_DAYS, app, customer, timezone, since, until))
    query = "SELECT floor(coalesce(sum(amount), 0)) FROM app_usage WHERE app_id = $1 AND measure = $2 AND hour >= $3 AND hour < $4"
    return int(await pool.fetchval(query, app, measure, since, until))


async def used(pool: asyncpg.Pool, apps: list[str], since: datetime, until: datetime) -> list[Used]:
    """Each measure of each of these apps, by name."""
    rows = await pool.fetch(
        "SELECT app_id AS app, measure, sum(amount)::float8 AS amount FROM app_usage WHERE app_id = ANY($1) AND hour >= $2 AND hour < $3"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        apps, since, until,
    )  # fmt: skip
    return [Used(**dict(row)) for row in rows]


async def count_days(pool: asyncpg.Pool, since: datetime, timezone: str) -> None:
    """Days of the city's time zone on which an app of the city did anything."""
    await pool.execute(_CITYS_USE, since, timezone)


async def crashes(pool: asyncpg.Pool, apps: list[str]) -> dict[str, int]:
    """How often each of these apps crashed in this city, as far back as the runtime remembers."""
    query = "SELECT app, count(*) AS times FROM app_event WHERE app = ANY($1) AND kind = 'crashed' GROUP BY app"
    return {row["app"]: row["times"] for row in await pool.fetch(query, apps)}
