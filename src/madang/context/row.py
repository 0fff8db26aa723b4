"""An entity as it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from madang.base.clock import to_iso
from madang.model.entity import Entity
from madang.model.render import Form, Stamps
from madang.model.sight import Filter, Sight

_JUDGED_KEPT = 8
COLUMNS = "id, types, body, created_at, modified_at, seq"


@dataclass(slots=True)
class Row:
    """An entity with its times and the number of its last change. Rows are shared: nobody changes one. `shown` holds what
    was made of it for the wire, by form, and `tags` the entity tags of that; `judged` what filters said of it."""

    entity: Entity
    times: Stamps | tuple[datetime, datetime]
    seq: int
    shown: dict[Form | tuple[Form, Sight], bytes] = field(default_factory=dict, repr=False, compare=False)
    tags: dict[Form, bytes] = field(default_factory=dict, repr=False, compare=False)
    judged: dict[Filter, bool] = field(default_factory=dict, repr=False, compare=False)

    def passes(self, sight: Filter | None) -> bool:
        """Whether it may be found by who asks."""
        if sight is None:
            return True
        found = self.judged.get(sight)
        if found is None:
            if len(self.judged) >= _JUDGED_KEPT:
                self.judged.clear()
            found = self.judged[sight] = sight.passes(self.entity)
        return found

    @property
    def stamps(self) -> Stamps:
        """The times as text: written when first asked for, which is seldom."""
        if isinstance(self.times, tuple):
            self.times = Stamps(*map(to_iso, self.times))
        return self.times


def row_of(record: asyncpg.Record) -> Row:
    """A Row of a database record with the columns above."""
    return Row(
        Entity(record["id"], record["types"], record["body"]),
        (record["created_at"], record["modified_at"]),
        record["seq"],
    )
