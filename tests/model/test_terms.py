"""The term mapper means what a JSON-LD processor means: pyld is the oracle, on contexts as Smart Data Models write them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld

from madang.base.errors import BadRequest
from madang.model.context import compile_context, iri_of_internal

CORE = json.loads(files("madang.model").joinpath("core-context-v1.9.jsonld").read_text())["@context"]
del CORE["ngsildproof"]  # its scoped context lies on another server, which the oracle would ask
BASES = st.sampled_from(
    ["https://smartdatamodels.org/", "https://smartdatamodels.org/dataModel.Parking/", "http://www.w3.org/ns/sosa#", "urn:own:"]
)  # fmt: skip
WORDS = st.sampled_from(["refDevice", "status", "fillingLevel", "Device", "owner", "category", "dateObserved", "나무"])
PREFIXES = st.sampled_from(["sdm", "sosa", "own"])
IRIS = st.builds("{}{}".format, BASES, WORDS)
SIMPLE = st.dictionaries(WORDS, IRIS | st.builds("{}:{}".format, PREFIXES, WORDS), max_size=5)
DETAILED = st.dictionaries(WORDS, st.builds(lambda iri: {"@id": iri, "@type": "@id"}, IRIS), max_size=3)
VOCAB = st.one_of(st.just({}), BASES.map(lambda base: {"@vocab": base}))


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, Any]:
    """All prefixes that may be spoken of are there."""
    bases = {name: draw(BASES) for name in ("sdm", "sosa", "own")}
    return {**bases, **draw(SIMPLE), **draw(DETAILED), **draw(VOCAB)}


NAMES = WORDS | IRIS | st.builds("{}:{}".format, PREFIXES, WORDS) | st.sampled_from(["location", "observationSpace"])


def expanded(sources: list[dict[str, Any]], name: str) -> set[str]:
    """What pyld makes of the member's name, the core coming last and so first (clause 5.5.7). Ours differs in one thing: the
    core's @vocab is what is left when a context brings none of its own."""
    core = {key: value for key, value in CORE.items() if key != "@vocab" or not any("@vocab" in one for one in sources)}
    (item,) = jsonld.expand({"@context": [*sources, core], "@id": "urn:x:1", name: {"@id": "urn:x:2"}})
    return set(item) - {"@id"}


@settings(max_examples=150)
@given(source=contexts(), name=NAMES)
def test_names_expand_as_pyld_expands_them(source: dict[str, Any], name: str) -> None:
    assert {iri_of_internal(compile_context(source, {}).expand(name))} == expanded([source], name)


@settings(max_examples=150)
@given(source=contexts(), other=contexts(), name=NAMES)
def test_what_is_compacted_means_the_same_to_pyld(source: dict[str, Any], other: dict[str, Any], name: str) -> None:
    """A name of one context told in the words of another."""
    internal = compile_context(source, {}).expand(name)
    assert expanded([other], compile_context(other, {}).compact(internal)) == {iri_of_internal(internal)}


@settings(max_examples=100)
@given(first=contexts(), second=contexts(), name=NAMES)
def test_of_two_contexts_the_later_wins(first: dict[str, Any], second: dict[str, Any], name: str) -> None:
    assert {iri_of_internal(compile_context([first, second], {}).expand(name))} == expanded([first, second], name)


@pytest.mark.parametrize("name", ["", "@id", "a b", "a<b", "a\x1eb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        compile_context({}, {}).expand(name)


@pytest.mark.parametrize("context", [{"Lamp": "https://a.example/Lamp\x1e"}, {"@vocab": "https://a.example/\x1f"}])
def test_a_context_brings_no_control_characters_into_names(context: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        compile_context(context, {})
