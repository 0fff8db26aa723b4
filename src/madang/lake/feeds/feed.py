"""Where a data set is pulled from, how often, and how it went. Pure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from madang.base.errors import BadRequest
from madang.lake.files.report import Hints

Kind = Literal["http", "ckan", "ogc", "sensorthings", "ftp"]
Outcome = Literal["", "changed", "same", "failed"]
BACKOFF_MAX = timedelta(days=1)


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody wants pulled. `address`: of a file; at CKAN of a resource (`.../dataset/NAME/resource/ID`); of a collection of OGC
    API Features (`.../collections/ID`); of an entity set of SensorThings (`.../Things`)."""

    address: Annotated[str, msgspec.Meta(max_length=2_000)]
    kind: Kind = "http"
    every_s: Annotated[int, msgspec.Meta(ge=60, le=366 * 86_400)] = 86_400
    hints: Hints = Hints()

    def check(self) -> None:
        """Raises BadRequest."""
        schemes = ("ftp://",) if self.kind == "ftp" else ("http://", "https://")
        if not self.address.startswith(schemes) or not self.address.isprintable():
            raise BadRequest(f"address: {' or '.join(schemes)}", reason="feed_address")


class Feed(msgspec.Struct, frozen=True):
    """`etag`, `modified`, `sha256`: of what was pulled last, by which a change is known."""

    dataset: str
    wanted: Wanted
    etag: str
    modified: str
    sha256: str
    due_at: datetime
    pulled_at: datetime | None
    outcome: Outcome
    detail: str
    failures: int
    made_by: str


@dataclass(frozen=True)
class Pulled:
    """What came: its bytes as they come, and what tells it from the next."""

    name: str
    parts: AsyncIterator[bytes]
    etag: str = ""
    modified: str = ""


def next_due(every_s: int, failures: int, now: datetime) -> datetime:
    """Twice as long after each failure in a row, never longer than a day beyond the rhythm."""
    wait = timedelta(seconds=every_s)
    return now + (max(wait, min(wait * 2 ** min(failures, 16), BACKOFF_MAX)) if failures else wait)
