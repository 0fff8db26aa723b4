"""The small languages of requests: any text is taken or refused in a sentence, soon, and becomes a value and never a statement."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.mutations import TEXTS, WORDS

from madang.base.errors import MadangError
from madang.base.limits import QUERY_MAX_CHARS
from madang.context.nearby import is_near
from madang.context.nearby import statement as near_statement
from madang.context.query import Query, where
from madang.context.sql import Parameters, order_by
from madang.model.context import CORE
from madang.model.evaluate import satisfies
from madang.model.patterns import check_pattern, found_in
from madang.model.query import parse_query
from madang.people.ngsi.forms import form_of, join_of
from madang.people.ngsi.queries import query_of
from madang.people.ngsi.temporal_parameters import temporal_query, view_of

PAST = {"timerel": "between", "timeAt": "2026-01-01T00:00:00Z", "endTimeAt": "2026-02-01T00:00:00Z"}
AGGREGATED = PAST | {"options": "aggregatedValues", "aggrMethods": "avg", "aggrPeriodDuration": "PT1H"}
SPACE: dict[str, str] = {"georel": "near;maxDistance==10", "geometry": "Point", "coordinates": "[24.94,60.17]"}
NOW = ("q", "scopeQ", "type", "orderBy", "id", "idPattern", "attrs", "bbox", "collation", "expandValues", *SPACE)
SHOWN = ("pick", "omit", "datasetId", "lang", "options", "format", "joinLevel", "containedBy")
THEN = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration")
SECONDS = 2.0


def asked_now(name: str, text: str) -> Any:
    base = (
        SPACE if name in SPACE else {"orderFrom": "[1,2]", "orderBy": "n"} if name in ("orderBy", "collation") else {}
    )
    return query_of({**base, name: text}, CORE)


def asked_of_the_past(name: str, text: str) -> Any:
    given_ = AGGREGATED | {name: text}
    return view_of(given_, CORE, temporal_query(given_))


def shown(name: str, text: str) -> Any:
    given_ = {"join": "inline", name: text}
    return form_of(given_, CORE), join_of(given_)


READERS: list[tuple[str, Callable[[str, str], Any]]] = [
    *((name, asked_now) for name in NOW),
    *((name, shown) for name in SHOWN),
    *((name, asked_of_the_past) for name in THEN),
    ("csf", lambda _, text: parse_query(text, CORE)),
]
IDS = [name for name, _ in READERS]


def read(reader: Callable[[str, str], Any], name: str, text: str) -> Any:
    """What it makes of the text, or the refusal."""
    begun = time.process_time()
    try:
        found = reader(name, text)
    except MadangError as error:
        found = error
        assert 400 <= error.status < 500, (name, text)
    assert time.process_time() - begun < SECONDS, (name, text[:100])
    return found


@pytest.mark.parametrize(("name", "reader"), READERS, ids=IDS)
@settings(max_examples=60)
@given(text=TEXTS)
def test_any_text_is_taken_or_refused(name: str, reader: Callable[[str, str], Any], text: str) -> None:
    read(reader, name, text)


@pytest.mark.parametrize(("name", "reader"), READERS, ids=IDS)
@settings(max_examples=25)
@given(unit=st.lists(WORDS, min_size=1, max_size=3).map("".join).filter(bool), end=TEXTS)
def test_long_texts_take_no_longer_than_they_are(
    name: str, reader: Callable[[str, str], Any], unit: str, end: str
) -> None:
    read(reader, name, (unit * QUERY_MAX_CHARS)[: QUERY_MAX_CHARS - len(end)] + end)


@settings(max_examples=300)
@given(pattern=st.lists(st.sampled_from(list("ab.|()*+?{},1[]^$\\")), max_size=14).map("".join))
def test_a_pattern_is_refused_or_run_in_no_time(pattern: str) -> None:
    try:
        check_pattern(pattern)
    except MadangError:
        return
    begun = time.process_time()
    found_in(pattern, "a" * 20_000 + "c")
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("pattern", ["(a|a)*b", "((a|a)|a)*b", "a*a*a*a*a*a*b", "(.|a)*b"])
def test_patterns_that_python_cannot_run_are_run(pattern: str) -> None:
    body = {"name": {"type": "Property", "value": "a" * 100_000}}
    begun = time.process_time()
    assert satisfies(body, parse_query(f"name~={pattern}", CORE)) is False
    assert time.process_time() - begun < SECONDS


MARK = "zqx"
FORMS = {
    "q": ["{m}", '{m}=="{m}"', "{m}.{m}[{m}]>1", "{m}~={m}", "{m}{{{m}:{m}}}==1", "{m}!=1..2", '{m}=="\'; {m}"'],
    "scopeQ": ["/{m}", "/{m}/#", "({m};/{m})"],
    "type": ["{m}", "({m};{m})|{m}"],
    "orderBy": ["{m}", "{m}.{m}[{m}];desc", "{m};dist-asc"],
    "id": ["urn:{m}:1"],
    "idPattern": ["^{m}'--"],
    "attrs": ["{m}"],
    "pick": ["{m},id"],
    "geoproperty": ["{m}"],
}  # fmt: skip
QUESTIONS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(forms).map(lambda form: form.format(m=MARK)) for name, forms in FORMS.items()}
)


@settings(max_examples=300)
@given(given_=QUESTIONS, space=st.sampled_from([{}, SPACE]), count=st.sampled_from(["true", "false"]))
def test_no_text_of_a_caller_is_in_a_statement(given_: dict[str, str], space: dict[str, str], count: str) -> None:
    try:
        query = query_of({"orderFrom": "[1,2]", **space, **given_, "count": count}, CORE)
    except MadangError:
        return
    assert MARK not in sql_of(query)


@settings(max_examples=200)
@given(text=TEXTS, name=st.sampled_from(["q", "scopeQ", "type", "orderBy", "idPattern", "id", "attrs"]))
def test_a_statement_is_made_of_our_words_alone(name: str, text: str) -> None:
    query = read(asked_now, name, text)
    if isinstance(query, Query):
        try:
            told = sql_of(query)
        except MadangError:
            return
        words = set(re.findall(r"[^\W\d_]+", re.sub(r"'[^']*'|\"C\"", "", told)))
        assert words <= OURS


def sql_of(query: Query) -> str:
    parameters = Parameters()
    if is_near(query):
        return near_statement(query)[0]
    return f"{where(query, parameters)} ORDER BY {order_by(query.order, parameters)}"


OURS = {
    word
    for sample in (
        Query(),
        query_of(
            {
                "type": "(A;B)", "q": "a.b[c]>1;r{T:x}==1;createdAt>2026-01-01T00:00:00Z|modifiedAt", "scopeQ": "/a",
                "id": "urn:x:1", "idPattern": "a", "attrs": "a", "orderBy": "n,id;desc,createdAt;asc", **SPACE,
            }, CORE,
        ),
        query_of({"bbox": "1,2,3,4", "type": "A"}, CORE),
    )
    for word in re.findall(r"[^\W\d_]+", re.sub(r"'[^']*'|\"C\"", "", sql_of(sample)))
} | {"BETWEEN", "NOT"}  # fmt: skip
