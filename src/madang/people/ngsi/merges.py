"""What a merge is asked to be (clauses 5.6.17, 5.6.20, 6.5.3.4)."""

from __future__ import annotations

from madang.model.context import Context
from madang.model.entity import Entity
from madang.model.kinds import check_time
from madang.model.operations import Merge
from madang.model.simplified import Reading
from madang.people.ngsi.forms import format_of
from madang.people.ngsi.parameters import Given


def is_simplified(given: Given) -> bool:
    """Whether the body is in simplified form. Raises InvalidRequest."""
    return format_of(given) == "simplified"


def merge_of(entity: Entity, given: Given, context: Context) -> Merge:
    """Raises BadRequest, InvalidRequest."""
    observed, lang, simplified = given.get("observedAt"), given.get("lang"), is_simplified(given)
    reading = Reading(context, lang, simplified) if lang or simplified else None
    return Merge(entity, observed_at=check_time(observed, "observedAt") if observed else None, reading=reading)
