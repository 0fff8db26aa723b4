"""Fragments that leave the kinds of their attributes to what is stored (clauses 4.5.4, 5.6.17), pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from madang.base.errors import BadRequest
from madang.model.context import Context
from madang.model.kinds import VALUE_CHECKS, VALUE_KEY
from madang.model.merging import Instance, by_dataset, is_null, listed, packed


@dataclass(frozen=True, slots=True)
class Reading:
    """How such a fragment is read: `lang` is the language of texts that are said for a LanguageProperty; `simplified` makes
    every value one of the kind that the attribute has."""

    context: Context
    lang: str | None = None
    simplified: bool = False

    def of(self, name: str, old: Any, new: Any) -> Any:
        """The fragment `new` of the stored attribute `old` (None: there is none). Raises BadRequest for a value that is none
        of the stored kind."""
        known = by_dataset(old)
        return packed([self._instance(name, known.get(one.get("datasetId")), one) for one in listed(new)])

    def _instance(self, name: str, old: Instance | None, new: Instance) -> Instance:
        if old is None or old["type"] == new["type"] or is_null(new):
            return new
        value, kind = new.get("value"), old["type"]
        if self.lang and kind == "LanguageProperty" and new["type"] == "Property" and _is_text(value):
            rest = {member: one for member, one in new.items() if member not in ("type", "value")}
            return {"type": kind, "languageMap": {self.lang: value}, **rest}
        if not self.simplified:
            return new
        if new["type"] != "Property":
            raise BadRequest(f"{name}: a merge in simplified form cannot make a {new['type']} of a {kind}")
        dataset = {"datasetId": new["datasetId"]} if "datasetId" in new else {}
        return {"type": kind, VALUE_KEY[kind]: VALUE_CHECKS[kind](name, value, self.context), **dataset}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
