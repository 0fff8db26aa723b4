"""@context: names on the wire to the house's internal names and back (NGSI-LD clause 4.4, 5.5.7).

The internal name of a term is its compaction under the core context: `temperature` stands for
`https://uri.etsi.org/ngsi-ld/default-context/temperature`, `location` for the core term, and everything else is a full
IRI. Compacting under the core context alone is therefore the identity, which is the hot path.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from madang.base.errors import BadRequest

CORE_URL = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
DEFAULT_VOCAB = "https://uri.etsi.org/ngsi-ld/default-context/"
_CORE_URL = re.compile(r"^https?://uri\.etsi\.org/ngsi-ld/(v1/)?ngsi-ld-core-context(-v1\.\d+(\.\d+)?)?\.jsonld$")
_ILLEGAL = re.compile(r"[\s<>\"'=;()\x00-\x1f]")
MAX_NESTING = 16
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Names that a context remembers: a city has some hundreds, a caller may send any.
EXPANDED_MAX = 1_000
_CORE_PREFIXES = {"ngsi-ld": "https://uri.etsi.org/ngsi-ld/", "geojson": "https://purl.org/geojson/vocab#"}


def is_core_url(url: str) -> bool:
    """Every core-context address of any version is our own core."""
    return bool(_CORE_URL.match(url))


@cache
def core_terms() -> dict[str, str]:
    """Term -> IRI of the core context."""
    raw = json.loads(files("madang.model").joinpath("core-context-v1.9.jsonld").read_text())["@context"]
    prefixes = {term: value for term, value in raw.items() if isinstance(value, str) and value.endswith(("/", "#"))}
    terms = {}
    for term, value in raw.items():
        iri = value.get("@id") if isinstance(value, dict) else value
        if not isinstance(iri, str) or term.startswith("@") or term in prefixes or iri.startswith("@"):
            continue
        terms[term] = _unprefix(iri, prefixes)
    return terms


@cache
def _core_names() -> dict[str, str]:
    return {iri: term for term, iri in core_terms().items()}


def _unprefix(name: str, prefixes: dict[str, str]) -> str:
    head, colon, tail = name.partition(":")
    if colon and not tail.startswith("//") and head in prefixes:
        return prefixes[head] + tail
    return name


def internal_of_iri(iri: str) -> str:
    """The internal name of a full IRI."""
    if iri.startswith(DEFAULT_VOCAB):
        tail = iri[len(DEFAULT_VOCAB) :]
        if tail and ":" not in tail and "/" not in tail and tail not in core_terms():
            return tail
    return _core_names().get(iri, iri)


def iri_of_internal(name: str) -> str:
    """The full IRI of an internal name."""
    if ":" in name:
        return name
    return core_terms().get(name) or DEFAULT_VOCAB + name


class Context:
    """A compiled @context. `source` is what a client gave: a URL, an object, a list, or None for the core alone."""

    __slots__ = ("_compacted", "_expanded", "_prefixes", "_terms", "_vocab", "is_core", "source")

    def __init__(self, source: Any, terms: dict[str, str], prefixes: dict[str, str], vocab: str | None) -> None:
        self.source = source
        self._terms = terms
        self._expanded: dict[str, str] = {}
        self._prefixes = prefixes
        self._vocab = vocab
        self.is_core = not terms and not prefixes and vocab is None
        self._compacted = {internal_of_iri(iri): term for term, iri in reversed(terms.items())}

    def expand(self, name: str) -> str:
        """Internal name of a term, compact IRI or IRI. Raises BadRequest for what is no name."""
        known = self._expanded.get(name)
        if known is None:
            known = self._expand(name)
            if len(self._expanded) < EXPANDED_MAX:
                self._expanded[name] = known
        return known

    def _expand(self, name: str) -> str:
        if not name or name[0] == "@" or _ILLEGAL.search(name):
            raise BadRequest(f"not a name: {name[:80]!r}")
        if name in core_terms():
            return name
        if name in self._terms:
            return internal_of_iri(self._terms[name])
        if ":" in name:
            return internal_of_iri(_unprefix(name, _CORE_PREFIXES | self._prefixes))
        return internal_of_iri(self._vocab + name) if self._vocab else name

    def compact(self, internal: str) -> str:
        """The shortest wire name that expands to `internal` again."""
        if self.is_core:
            return internal
        term = self._compacted.get(internal)
        if term is not None:
            return term
        if ":" not in internal and (internal in core_terms() or not (internal in self._terms or self._vocab)):
            return internal
        iri = iri_of_internal(internal)
        if self._vocab and iri.startswith(self._vocab) and self.expand(tail := iri[len(self._vocab) :]) == internal:
            return tail
        for prefix, base in (self._prefixes | _CORE_PREFIXES).items():
            if iri.startswith(base) and len(iri) > len(base):
                return f"{prefix}:{iri[len(base) :]}"
        return iri


CORE = Context(None, {}, {}, None)


def compile_context(source: Any, documents: dict[str, Any]) -> Context:
    """A Context from a client's `@context` value; `documents` holds the already fetched content of each URL in it.

    Raises BadRequest for what is no context, KeyError(url) for a URL that is not among the documents.
    """
    terms: dict[str, str] = {}
    state: dict[str, str] = {}
    _gather(source, documents, terms, state, 0)
    vocab = state.pop("@vocab", None)
    prefixes = {term: iri for term, iri in terms.items() if iri.endswith(("/", "#", ":"))}
    known = {term: iri for term, iri in terms.items() if term not in core_terms()}
    return Context(source, known, prefixes, None if vocab == DEFAULT_VOCAB else vocab)


def urls_of(source: Any) -> list[str]:
    """The URLs named directly in a @context value, also in lists within lists, the core's left out."""
    found, todo = [], [source]
    while todo:
        item = todo.pop(0)
        if isinstance(item, list):
            todo = item + todo
        elif isinstance(item, str) and not is_core_url(item):
            found.append(item)
    return found


