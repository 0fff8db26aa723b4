"""The kernel's processes: each wires rooms together and runs until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
import uvloop

from madang.base.clock import SystemClock
from madang.base.errors import MadangError, Unavailable
from madang.bus.connection import connect, ensure_stream, tell_every_second
from madang.bus.courier import Courier
from madang.cli.cities import find_city
from madang.cli.defence import open_watch, watched
from madang.cli.policing import Subscribers, city_gate
from madang.cli.tenancy import alias_of, carry_for_tenants, open_subscriber, recorded
from madang.context.notifier import Notifier
from madang.context.snapshot import Snapshot, open_snapshot
from madang.context.writer import Writer
from madang.engine.database import LOST, connect_pool, retrying
from madang.engine.settings import Settings, ready_mark
from madang.federation.source_notifier import SourceNotifier
from madang.history.retention import Retention
from madang.ingest.deadletters import DeadLetters
from madang.ingest.mqtt.decode import compile_decoder
from madang.ingest.mqtt.link import MqttLink, Rate
from madang.model.operations import Operation
from madang.trust.audit.log import AuditLog

log = structlog.get_logger()
Role = Callable[[Settings], Coroutine[Any, Any, None]]
STOP_TIMEOUT_S = 8.0


async def until_told(*work: Coroutine[Any, Any, Any]) -> None:
    """Runs all until SIGTERM or SIGINT; the failure of one ends the process, and the supervisor starts it again."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(one) for one in work]
    waiter = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    loop.call_later(STOP_TIMEOUT_S, give_up)
    for task in [waiter, *tasks]:
        task.cancel()
    await asyncio.gather(waiter, *tasks, return_exceptions=True)
    for task in done - {waiter}:
        task.result()


def give_up() -> None:
    """Ends a process that was told to stop and cannot, whatever it waits for: what it acknowledged is on disk anyway."""
    waiting = [str(task.get_coro()) for task in asyncio.all_tasks() if not task.done()]
    log.error("did not end in time", waiting=waiting)
    os._exit(1)


async def tell_ready(settings: Settings, name: str, condition: Callable[[], bool]) -> None:
    """Marks this process as ready once it is; never returns."""
    while not condition():
        await asyncio.sleep(0.05)
    ready_mark(settings.run_dir, name).touch()
    await asyncio.Event().wait()


async def open_pool(settings: Settings, size: int = 8) -> Any:
    return await retrying(lambda: connect_pool(settings.database, 1, size))


def open_writer(settings: Settings, pool: Any, snapshot: Snapshot | None) -> Writer:
    """A started writer; an embedded database's disk is watched."""
    writer = Writer(pool, snapshot, data_dir=settings.run_dir if settings.embedded_database else None)
    writer.start()
    return writer


async def ingest(settings: Settings) -> None:
    """MQTT -> decode -> context."""
    pool = await open_pool(settings, 4)
    snapshot = await retrying(lambda: open_snapshot(pool))
    writer, letters = open_writer(settings, pool, snapshot), DeadLetters(pool)
    client = await connect(settings.bus, "ingest")
    city = find_city(settings.city_file)
    decoder, interrogate = compile_decoder(city.id, list(city.mqtt)), f"city/{city.id}/interrogation"
    watch = open_watch(pool, writer, AuditLog(pool), city)
    write = watched(write_all(writer), watch, city.defence.watched_types)
    link = MqttLink(settings.mqtt, decoder, write, keep_letters(letters), interrogate)
    rate = Rate()
    told = await retrying(letters.count)

    def numbers() -> dict[str, Any]:
        return {
            "observations": link.observations,
            "observations_per_s": round(rate(link.observations), 1),
            "dead_letters": told + link.dead_letters,
            "messages_lost": link.lost,
            "mqtt_connected": link.connected,
        }

    await until_told(
        link.run(),
        tell_every_second(client, "ingest", numbers),
        tell_ready(settings, "ingest", lambda: link.connected),
        writer.watch(),
    )
    await writer.stop()


def write_all(writer: Writer) -> Callable[[list[Operation]], Awaitable[list[object]]]:
    """`submit_many`, with a full queue as an error for each."""

    async def write(operations: list[Operation]) -> list[object]:
        try:
            return list(await writer.submit_many(operations))
        except Unavailable as error:
            return [error for _ in operations]

    return write


def keep_letters(letters: DeadLetters) -> Callable[[list[tuple[str, str, bytes]]], Awaitable[None]]:
    """The dead-letter table, whatever it raises turned into OSError: the link then tries again."""

    async def keep(some: list[tuple[str, str, bytes]]) -> None:
        try:
            await letters.add(some)
        except (MadangError, *LOST) as error:
            raise OSError(str(error)) from error

    return keep


async def courier(settings: Settings) -> None:
    """Outbox -> bus and notifications."""
    city = find_city(settings.city_file)
    gate = city_gate(city.timezone)
    pool = await open_pool(settings, 6)
    client, subscribers = await connect(settings.bus, "courier"), Subscribers(gate, pool)
    with contextlib.suppress(Exception):  # replay is a comfort: without JetStream the courier still carries
        await ensure_stream(client, settings.city)
    notifier = Notifier(pool, subscribers.of())
    await retrying(notifier.start)
    sources = SourceNotifier(pool, subscribers.of())
    past, alias = city.history, alias_of(city.id)
    subscriber = open_subscriber(settings, pool, sources, alias)
    retention = Retention(pool, past, SystemClock(), recorded(AuditLog(pool)))
    carrier = Courier(pool, client, settings.city, [notifier.consume])
    rate = Rate()

    def numbers() -> dict[str, Any]:
        return {
            "changes": carrier.carried,
            "changes_per_s": round(rate(carrier.carried), 1),
            "lag_ms": round(carrier.lag_ms, 1),
            "subscriptions": notifier.subscriptions,
        }

    await until_told(
        carrier.run(),
        retention.run(),
        notifier.run(),
        sources.run(),
        subscriber.run(),
        carry_for_tenants(settings, pool, client, past, alias, subscribers.of),
        subscribers.follow(),
        gate.follow(),
        tell_every_second(client, "courier", numbers),
        tell_ready(settings, "courier", lambda: carrier.listening),
    )


def run(role: Role) -> None:
    """The process's main. Requests make many small objects and hardly a cycle: the collector looks less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 100)
    uvloop.run(role(Settings.from_env()))
