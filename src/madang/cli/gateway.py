"""The gateway process: HTTP, WebSocket and the command room, wired."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from nats.errors import Error as NatsError

from madang.base.clock import SystemClock
from madang.base.errors import MadangError
from madang.bus.changes import STATS_SUBJECT, batch_subject, decode_changes
from madang.bus.connection import connect
from madang.cli.acme import keep_certificate
from madang.cli.board import Board, metrics, page_config
from madang.cli.cities import find_city, first_party_apps
from madang.cli.datasets import look_after, open_contracts, open_datasets
from madang.cli.defence import open_watch
from madang.cli.desk import open_desk
from madang.cli.devices import know_devices
from madang.cli.operations import open_centre
from madang.cli.policing import by_token, city_gate, door_of, put_on_record
from madang.cli.portal import open_portal
from madang.cli.privacy import open_privacy
from madang.cli.roles import open_pool, open_writer, until_told
from madang.cli.serving import certificate_files, door_path, lake_path, serve
from madang.cli.sharing import Sharing
from madang.cli.shop import follow, offering, open_shop
from madang.cli.tenancy import TenantHouse, alias_of
from madang.cli.tidy import keep_tidy
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.discovery import Discovery
from madang.context.entity_maps import EntityMaps
from madang.context.expiry import Expiry
from madang.context.observed import Observed
from madang.context.produce import Produce
from madang.context.sealed_rows import seal_rows
from madang.context.snapshot import open_snapshot
from madang.context.store import Store
from madang.context.subscriptions import Subscriptions
from madang.context.tenants import Tenants
from madang.engine.control import ask
from madang.engine.database import LOST, connect_planned, retrying
from madang.engine.outward import networks_of_city, resolve
from madang.engine.sealing import seal_of_city
from madang.engine.settings import Settings, issuer_of
from madang.federation.federation import Federation
from madang.history.outbox import Outbox
from madang.history.past import open_past
from madang.history.replay import Replay
from madang.ingest.deadletters import DeadLetters
from madang.people.app_door import AppDoor
from madang.people.apps.doors import AppsDoor
from madang.people.datasets import DatasetsDoor
from madang.people.explain import Explain
from madang.people.frames.forward import Forwarder
from madang.people.frames.framing import Frames
from madang.people.frames.pages import FramesDoor, seen_as
from madang.people.gateway import Gateway
from madang.people.identity.routes import IdentityDoors, MakeDoor
from madang.people.lake import LakeDoor
from madang.people.live import Live
from madang.people.lockstep import Lockstep
from madang.people.manage import Management
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.tenants import TenantRouter
from madang.people.oversight.record import RecordDoor
from madang.people.oversight.rules import RulesDoor
from madang.people.personal.asking import Asking
from madang.people.personal.door import PersonalDoor
from madang.people.personal.pages import SpaceDoor
from madang.people.policies import PolicyDoor
from madang.people.replay import ReplayDoor
from madang.people.sensorthings.routes import SensorThings
from madang.people.static_files import Files
from madang.people.twin.door import TwinDoor
from madang.runtime.apps import Apps
from madang.runtime.book import Book
from madang.runtime.doorman import Doorman
from madang.runtime.egress import Egress, socket_of
from madang.runtime.installed import installed_at
from madang.runtime.keeping import Keeping
from madang.runtime.manifest import load_manifest
from madang.runtime.meter import Meter
from madang.runtime.overview import list_returning, names
from madang.runtime.records import Records
from madang.runtime.sandbox import floor_of
from madang.trust.audit.recorder import Recorder, open_recorder
from madang.trust.audit.refusals import Refusals
from madang.trust.consent.house import open_house
from madang.trust.consent.pseudonyms import open_pseudonyms
from madang.trust.defence.guard import Guard
from madang.trust.identity.house import open_identity

log = structlog.get_logger()
CATCH_UP_S = 0.3


async def gateway(settings: Settings) -> None:
    """Serves until told to stop."""
    city = find_city(settings.city_file)
    gate = city_gate(city.timezone)
    pool = await open_pool(settings, 12)
    await retrying(lambda: seal_rows(pool, seal_of_city()))
    snapshot = await retrying(lambda: open_snapshot(pool))
    writer = open_writer(settings, pool, snapshot)
    store = Store(pool, snapshot, await connect_planned(settings.database))
    board, catalogue = Board(city), Catalogue(pool)
    broker = Broker(writer, store, Contexts(catalogue=catalogue), Discovery(pool), catalogue, alias_of(city.id))
    recorder = open_recorder(pool, settings.run_dir, city.id, city.audit)
    on_record = put_on_record(recorder)
    on_record(gate.ruling)
    tenants = TenantHouse(settings, Tenants(pool), broker.alias, city.history, recorder)
    federation = Federation(pool, broker.contexts)
    live = Live(broker, board.status, Outbox(pool), partial(installed_at, pool))
    door = door_path(settings)

    missed = asyncio.Event()

    async def back() -> None:
        missed.set()

    client = await connect(settings.bus, "gateway", back)
    apps = Apps(
        pool,
        lambda request: ask(settings.run_dir, request),
        door,
        settings.run_dir / "apps",
        floor_of(os.environ.get("MADANG_APP_FLOOR", "")),
    )
    meter, records = Meter(pool, settings.run_dir / "meter", SystemClock()), Records(pool)
    doorman = Doorman(records.every)
    live.app_door, keeping = AppDoor(doorman, meter), Keeping(apps, records, meter, doorman)
    book = Book(settings.run_dir, records, meter, keeping, SystemClock())
    desk = await open_desk(settings, city.id, pool, store, board.demo.get("speed", 1.0), recorder)
    board.desk = desk
    if board.demo.get("lockstep"):
        live.lockstep = Lockstep(lambda: desk.ticked, desk.tock, live.followers)
    page, letters, explain = page_config(city, board), DeadLetters(pool), Explain(broker)
    past, maps = open_past(pool, city.history.max_instances), EntityMaps(pool)
    ngsi = NgsiLd(broker, Subscriptions(pool), past, federation, maps, tenants.keeping(pool, broker))
    notified = tenants.notified(ngsi)
    asking = Asking(apps)
    house = open_house(pool, settings.run_dir, recorder, asking)
    apps.leaving, apps.left, apps.produce = house.leaving, house.left, Produce(pool, writer)
    policies = PolicyDoor(gate, store, apps.grants_of)
    identity = open_identity(
        pool, settings.run_dir, issuer_of(settings), city.name.get("en", city.id), recorder, SystemClock()
    )
    data = open_datasets(pool, settings)
    shop = await retrying(lambda: open_shop(pool, settings, city, apps, gate, recorder))
    follow(apps, shop.house)
    sharing = Sharing(shop.house.choices.in_force, partial(offering, apps), lambda: gate.ruling.source.areas, store)
    desk.service.instead = sharing.instead
    lake_door = LakeDoor(pool, lake_path(settings), recorder, DatasetsDoor(data, recorder))
    portal = open_portal(data, lake_door, issuer_of(settings), city.name)
    centre = open_centre(pool, broker, city)
    pages: list[MakeDoor] = [
        *shop.doors,
        *portal.doors,
        *centre.doors,
        partial(SpaceDoor, house=house, asking=asking),
        partial(RulesDoor, policies=policies, app_names=partial(names, apps)),
        RecordDoor,
        partial(FramesDoor, manifests=apps.manifests, clock=SystemClock(), used=shop.house.used),
        partial(AppsDoor, apps=apps, book=book, components=lambda: board.components, folders=lambda: available(apps)),
    ]
    frames = Frames(
        identity.seal, SystemClock(), apps, Forwarder(settings.run_dir / "apps"), seen_as(identity, door_of(gate)),
        open_pseudonyms(settings.run_dir).of, certificate_files() is not None,
    )  # fmt: skip
    guard, watch = Guard(city.defence), open_watch(pool, writer, recorder.log, city)
    manage = Management(
        page, apps, desk, letters, board.status, lambda: available(apps), explain.get, notified, recorder, policies, identity,
        open_privacy(pool, city), watch.verdicts, shop.house, centre.house.book,
        ReplayDoor(broker, Replay(pool)),
    )  # fmt: skip
    app = Gateway(
        TenantRouter(ngsi, tenants.open),
        manage,
        Files(Path(os.environ.get("MADANG_TILES", str(settings.run_dir / "tiles")))),
        Files(Path(__file__).resolve().parents[1] / "people" / "static"),
        metrics(board),
        live.serve,
        by_token(gate, apps),
        door_of(gate),
        SensorThings(broker, past, Observed(pool)),
        IdentityDoors(identity, door_of(gate), pages),
        PersonalDoor(house, asking),
        guard,
        certificate_files() is not None,
        Refusals(recorder, SystemClock()).tell,
        shop.mounts | portal.mounts | {"lake": lake_door, "twin": TwinDoor(pool, ZoneInfo(city.timezone))},
        frames,
        live.app_door,
    )
    await subscribe(client, settings.city, live, board)
    await look(board, settings, store)  # the first status frame already tells how things are
    await until_told(
        serve(app, settings.http_port, door),
        poll(board, settings, store, apps, recorder),
        catch_up(client, live, missed),
        desk.run(),
        sharing.follow(),
        writer.watch(),
        keep_tidy(Expiry(pool, writer).sweep, house.tidy, broker.contexts.follow, maps.sweep, ngsi.tidy),
        tenants.watch(),
        federation.follow(),
        recorder.run(),
        recorder.cosigning.run(),
        watch.run(guard),
        gate.follow(on_record),
        identity.identities.endings.follow(),
        identity.sweep(),
        know_devices(settings, city, identity, gate, guard),
        keep_certificate(settings),
        shop.house.run(),
        keeping.run(),
        look_after(open_contracts(pool, city, writer), data),
        Egress(apps, doorman, meter, partial(resolve, allowed=networks_of_city())).run(socket_of(door)),
    )
    await ngsi.close()
    await tenants.close()
    await federation.close()
    await recorder.settle()
    await keeping.once()
    await writer.stop()


async def catch_up(client: Any, live: Live, missed: asyncio.Event) -> None:
    """For ever: what the bus did not bring is read from the database. A loss while that begins is a loss anew."""
    while True:
        await missed.wait()
        missed.clear()
        try:
            # Only when the server has taken the subscriptions again is nothing missed after the reading.
            await client.flush()
            live.resync()
        except (NatsError, TimeoutError, OSError) as error:
            log.warning("what the bus did not bring waits", error=repr(error))
            missed.set()
        await asyncio.sleep(CATCH_UP_S)


async def subscribe(client: Any, city: str, live: Live, board: Board) -> None:
    async def changed(message: Any) -> None:
        if live.sockets:
            for change in decode_changes(message.data):
                live.publish(change)

    async def told(message: Any) -> None:
        board.hear(message.subject.rsplit(".", 1)[-1], msgspec.json.decode(message.data))

    await client.subscribe(batch_subject(city), cb=changed)
    await client.subscribe(f"{STATS_SUBJECT}.*", cb=told)


async def poll(board: Board, settings: Settings, store: Store, apps: Apps, recorder: Recorder) -> None:
    """Follows the instance for ever; first of all its apps return."""
    returned = False
    while True:
        if not returned:
            returned = await resume(apps, board, recorder)
        await asyncio.sleep(1.0)
        await look(board, settings, store)


async def resume(apps: Apps, board: Board, recorder: Recorder) -> bool:
    """Whether every app that was switched on runs again."""
    if "supervisor" in board.components:
        return False  # it did not answer, so nobody knows what it keeps
    try:
        for app_id in await list_returning(apps, board.components):
            await recorder.before("madang", "app.start", app_id, "it was switched on when the instance ended")
            await apps.enable(app_id)
    except (MadangError, *LOST) as error:
        log.warning("apps wait to return", error=repr(error))
        return False
    return True


async def look(board: Board, settings: Settings, store: Store) -> None:
    """Asks the supervisor how the processes are, and counts entities now and then."""
    try:
        board.components = await ask(settings.run_dir, {"op": "status"})
    except (OSError, TimeoutError, RuntimeError, msgspec.DecodeError):
        board.components = board.components | {"supervisor": {"state": "crashed", "detail": "does not answer"}}
    if board.looks % 5 == 0:
        try:
            board.entities = await store.count()
        except MadangError:
            board.components = board.components | {"database": {"state": "crashed", "detail": "does not answer"}}
    board.looks += 1


async def available(apps: Apps) -> list[dict[str, Any]]:
    """First-party apps that could be installed."""
    out = []
    for folder in first_party_apps():
        manifest = load_manifest(folder)
        out.append({"path": str(folder), "id": manifest.id, "name": manifest.name, "summary": manifest.summary})
    return out
