"""What a network carries under its fixed plans: run it and count. `python -m madang.twin.traffic.measure DIR 1,2,3`."""

from __future__ import annotations

import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass
from pathlib import Path

from madang.twin.traffic import demand
from madang.twin.traffic.convert import run_tool

TELEPORT_S = 300


@dataclass(slots=True, frozen=True)
class Figures:
    """`delay_s`: mean of time lost plus time waited to enter, of all vehicles, those still driving too."""

    seed: int
    vehicles: int
    inserted: int
    arrived: int
    teleports: int
    teleport_share: float
    delay_s: float
    time_loss_s: float
    depart_delay_s: float
    duration_s: float
    by_type: dict[str, tuple[int, float]]


def measure(net_dir: Path, seed: int, start_s: int = 27_000, duration_s: int = 3600, scale: float = 1.0) -> Figures:
    """Runs SUMO once as a separate program; nothing is left on disk."""
    net_dir = net_dir.resolve()
    with tempfile.TemporaryDirectory() as room:
        work = Path(room)
        demand.write(net_dir, work / "r.rou.xml", seed, start_s, duration_s, scale)
        run_tool("sumo", _options(net_dir, seed, start_s, duration_s), work)
        return _figures(seed, ET.parse(work / "s.xml").getroot(), ET.parse(work / "t.xml").getroot())  # noqa: S314


def _options(net_dir: Path, seed: int, start_s: int, duration_s: int) -> list[str]:
    files = ["-n", str(net_dir / "net.net.xml"), "-a", str(net_dir / "stops.add.xml"), "-r", "r.rou.xml"]
    span = ["-b", str(start_s), "-e", str(start_s + duration_s), "--seed", str(seed)]
    out = ["--tripinfo-output", "t.xml", "--tripinfo-output.write-unfinished", "--statistic-output", "s.xml"]
    beside = ["--pedestrian.model", "nonInteracting"]
    return [*files, *span, *beside, *out, "--time-to-teleport", str(TELEPORT_S), "--no-step-log", "--no-warnings"]


def _figures(seed: int, statistics: ET.Element, trips: ET.Element) -> Figures:
    told = {item.tag: item.attrib for item in statistics}
    rows = [trip.attrib for trip in trips.iter("tripinfo")]
    count = max(1, len(rows))
    loss = sum(float(row["timeLoss"]) for row in rows) / count
    waited = sum(max(0.0, float(row["departDelay"])) for row in rows) / count
    kinds: dict[str, list[float]] = {}
    for row in rows:
        kinds.setdefault(row["vType"].split("@")[0], []).append(float(row["timeLoss"]))
    vehicles, teleports = int(told["vehicles"]["loaded"]), int(told["teleports"]["total"])
    return Figures(
        seed,
        vehicles,
        int(told["vehicles"]["inserted"]),
        sum(float(row["arrival"]) >= 0 for row in rows),
        teleports,
        round(teleports / max(1, vehicles), 5),
        round(loss + waited, 1),
        round(loss, 1),
        round(waited, 1),
        round(sum(float(row["duration"]) for row in rows) / count, 1),
        {kind: (len(values), round(sum(values) / len(values), 1)) for kind, values in sorted(kinds.items())},
    )


def main() -> None:
    """DIR and a comma list of seeds; optionally start and duration in seconds."""
    folder, seeds, *rest = sys.argv[1:]
    start_s, duration_s = (int(rest[0]), int(rest[1])) if len(rest) == 2 else (27_000, 3600)
    for seed in seeds.split(","):
        print(asdict(measure(Path(folder), int(seed), start_s, duration_s)), flush=True)


if __name__ == "__main__":
    main()
