"""Real engines for the whole test session: one PostgreSQL, one NATS, each test with a database of its own where it writes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import hypothesis
import pytest
import structlog

from madang.base.city import HistorySettings
from madang.cli.instance import nats_spec, postgres_spec
from madang.cli.tenancy import TenantHouse
from madang.context.catalogue import Catalogue
from madang.context.contexts import Contexts
from madang.context.discovery import Discovery
from madang.context.entity_maps import EntityMaps
from madang.context.snapshot import Snapshot, open_snapshot
from madang.context.store import Store
from madang.context.subscriptions import Subscriptions
from madang.context.tenants import Tenants
from madang.context.writer import Writer
from madang.engine import database
from madang.engine.nats import Nats
from madang.engine.postgres import Postgres
from madang.engine.settings import Settings
from madang.engine.supervisor import Supervisor
from madang.engine.temporary import scratch, sockets_of
from madang.federation.federation import Federation
from madang.history.past import Past, open_past
from madang.history.replay import Replay
from madang.people.gateway import Gateway
from madang.people.http import Request, Response
from madang.people.manage import Management
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.routes import NgsiLd
from madang.people.ngsi.snapshot_door import Keeping
from madang.people.policies import PolicyDoor
from madang.people.replay import ReplayDoor
from madang.trust.audit.recorder import Recorder, open_recorder
from madang.trust.caller import Caller
from tests.browsing import City, ShiftedClock, open_city
from tests.callers import GATE, OPERATOR, app
from tests.listening import Listener
from tests.peer import Peer

# A law holds or does not; how long an example takes on a busy machine says nothing of it.
hypothesis.settings.register_profile("madang", deadline=None)
hypothesis.settings.load_profile("madang")
KEYS = TemporaryDirectory(prefix="madang-keys-")
os.environ["MADANG_RUN_DIR"] = KEYS.name  # of the process under test, as the supervisor would say
os.environ["MADANG_PRIVATE_NETWORKS"] = "127.0.0.0/8, ::1"  # where the tests' own peers and listeners are
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """A file of the shared data, or a skip that says which is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"shared data {name} is not on this machine")
    return path


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """A command that a test runs in this process sends the logs to that test's own stream, which ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def own_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    """SUMO's wheels name their own PROJ data for the whole process when they are loaded, and rasterio cannot read them."""
    for name in ("PROJ_DATA", "PROJ_LIB"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def run_dir() -> AsyncIterator[Path]:
    """A folder that an unprivileged user may pass, unlike pytest's own."""
    folder = scratch("madang-test-")
    yield folder.path
    folder.remove()


@dataclass
class Engines:
    supervisor: Supervisor
    postgres: Postgres
    nats: Nats


@pytest.fixture(scope="session")
async def engines(run_dir: Path) -> AsyncIterator[Engines]:
    supervisor, postgres, nats, sockets = (
        Supervisor(run_dir / "logs"),
        Postgres(run_dir),
        Nats(run_dir),
        sockets_of(run_dir),
    )
    sockets.hold()
    await asyncio.gather(supervisor.run(postgres_spec(postgres)), supervisor.run(nats_spec(nats)))
    yield Engines(supervisor, postgres, nats)
    await supervisor.stop()
    sockets.remove()


@pytest.fixture(scope="session")
def server_dsn(engines: Engines) -> str:
    """The PostgreSQL under test: one that Madang did not start (`MADANG_TEST_DATABASE`), or the embedded one."""
    return os.environ.get("MADANG_TEST_DATABASE") or engines.postgres.dsn


@pytest.fixture(scope="session")
async def session_dsn(server_dsn: str) -> AsyncIterator[str]:
    """One migrated database for the session."""
    name = f"madang_test_{os.getpid()}"
    await database.ensure_database(server_dsn, name)
    fresh = urlsplit(server_dsn)._replace(path=f"/{name}").geturl()
    await database.migrate(fresh)
    yield fresh
    await drop_database(server_dsn, name)


async def drop_database(server_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(server_dsn, database="postgres")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture
async def dsn(session_dsn: str) -> str:
    """That database, emptied."""
    connection = await asyncpg.connect(session_dsn)
    await connection.execute(
        "TRUNCATE entity, history, dead_letter, notification, counter, subscription, bus_cursor, command, app, ld_context,"
        " transient, tenant, csource, csource_subscription, csource_told, subscription_at_source, entity_map, entity_map_entry, snapshot,"
        " audit_entry, audit_node, person, recovery_code, passkey, invitation, sign_in_session, sign_in_attempt, ceremony, oauth_client,"
        " oauth_consent, oauth_grant, oauth_code, oauth_refresh_token, oauth_revoked, oauth_device_code, device, device_secret,"
        " identity_provider, identity_link, identity_ended, personal_item, consent, personal_read, erasure,"
        " audit_seen, privacy_spent, verdict,"
        " store_publisher, store_key, store_package, store_role, store_release, store_install, store_use, store_review, store_report,"
        " store_choice, ledger_transaction, ledger_entry, store_terms, store_earned,"
        " store_order, store_refund, store_invoice,"
        " store_subscription, store_settlement, store_payout, app_version, app_event, app_usage, app_counted,"
        " dataset, dataset_arrival, dataset_feed, dataset_publication, dataset_use, lineage_event, dataset_feedback,"
        " dataset_request, dataset_incident, indicator_value,"
        " notice, notice_seen, notify_wish, notify_reach,"
        " rule, rule_version, rule_alarm, incident, incident_entry, incident_step, incident_alert, hand_over,"
        " lake_cursor, lake_order, twin_shape, twin_touched, twin_tile"
        " RESTART IDENTITY"
    )
    await connection.close()
    return session_dsn


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    async with await database.connect_pool(dsn, 1, 6) as pool:
        yield pool


@pytest.fixture
async def snapshot(pool: asyncpg.Pool) -> Snapshot | None:
    """None on a server that Madang did not start."""
    return await open_snapshot(pool)


@pytest.fixture
async def writer(pool: asyncpg.Pool, snapshot: Snapshot | None) -> AsyncIterator[Writer]:
    writer = Writer(pool, snapshot)
    writer.start()
    yield writer
    await writer.stop()


@pytest.fixture
async def store(dsn: str, pool: asyncpg.Pool, snapshot: Snapshot | None) -> AsyncIterator[Store]:
    async with await database.connect_planned(dsn) as planned:
        yield Store(pool, snapshot, planned)


class Nothing:
    async def handle(self, request: Request) -> Response:
        return Response(404)


@pytest.fixture
def catalogue(pool: asyncpg.Pool) -> Catalogue:
    return Catalogue(pool)


@pytest.fixture
def recorder(pool: asyncpg.Pool, tmp_path: Path) -> Recorder:
    return open_recorder(pool, tmp_path, "yard")


@pytest.fixture
def broker(writer: Writer, store: Store, pool: asyncpg.Pool, catalogue: Catalogue) -> Broker:
    return Broker(writer, store, Contexts(catalogue=catalogue), Discovery(pool), catalogue)


def keeping_of(dsn: str, pool: asyncpg.Pool, broker: Broker) -> Keeping:
    """Where the default tenant's snapshots are kept."""
    settings = Settings(Path(), "yard", "yard.toml", dsn, "", "", False, False, 0)
    no_record: Any = None  # a snapshot is no tenant
    return TenantHouse(settings, Tenants(pool), broker.alias, HistorySettings(), no_record).keeping(pool, broker)


@asynccontextmanager
async def open_api(
    broker: Broker, pool: asyncpg.Pool, past: Past, keeping: Keeping | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway's NGSI-LD door, called in this process."""

    async def nobody(token: str) -> Caller | None:
        return {"app": APP}.get(token)

    async def metrics(request: Request) -> Response:
        return Response(200)

    async def no_sockets(*_: object) -> None:
        return None

    federation = Federation(pool, broker.contexts)
    ngsi = NgsiLd(broker, Subscriptions(pool), past, federation, EntityMaps(pool), keeping)
    absent: Any = None
    manage = Management(
        {}, absent, absent, absent, absent, absent, absent, ngsi.intake.take, absent, PolicyDoor(GATE, absent, absent),
        replay=ReplayDoor(broker, Replay(pool)),
    )  # fmt: skip
    app = Gateway(ngsi, manage, Nothing(), Nothing(), metrics, no_sockets, nobody, OPERATOR)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8600/ngsi-ld/v1/") as client:
        yield client
    await ngsi.close()
    await federation.close()


@pytest.fixture
async def api(broker: Broker, pool: asyncpg.Pool, dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """An operator at that door."""
    async with open_api(broker, pool, open_past(pool), keeping_of(dsn, pool, broker)) as client:
        yield client


APP = app("test.app")


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder whose signing keys are made once."""
    return tmp_path_factory.mktemp("identity")


@pytest.fixture
async def city(pool: asyncpg.Pool, keys_dir: Path, recorder: Recorder) -> AsyncIterator[City]:
    async with open_city(pool, keys_dir, recorder, ShiftedClock()) as city:
        yield city


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/told"
    yield listener
    server.close()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    yield peer
    peer._hold.set()
    server.close()
