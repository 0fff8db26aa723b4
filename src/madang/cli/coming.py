"""What the lake's process does beside rolling history: reads files, pulls feeds, checks what is to be published, keeps the catalogue."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import asyncpg
import duckdb

from madang.base.city import CityConfig
from madang.base.clock import SystemClock
from madang.cli.datasets import again_and_again, open_folder, words_path
from madang.engine.outward import networks_of_city
from madang.engine.settings import Settings
from madang.lake.catalogue.indexing import Indexing
from madang.lake.catalogue.tracing import Tracing
from madang.lake.catalogue.words import Morphemes, asked_at, serve_words
from madang.lake.connection import Place, open_lake
from madang.lake.datasets.dataset import Arrival, Dataset
from madang.lake.datasets.house import open_data
from madang.lake.datasets.receiving import Receiving
from madang.lake.feeds.pulling import Pulling
from madang.lake.files.report import Finding, Report
from madang.lake.indicators.computing import Computing
from madang.lake.publishing.checking import Checking, PrivacyTools
from madang.lake.publishing.publication import Publication
from madang.people.figures import noisy
from madang.trust.audit.entry import Event
from madang.trust.audit.log import AuditLog
from madang.trust.privacy.ledger import Ledger
from madang.trust.privacy.tables import looks_personal, scan


class Coming:
    """What comes into the lake but for history, and what goes out of it to everybody."""

    def __init__(self, settings: Settings, city: CityConfig, pool: asyncpg.Pool, place: Place) -> None:
        self._register, self._clock, self._words, self._path = (
            AuditLog(pool),
            SystemClock(),
            Morphemes(),
            words_path(settings),
        )
        house = open_data(pool, settings.run_dir, city.id, self._clock, asked_at(self._path))
        for folder in (house.inbox, house.published):
            open_folder(folder)
        self._lineage, connect = house.lineage, partial(open_lake, settings.database, place)
        argv = [sys.executable, "-m", "madang.cli.reading"]
        self._receiving = Receiving(house.book, connect, argv, house.inbox, city.bbox, self._came)
        self._pulling = Pulling(house.feeds, house.book, house.inbox, networks_of_city())
        ledger = Ledger(pool, city.privacy.budgets)
        tools = PrivacyTools(
            scan, looks_personal, noisy, lambda of, epsilon: ledger.spend(of, epsilon, self._clock.now())
        )
        self._checking = Checking(house.book, house.publications, connect, house.published, tools, self._checked)
        self._indexing = Indexing(house.book, self._words)
        self._computing = Computing(house.values, house.lineage, connect, self._clock, city.timezone)
        topics = [(str(rule.get("topic", "")), str(rule.get("type", ""))) for rule in city.mqtt]
        self._tracing = Tracing(pool, house.lineage, topics, self._clock)

    async def run(self) -> None:
        """For ever: each by itself, so that a long file keeps nobody waiting."""
        turns = {
            "a file waits": self._receiving.once,
            "a feed waits": self._pulling.once,
            "a publication waits": self._checking.once,
            "the catalogue waits": self._indexing.once,
            "the indicators wait": self._computing.once,
            "lineage waits": self._tracing.once,
        }
        await asyncio.gather(
            *(again_and_again(once, waits, beside=(duckdb.Error,)) for waits, once in turns.items()),
            serve_words(self._path, self._words),
        )

    async def _came(self, dataset: Dataset, arrival: Arrival, report: Report) -> None:
        outcome = "quarantined" if report.stops else "loaded"
        details = {"arrival": arrival.id, "rows": str(report.rows), "stops": " ".join(one.code for one in report.stops)}
        await self._put(arrival.sent_by, f"dataset.{outcome}", dataset.id, details)
        if not report.stops:
            source = f"source:{arrival.source or arrival.name}"
            await self._lineage.tell("load", [source], [f"dataset:{dataset.id}"], self._clock.now())

    async def _checked(self, one: Publication, state: str, checks: list[Finding]) -> None:
        stops = " ".join(f"{found.code}:{found.column}" for found in checks if found.severity == "stop")
        await self._put(one.asked_by, f"dataset.{state}", f"{one.dataset} {one.version}", {"stops": stops})
        if state == "waiting":
            names = [f"dataset:{one.dataset}"], [f"published:{one.dataset}"]
            await self._lineage.tell("publish", *names, self._clock.now())

    async def _put(self, who: str, what: str, whom: str, details: dict[str, str]) -> None:
        await self._register.append(Event(self._clock.now(), who, what, whom, "", "done", details))
