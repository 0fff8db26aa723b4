"""A batch of operations worked out: what becomes of each entity, what is told of it, what each operation is answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from madang.base.errors import BadRequest, MadangError, TooLarge
from madang.base.limits import BODY_MAX_BYTES, ENTITY_MAX_BYTES
from madang.context.row import Row
from madang.model.condition import Guarded
from madang.model.entity import Body, Entity
from madang.model.operations import AppendTemporal, Operation
from madang.model.outcome import Outcome
from madang.model.removals import next_expiry
from madang.model.values import has_nul

Result = Outcome | MadangError
_ENCODE = msgspec.json.Encoder().encode


class Deed(msgspec.Struct, gc=False):
    """One row of history. `change` is None where it is the whole new `body`; `body` is None where the row leaves no state:
    something was taken away, or a later deed of the batch is about the same entity, or it tells of the past."""

    entity_id: str
    types: list[str]
    op: str
    change: bytes | None
    before: bytes | None
    body: bytes | None = None
    entity: Entity | None = None


class Slot(msgspec.Struct):
    """One entity while a batch is worked out. `created` is ISO 8601; `remade` tells that it was deleted and made anew; `seq` is
    the number of the change that left it as it was before."""

    entity: Entity | None = None
    created: str = ""
    before: Entity | None = None
    deed: Deed | None = None
    remade: bool = False
    seq: int = 0


class Work:
    """`slots` by entity id, `deeds` in order, `results` by operation. A slot without a deed was not changed."""

    __slots__ = ("deeds", "now", "results", "slots")

    def __init__(self, operations: Sequence[Operation], current: Iterable[Row], now: str) -> None:
        self.now = now
        self.slots = {row.entity.id: Slot(row.entity, row.stamps.created, row.entity, seq=row.seq) for row in current}
        self.deeds: list[Deed] = []
        self.results = [self._run(operation) for operation in operations]

    def changed(self) -> Iterator[tuple[str, Slot]]:
        """The entities that are not as they were before the batch, by id."""
        return ((entity_id, slot) for entity_id, slot in self.slots.items() if slot.deed is not None)

    def gone(self) -> list[str]:
        """The ids of what the batch deletes."""
        return [entity_id for entity_id, slot in self.changed() if slot.entity is None]

    def ends(self) -> dict[str, str]:
        """When something of the written entities expires, ISO 8601 by id; see context.expiry."""
        ends = {}
        for entity_id, slot in self.changed():
            assert slot.deed is not None
            if slot.entity is not None and slot.deed.body is not None and b'"expiresAt"' in slot.deed.body:
                ends[entity_id] = next_expiry(slot.entity)
        return {entity_id: at for entity_id, at in ends.items() if at is not None}

    def _run(self, operation: Operation) -> Result:
        try:
            if type(operation) is AppendTemporal:
                return self._tell(operation)
            return self._change(operation)
        except MadangError as error:
            return error

    def _change(self, operation: Operation) -> Outcome:
        target = operation.target
        slot = self.slots.get(target)
        if slot is None:
            slot = self.slots[target] = Slot()
        before = slot.entity
        if type(operation) is Guarded:
            operation.condition.check(before, slot.seq if slot.deed is None else 0, target)
        outcome = operation.apply(before, self.now)
        after = outcome.entity
        if after is None:
            if before is not None:
                self._record(slot, Deed(target, before.types, "d", b"{}", _ENCODE(before.body)))
                slot.entity = None
            return outcome
        if before is None:
            deed = Deed(target, after.types, "c", None, None, encoded(after), after)
            slot.remade = slot.before is not None
            slot.created = self.now
        elif outcome.changed or outcome.created or after.types != before.types:
            body = encoded(after)
            # A whole new body is its own change: no need to write it out twice.
            change = None if outcome.changed is after.body else _ENCODE(outcome.changed)
            deed = Deed(target, after.types, "u", change, _was(before, outcome.changed), body, after)
        else:
            return outcome
        self._record(slot, deed)
        slot.entity = after
        return outcome

    def _record(self, slot: Slot, deed: Deed) -> None:
        earlier, slot.deed = slot.deed, deed
        if earlier is not None:
            earlier.change = earlier.body if earlier.change is None else earlier.change
            earlier.body = earlier.entity = None
        self.deeds.append(deed)

    def _tell(self, operation: AppendTemporal) -> Outcome:
        """What is told of the past is a row like any other change, but no change of the state."""
        entity = operation.entity
        outcome = operation.apply(None, self.now)
        change = encoded(Entity(entity.id, entity.types, outcome.changed), BODY_MAX_BYTES)
        self.deeds.append(Deed(entity.id, entity.types, "t", change, None))
        return outcome


def _was(before: Entity, changed: Body) -> bytes | None:
    """What the changed attributes were, for those who are told of changes."""
    known = before.body
    was = {name: known[name] for name in changed if name in known}
    return _ENCODE(was) if was else None


def encoded(entity: Entity, limit: int = ENTITY_MAX_BYTES) -> bytes:
    """The body as JSON. Raises TooLarge, and BadRequest for text that PostgreSQL cannot hold."""
    try:
        data = _ENCODE(entity.body)
    except UnicodeEncodeError:
        raise BadRequest("a text is not valid Unicode") from None
    if len(data) > limit:
        raise TooLarge(f"{entity.id} would be larger than {limit} bytes")
    # A single byte is looked for many times faster than six, and most bodies have no backslash at all.
    if b"\\" in data and b"\\u0000" in data and has_nul(entity.body):
        raise BadRequest("a text holds a NUL character")
    return data
