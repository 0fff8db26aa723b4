"""Smart Data Models' own examples: read as our broker reads them, and their names as pyld, which nobody here wrote, expands them.

    madang bench models FOLDER [--json]

FOLDER holds checked-out repositories `dataModel.*` of github.com/smart-data-models; they are not part of this one. Contexts are
taken from `context.jsonld` of the repository that a URL names; an example of whose contexts one is not there is told as `unread`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyld import jsonld

from madang.base.errors import MadangError
from madang.model.context import Context, compile_context, iri_of_internal, is_core_url
from madang.model.entity import parse_entity
from madang.model.render import Form, render

CORE = json.loads(files("madang.model").joinpath("core-context-v1.9.jsonld").read_text())["@context"]
PLAIN = frozenset({"id", "type", "@context", "scope"})


def documents(folder: Path) -> dict[str, Any]:
    """Every repository's context, by its name."""
    return {path.parent.name: json.loads(path.read_text())["@context"] for path in folder.glob("*/context.jsonld")}


def sources(example: dict[str, Any], known: dict[str, Any]) -> list[Any]:
    """The contexts of an example that are not the core's. Raises KeyError for one that is not there."""
    given = example["@context"]
    urls = given if isinstance(given, list) else [given]
    return [known[name_of(url)] for url in urls if not is_core_url(url)]


def name_of(url: str) -> str:
    found = re.search(r"dataModel\.\w+", url)
    return found[0] if found else url


def meaning(sources: list[Any], name: str) -> str:
    """What pyld makes of a member's name, with the core last (clause 5.5.7; of its @vocab see tests/model/test_terms.py)."""
    core = {key: value for key, value in CORE.items() if key not in ("ngsildproof", "@vocab")}
    vocab = [] if any("@vocab" in one for one in sources) else [{"@vocab": CORE["@vocab"]}]
    (item,) = jsonld.expand({"@context": [*vocab, *sources, core], "@id": "urn:x:1", name: {"@id": "urn:x:2"}})
    return next(iter(set(item) - {"@id"}))


def faults(example: dict[str, Any], given: list[Any]) -> Iterator[str]:
    """What is not as it should be: names that mean another thing here, and what comes back changed. Raises MadangError."""
    context: Context = compile_context(given, {})
    for name in (example.keys() - PLAIN) | {example["type"]}:
        ours, theirs = iri_of_internal(context.expand(name)), meaning(given, name)
        if ours != theirs:
            yield f"{name}: {ours}, for pyld {theirs}"
    shown = render(parse_entity(example, context), Form(context=context))
    if shown.keys() != example.keys() - {"@context"}:
        yield f"comes back with {sorted(shown.keys() ^ (example.keys() - {'@context'}))} more or less"


def look(folder: Path) -> dict[str, Any]:
    """Counts, and why what was refused was refused."""
    known = documents(folder)
    found: dict[str, Any] = {"read": 0, "names": 0, "unread": 0, "refused": {}, "faults": {}}
    for path in sorted(folder.glob("*/*/examples/*.jsonld")):
        where = str(path.relative_to(folder))
        try:
            example = json.loads(path.read_text())
            wrong = list(faults(example, sources(example, known)))
        except KeyError:
            found["unread"] += 1
        except (MadangError, ValueError, TypeError) as error:
            found["refused"][where] = getattr(error, "detail", str(error))
        else:
            found["read"] += 1
            found["names"] += len(example.keys() - PLAIN) + 1
            found["faults"] |= {where: wrong} if wrong else {}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = look(options.folder)
    if options.json:
        print(json.dumps(found))
    else:
        print(f"{found['read']} read with {found['names']} names, {found['unread']} with contexts that are not here")
        for kind in ("refused", "faults"):
            print(f"{len(found[kind])} {kind}", *(f"  {where}: {why}" for where, why in found[kind].items()), sep="\n")
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
