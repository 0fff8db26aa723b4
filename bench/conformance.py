"""ETSI's NGSI-LD conformance suite against a fresh instance.

    python -m bench.conformance --suite FOLDER --robot PROGRAM [--port 9100] [--only PATH ...] [--test NAME] [--keep FOLDER]

The suite and its runner are not part of this repository: FOLDER is a checkout of it (docs/conformance.md names the commit),
PROGRAM a `robot` that has the suite's requirements. The suite is copied, and every context URL that lies on the internet is
rewritten to a loopback server, because the broker fetches contexts itself. Prints one line per failed case and a summary.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import http.server
import json
import os
import shutil
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from madang.cli.instance import Instance, demo_env
from madang.engine.temporary import scratch

ROOT = Path(__file__).resolve().parents[1]
CONTEXTS = "resources/jsonld-contexts/"
OUTSIDE = (
    "https://raw.githubusercontent.com/marek-mraz/ngsi-ld-test-suite/main/resources/jsonld-contexts/",
    "https://easy-global-market.github.io/ngsild-api-data-models/ngsildTestSuite/",
)
STAND_INS = (
    "https://fiware.github.io/NGSI-LD_TestSuite/ldContext/testContext.jsonld",
    "https://fiware.github.io/data-models/context.jsonld",
    "http://smartdatamodels.org/context.jsonld",
)
SAME = {"ngsildTestSuiteV1.8-compound.jsonld": "ngsi-ld-test-suite-compound.jsonld"}
DOCKER = """#!/bin/sh
case "$1" in
  run) for word in "$@"; do case "$word" in CONF=*) conf="${{word#CONF=}}" ;; esac; done
    mosquitto -c "{folder}/$conf" >/dev/null 2>&1 & echo $! >"{folder}/pid"; sleep 0.5 ;;
  *) [ -f "{folder}/pid" ] && kill "$(cat "{folder}/pid")"; rm -f "{folder}/pid" ;;
esac
exit 0
"""
TEXT = {".robot", ".resource", ".json", ".jsonld", ".geojson", ".py"}


@dataclass(frozen=True)
class Case:
    """One case of the suite: its name, group (folder), clause tags, result and the message of a failure."""

    name: str
    group: str
    tags: tuple[str, ...]
    passed: bool
    message: str


def prepare(suite: Path, target: Path, port: int) -> None:
    """A copy of the suite that knows our ports and asks the internet for nothing."""
    shutil.copytree(suite, target, ignore=shutil.ignore_patterns(".git", ".idea"))
    here = f"http://127.0.0.1:{port + 4}/"
    for path in target.rglob("*"):
        if path.suffix in TEXT and path.is_file():
            path.write_bytes(_rewritten(path.read_bytes(), here))
    for url in STAND_INS:
        (target / CONTEXTS / _stand_in(url)).write_text(
            json.dumps({"@context": {"standIn": "https://example.org/standIn"}})
        )
    variables = {
        "url": f"http://127.0.0.1:{port}/ngsi-ld/v1",
        "temporal_api_url": f"http://127.0.0.1:{port}/ngsi-ld/v1",
        "ngsild_test_suite_context": here + "ngsi-ld-test-suite-compound.jsonld",
        "notification_server_host": "127.0.0.1",
        "notification_server_port": port + 1,
        "mqtt_broker_host": "127.0.0.1",
        "mqtt_broker_non_default_port": port + 5,
        "context_source_host": "127.0.0.1",
        "context_source_port": port + 2,
        "context_server_host": "127.0.0.1",
        "context_server_port": port + 3,
        "core_context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld",
        "delete_temporal_on_core_delete": True,
    }
    lines = "".join(f"{name} = {value!r}\n" for name, value in variables.items())
    (target / "resources" / "variables.py").write_text(lines)


def _rewritten(data: bytes, here: str) -> bytes:
    for url in OUTSIDE:
        data = data.replace(url.encode(), here.encode())
    for old, new in SAME.items():
        data = data.replace(old.encode(), new.encode())
    for url in STAND_INS:
        data = data.replace(url.encode(), (here + _stand_in(url)).encode())
    return data


def _stand_in(url: str) -> str:
    """The name of a context whose terms no case uses, only that it can be had."""
    return "stand-in-" + url.partition("//")[2].replace("/", "-")


def serve_contexts(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """The suite's contexts on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def stand_in_for_docker(folder: Path, suite: Path, port: int) -> Path:
    """The suite starts its MQTT broker by docker: a `docker` on PATH that starts Debian's mosquitto on loopback instead."""
    folder.mkdir(exist_ok=True)
    listeners = f"listener 1883 127.0.0.1\nlistener {port + 5} 127.0.0.1\n"
    password = folder / "passwords"
    shutil.copy(suite / "resources" / "mqttUtils" / "mosquitto" / "mosquitto_pwd", password)
    (folder / "mosquitto.conf").write_text(listeners + "allow_anonymous true\nuser root\n")
    closed = f"allow_anonymous false\npassword_file {password}\nuser root\n"
    (folder / "mosquitto_with_user.conf").write_text(listeners + closed)
    program = folder / "docker"
    program.write_text(DOCKER.format(folder=folder))
    program.chmod(0o755)
    return folder


