"""Python classes out of JSON Schema, as Smart Data Models have it (CC BY 4.0) or of an app's own: one dataclass a schema."""

from __future__ import annotations

import json
import keyword
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from madang.base.errors import BadRequest

Json = Mapping[str, Any]
SKIPPED = frozenset({"id", "type", "@context", "observed"})
COMMON = {"location": "dict[str, Any]", "address": "dict[str, Any]", "name": "str", "description": "str"}
"""What schemas take from a common one elsewhere: nothing is fetched to read it."""
_ELSEWHERE: dict[str, dict[str, Any]] = {
    "GSMA-Commons": {"name": {"type": "string"}, "description": {"type": "string"}},
    "Location-Commons": {
        "location": {"type": "object"},
        "address": {"type": "object"},
        "areaServed": {"type": "string"},
    },
}
_TYPES = {
    "number": "float",
    "integer": "int",
    "string": "str",
    "boolean": "bool",
    "array": "list[Any]",
    "object": "dict[str, Any]",
}
_SOURCE = "smart-data-models.github.io"
_NOTICE = (
    "Made from Smart Data Models (https://smartdatamodels.org, CC BY 4.0) by `madang app types`; names and types alone."
)


def write_types(paths: Sequence[Path], out: str | None) -> None:
    """Raises BadRequest naming the file that is no schema of a type."""
    text = types_of([_read(path) for path in paths])
    if out is None:
        sys.stdout.write(text)
    else:
        Path(out).write_text(text, encoding="utf-8")


def _read(path: Path) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise BadRequest(f"{path} is no JSON Schema")
    return found


def types_of(schemas: Sequence[Json]) -> str:
    """A module with a class for each schema, by name. Raises BadRequest."""
    theirs = any(_SOURCE in str(schema.get("$id", "")) for schema in schemas)
    classes = sorted(class_of(schema) for schema in schemas)
    body = "\n\n\n".join(text for _, text in classes)
    needs_any = "Any" in body
    imports = ["from dataclasses import dataclass", f"from typing import {'Any, ' if needs_any else ''}ClassVar"]
    head = [
        f'"""Entity types. {_NOTICE if theirs else "Made by `madang app types`."}"""',
        "",
        "from __future__ import annotations",
        "",
    ]
    return "\n".join([*head, *imports, "", "from madang.sdk.typed import TypedEntity", "", "", body, ""])


def class_of(schema: Json) -> tuple[str, str]:
    """Name and text. Raises BadRequest."""
    properties = _properties(schema)
    name = str(next(iter(properties.get("type", {}).get("enum", [])), schema.get("title", "")))
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise BadRequest(f"the schema {schema.get('$id', '')!s} names no entity type")
    members = {one: python_name(one) for one in properties if one not in SKIPPED}
    renamed = {field: one for one, field in members.items() if field != one}
    lines = ["@dataclass", f"class {name}(TypedEntity):", f'    TYPE: ClassVar[str] = "{name}"']
    if renamed:
        lines.append(f"    NAMES: ClassVar[dict[str, str]] = {json.dumps(renamed)}")
    if members:
        lines.append("")
    lines += [
        f"    {field}: {annotation(one, properties[one])} | None = None" for one, field in sorted(members.items())
    ]
    return name, "\n".join(lines)


def _properties(schema: Json) -> dict[str, Any]:
    """Those of the schema and of all it is made of, but for what lies elsewhere."""
    found: dict[str, Any] = {}
    for part in (*schema.get("allOf", ()), schema):
        found |= next((named for name, named in _ELSEWHERE.items() if name in str(part.get("$ref", ""))), {})
        if "allOf" in part and part is not schema:
            found |= _properties(part)
        found |= part.get("properties", {})
    return found


def annotation(name: str, described: Json) -> str:
    """The plain value's type; Any where the schema leaves it open."""
    if name in COMMON:
        return COMMON[name]
    told = described.get("type")
    if isinstance(told, str):
        return _TYPES.get(told, "Any")
    if isinstance(told, list):
        return " | ".join(dict.fromkeys(_TYPES.get(one, "Any") for one in told if one != "null")) or "Any"
    kinds = {one.get("type") for one in described.get("anyOf", described.get("oneOf", ()))}
    return _TYPES.get(next(iter(kinds)), "Any") if len(kinds) == 1 else "Any"


def python_name(name: str) -> str:
    """A name that Python takes."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    plain = f"_{plain}" if plain[:1].isdigit() else plain
    return f"{plain}_" if keyword.iskeyword(plain) or plain in ("observed", "TYPE", "NAMES") else plain
