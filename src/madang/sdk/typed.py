"""What the classes of entity types are made of: an entity as attributes of Python, and back."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from madang.sdk.values import latest_observed, property_of, value_of

T = TypeVar("T", bound="TypedEntity")


@dataclass
class TypedEntity:
    """`id` and the plain values of the attributes; what the city did not tell is None. `observed`: when each was observed, by name."""

    TYPE: ClassVar[str] = "Thing"
    NAMES: ClassVar[dict[str, str]] = {}
    """NGSI-LD names of the fields whose names Python does not allow."""

    id: str = ""
    observed: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls: type[T], entity: dict[str, Any]) -> T:
        """Of an entity in concise form; what the class does not know is left out."""
        known = {cls.NAMES.get(one.name, one.name): one.name for one in fields(cls) if one.name != "observed"}
        found = {known[name]: value_of(attribute) for name, attribute in entity.items() if name in known}
        made = cls(**found)
        times = {known[name]: latest_observed({name: attribute}) for name, attribute in entity.items() if name in known}
        made.observed = {name: time for name, time in times.items() if time is not None}
        return made

    def to_json(self) -> dict[str, Any]:
        """The entity to write: what is None is not said."""
        out: dict[str, Any] = {"id": self.id, "type": self.TYPE}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("id", "observed") or value is None or value is MISSING:
                continue
            out[self.NAMES.get(one.name, one.name)] = _attribute(value, self.observed.get(one.name))
        return out


def _attribute(value: Any, observed: str | None) -> Any:
    """Plain where it says enough; a time, and what JSON nests, need a Property."""
    nested = isinstance(value, dict) and not {"type", "coordinates"} <= value.keys()
    return property_of(value, observed) if observed is not None or nested else value