async def run(robot: str, suite: Path, port: int, only: list[str], tests: list[str], out: Path) -> None:
    scratched = scratch("madang-bench-")
    run_dir = scratched.path
    env = demo_env("operator", run_dir / "tiles", None, None)
    city = out / "yard.toml"
    # The suite's cases of partial answers hold some forty instances, and expect that this is too much for one answer.
    limit = "\n[history]\nmax_instances = 35\n"
    city.write_text((ROOT / "tests" / "fixtures" / "yard.toml").read_text(encoding="utf-8") + limit, encoding="utf-8")
    shims = stand_in_for_docker(out / "docker", suite, port)
    path = {"PATH": f"{shims}{os.pathsep}{os.environ.get('PATH', '')}"}
    instance = Instance(run_dir, "yard", city, port, env, print)
    try:
        await instance.start_engines()
        await instance.start_kernel()
        arguments = ["--outputdir", str(out), "--log", "NONE", "--report", "NONE", "--console", "dotted"]
        for name in tests:
            arguments += ["--test", name]
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            robot, *arguments, *(only or ["TP/NGSI-LD"]), cwd=suite, stdout=quiet, env=os.environ | path
        )
        await process.wait()
    finally:
        await instance.stop()
        scratched.remove()


def read(output: Path) -> list[Case]:
    """The cases of robot's output.xml."""
    cases: list[Case] = []
    _walk(ElementTree.parse(output).getroot(), "", cases)
    return cases


def _walk(element: ElementTree.Element, group: str, cases: list[Case]) -> None:
    for child in element:
        if child.tag == "suite":
            source = child.get("source", "")
            _walk(child, source.partition("/TP/NGSI-LD/")[2] or group, cases)
        elif child.tag == "test":
            status = child.find("status")
            assert status is not None
            tags = tuple(tag.text or "" for tag in child.findall("tag"))
            passed = status.get("status") == "PASS"
            cases.append(Case(child.get("name", ""), group, tags, passed, (status.text or "").strip()))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--robot", required=True)
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--only", nargs="*", default=[], help="files or folders below the suite")
    parser.add_argument("--test", nargs="*", default=[], help="names of cases, with *")
    parser.add_argument("--keep", type=Path, help="a folder for the copy and robot's output.xml")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = options.keep or scratch("madang-bench-").path
    shutil.rmtree(folder / "suite", ignore_errors=True)
    prepare(options.suite, folder / "suite", options.port)
    server = serve_contexts(folder / "suite" / CONTEXTS, options.port + 4)
    asyncio.run(run(options.robot, folder / "suite", options.port, options.only, options.test, folder))
    server.shutdown()
    cases = read(folder / "output.xml")
    if options.json:
        print(json.dumps([asdict(case) for case in cases]))
        return 0
    for case in cases:
        if not case.passed:
            print(f"{case.group} | {case.name} | {' '.join(case.message.split())[:200]}")
    groups = Counter("/".join(case.group.split("/")[:3]) for case in cases)
    passed = Counter("/".join(case.group.split("/")[:3]) for case in cases if case.passed)
    for group, count in sorted(groups.items()):
        print(f"{passed[group]:4} of {count:4}  {group}")
    print(f"{sum(passed.values())} of {len(cases)} passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
