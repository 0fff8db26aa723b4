"""The conditions of a write of an entity: `type` (clause 4.17), If-Match and If-None-Match."""

from __future__ import annotations

from madang.model.condition import Condition, Guarded
from madang.model.context import Context
from madang.model.operations import Operation
from madang.model.selection import parse_types
from madang.people.conditional import is_conditional, versions
from madang.people.http import Request


def guarded(request: Request, operation: Operation, context: Context) -> Operation:
    """The operation, under the conditions of the request if there are any. Raises BadRequest."""
    types = parse_types(request.query.get("type", ""), context) if request.raw_query else None
    if types is None and not is_conditional(request):
        return operation
    condition = Condition(types, versions(request, b"if-match"), versions(request, b"if-none-match"))
    return Guarded(operation, condition)
