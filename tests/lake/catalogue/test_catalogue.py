"""Data sets are found by Korean morphemes and English stems; where they come from is a graph; broken promises are incidents."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.waiting import until

from madang.base.clock import ManualClock
from madang.context.writer import Writer
from madang.lake.catalogue.contracts import Contracts
from madang.lake.catalogue.indexing import Indexing
from madang.lake.catalogue.lineage import Lineage, event_of
from madang.lake.catalogue.searching import Search, Wish, query_of
from madang.lake.catalogue.tracing import Tracing
from madang.lake.catalogue.uses import Uses
from madang.lake.catalogue.words import Morphemes, asked_at, kept, plain, serve_words
from madang.lake.datasets.book import Book
from madang.lake.datasets.dataset import Contract, Described
from madang.lake.files.report import Finding, Hints, Report
from madang.model.context import CORE
from madang.model.entity import Entity, parse_entity
from madang.model.operations import Append

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SETS = {
    "bus_stops": Described(
        {"ko": "버스정류장 위치", "en": "Bus stops"}, themes=["TRAN"], licence="kogl-1", owner="교통과"
    ),
    "wifi": Described(
        {"ko": "공공와이파이 설치 현황", "en": "Public Wi-Fi"}, themes=["TECH"], licence="cc-by-4.0", owner="정보과"
    ),
    "air": Described(
        {"ko": "미세먼지 측정값", "en": "Measured particulate matter"}, themes=["ENVI", "HEAL"], licence="kogl-1"
    ),
}


SHOWN = b'{"format": "", "rows": 1, "columns": [], "bbox": [126.9, 37.4, 127.1, 37.6]}'


@pytest.fixture(scope="session")
def morphemes() -> Morphemes:
    return Morphemes()


@pytest.fixture
async def search(pool: asyncpg.Pool, morphemes: Morphemes) -> Search:
    book = Book(pool, ManualClock(NOW))
    for identifier, told in SETS.items():
        await book.make(identifier, told, "person:one")
    await pool.execute("UPDATE dataset SET state = 'published'")
    await book.make("inner", Described({"ko": "버스 내부 자료"}), "person:one")
    await Indexing(book, morphemes).once()

    async def tokens(text: str) -> list[str]:
        return morphemes(text)

    return Search(pool, tokens)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("정류장을 찾아요", ["bus_stops"]),
        ("버스", ["bus_stops"]),
        ("와이파이", ["wifi"]),
        ("미세먼지", ["air"]),
        ("먼지 측정", ["air"]),
        ("measuring", ["air"]),
        ("stop", ["bus_stops"]),
        ("교통과", ["bus_stops"]),
        ("지하철", []),
        ("'; DROP TABLE dataset; --", []),
    ],
)
async def test_what_people_type(search: Search, words: str, found: list[str]) -> None:
    page = await search.page(Wish(words), 10)
    assert [one.id for one in page.datasets] == found


async def test_facets_count_as_if_none_of_theirs_was_chosen(search: Search) -> None:
    page = await search.page(Wish(facets={"licence": "kogl-1"}), 1)
    assert (len(page.datasets), page.total) == (1, 2)
    assert page.facets["licence"] == [("kogl-1", 2), ("cc-by-4.0", 1)]
    assert page.facets["theme"] == [("ENVI", 1), ("HEAL", 1), ("TRAN", 1)]


async def test_by_place(search: Search, pool: asyncpg.Pool) -> None:
    await pool.execute(
        "UPDATE dataset SET shown = $1 WHERE id = 'wifi'",
        SHOWN,
    )
    found = [await search.page(Wish(bbox=box), 10) for box in [(127.0, 37.5, 128.0, 38.0), (1.0, 1.0, 2.0, 2.0)]]
    assert [[one.id for one in page.datasets] for page in found] == [["wifi"], []]


def test_which_morphemes_count() -> None:
    told = [("정류장", "NNG"), ("을", "JKO"), ("찾", "VV"), ("Wi", "SL"), ("-", "SO"), ("2026", "SN")]
    assert (kept(told), plain("Wi-Fi 정류장!")) == (["정류장", "wi", "2026"], ["wi", "fi", "정류장"])


def test_queries() -> None:
    assert [query_of(one) for one in ([], ["a"], ["a'b", "c\\"])] == ["''", "'a':*", "'a''b' & 'c':*"]


async def test_words_are_asked_for_by_a_socket(tmp_path: Path) -> None:
    serving = asyncio.create_task(serve_words(tmp_path / "w", lambda text: text.upper().split()))
    await until((tmp_path / "w").exists, "the socket")
    found = await asked_at(tmp_path / "w")("가 b\nc")
    serving.cancel()
    assert (found, await asked_at(tmp_path / "none")("가 b")) == (["가", "B", "C"], ["가", "b"])


async def test_lineage_leads_from_the_source_to_the_decision(pool: asyncpg.Pool) -> None:
    lineage = Lineage(pool, "yard")
    for job, one, other in [
        ("roll", "device:Bin", "dataset:a"),
        ("load", "source:x", "dataset:a"),
        ("publish", "dataset:a", "published:a"),
        ("indicator", "published:a", "indicator:K"),
        ("load", "source:y", "dataset:b"),
    ]:
        await lineage.tell(job, [one], [other], NOW)
    await lineage.tell("load", ["source:x"], ["dataset:a"], NOW + timedelta(hours=1))
    edges = [(one.input, one.job, one.output, (one.at - NOW).seconds) for one in await lineage.around("dataset:a")]
    assert edges == [
        ("device:Bin", "roll", "dataset:a", 0),
        ("source:x", "load", "dataset:a", 3_600),
        ("published:a", "indicator", "indicator:K", 0),
        ("dataset:a", "publish", "published:a", 0),
    ]
    (event, *_) = await lineage.events("indicator:K", 1)
    assert event == event_of("yard", "indicator", event["run"]["runId"], ["published:a"], ["indicator:K"], NOW)


async def test_one_graph_leads_from_the_sensor_to_indicator_chart_and_decision(
    pool: asyncpg.Pool, writer: Writer
) -> None:
    lineage, clock = Lineage(pool, "yard"), ManualClock(NOW)
    await writer.submit(Append(parse_entity({"id": "urn:ngsi-ld:Loop:1", "type": "Loop", "n": 1}, CORE), create=True))
    await pool.execute("INSERT INTO lake_cursor (seq) SELECT max(seq) FROM entity")
    manifest = '{"scopes": [{"action": "read", "type": "Loop"}], "pages": [{"path": "/now"}]}'
    await pool.execute(
        "INSERT INTO app (id, folder, manifest, grants, token_hash) VALUES ('signals', '', $1, '[]', '')", json.loads(manifest)
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO command (id, at, who, kind, target, rank, status, intent, receipt)"
        " VALUES ('c', $1, 'app:signals', 'signal.stage', 's', 'efficiency', 'done', '{}', '{}')", NOW,
    )  # fmt: skip
    tracing = Tracing(pool, lineage, [("loop/+", "Loop")], clock)
    await tracing.once()
    await tracing.once()
    await lineage.tell("indicator", ["observation:Loop"], ["indicator:K"], NOW)
    edges = [(one.input, one.job, one.output) for one in await lineage.around("device:Loop")]
    assert sorted(edges) == [
        ("app:signals", "decide", "decision:signal.stage"),
        ("app:signals", "show", "chart:signals/now"),
        ("device:Loop", "read", "app:signals"),
        ("device:Loop", "roll", "observation:Loop"),
        ("observation:Loop", "indicator", "indicator:K"),
        ("topic:loop/+", "ingest", "device:Loop"),
    ]
    assert await lineage.nodes("LOOP", 9) == ["device:Loop", "observation:Loop", "topic:loop/+"]
    assert await pool.fetchval("SELECT count(*) FROM lineage_event WHERE job = 'roll'") == 1


async def test_uses_are_counted_without_names_of_people(pool: asyncpg.Pool) -> None:
    await Book(pool, ManualClock(NOW)).make("a", SETS["air"], "person:one")
    uses = Uses(pool, ManualClock(NOW))
    for who in ("person:one", "anonymous", "app:x", "app:x"):
        uses.saw("a", who, "page")
    uses.saw("none", "app:x", "page")
    await uses.settle()
    uses.saw("a", "person:two", "page")
    await uses.settle()
    assert await uses.of("a") == [("anonymous", "page", 3), ("app:x", "page", 2)]
    assert await pool.fetchval("SELECT min(day) FROM dataset_use") == date(2026, 11, 22)


async def test_a_broken_promise_is_an_incident_until_it_is_kept(pool: asyncpg.Pool) -> None:
    clock, written = ManualClock(NOW), []

    async def write(entity: Entity) -> None:
        values: dict[str, Any] = {name: body["value"] for name, body in entity.body.items()}
        written.append((entity.id.rsplit(":", 1)[-1], values["status"], values["description"]))

    book = Book(pool, clock)
    await book.make("a", Described({"en": "A"}, contract=Contract(fresh_s=60)), "person:one")
    await book.loaded("a", [], 1, Report("csv", 1, []))
    contracts = Contracts(pool, "yard", clock, write)
    await contracts.once()
    clock.set(NOW + timedelta(seconds=100))
    await contracts.once()
    await contracts.once()
    await book.arrive("a", "a.csv", "", 1, "x", Hints(), "person:one", "i")
    await book.was_read("i", "quarantined", Report("csv", 1, [], [Finding("contract_column", "stop", "n")]))
    await contracts.once()
    await book.loaded("a", [], 1, Report("csv", 1, []))
    await contracts.once()
    assert written == [
        ("contract-a-freshness", "open", "a is 40 s older than it promises"),
        ("contract-a-schema", "open", "a.csv breaks what a promises: column n"),
        ("contract-a-freshness", "closed", "the promise is kept again"),
    ]