def _gather(source: Any, documents: dict[str, Any], terms: dict[str, str], state: dict[str, str], depth: int) -> None:
    if depth > MAX_NESTING:
        raise BadRequest("@context is nested too deeply")
    if isinstance(source, list):
        for item in source:
            _gather(item, documents, terms, state, depth + 1)
    elif isinstance(source, str):
        if not is_core_url(source):
            document = documents[source]
            inner = document.get("@context") if isinstance(document, dict) else None
            if inner is None:
                raise BadRequest(f"no @context in {source}")
            _gather(inner, documents, terms, state, depth + 1)
    elif isinstance(source, dict):
        _gather_object(source, terms, state)
    elif source is not None:
        raise BadRequest("@context must be a URL, an object or an array of them")


def _gather_object(source: dict[str, Any], terms: dict[str, str], state: dict[str, str]) -> None:
    """A term means what the prefixes say where it is defined: a later context that changes a prefix does not change the term."""
    own: dict[str, str] = {}
    for term, value in source.items():
        if term == "@vocab" and isinstance(value, str):
            state["@vocab"] = _printable(value, term)
        elif not term.startswith("@"):
            iri = value.get("@id") if isinstance(value, dict) else value
            if isinstance(iri, str) and not iri.startswith("@"):
                own[term] = _printable(iri, term)
            elif iri is not None and not isinstance(iri, str):
                raise BadRequest(f"@context term {term!r} has no IRI")
    scope = terms | own
    terms.update({term: _resolve(iri, scope) for term, iri in own.items()})


def _printable(iri: str, term: str) -> str:
    """`iri`: what is written of it relies on names without control characters (RFC 3987 knows none). Raises BadRequest."""
    if _CONTROL.search(iri):
        raise BadRequest(f"@context term {term!r}: an IRI has no control characters")
    return iri


def _resolve(iri: str, terms: dict[str, str]) -> str:
    for _ in range(MAX_NESTING):
        head, colon, tail = iri.partition(":")
        if not colon or tail.startswith("//") or head not in terms:
            break
        iri = terms[head] + tail
    return iri if ":" in iri else DEFAULT_VOCAB + iri
