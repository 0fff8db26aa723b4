"""The commands of `madang` and their options; what they do stands in `main.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

from madang import __version__
from madang.sdk.tools.main import add_commands


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="madang", description="An open operating system for cities.")
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="central Helsinki lives on this machine, with a simulated field")
    demo.add_argument("--seconds", type=float, help="end by itself after so many seconds")
    demo.add_argument("--json", action="store_true", help="print one JSON object last on stdout")
    demo.add_argument("--port", type=int, help="port of the page (default: 8600, or a free one)")
    demo.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second (default 1)")
    demo.add_argument("--seed", type=int, default=1, help="same seed, same day (default 1)")
    demo.add_argument("--messages", type=float, default=250.0, help="device messages a second at most (default 250)")
    demo.add_argument("--city", default="helsinki", help="a city's id or the path of its city.toml")
    up = commands.add_parser("up", help="run a city without a simulator")
    up.add_argument("city", help="a city's id or the path of its city.toml")
    up.add_argument("--port", type=int)
    city = commands.add_parser("city", help="work on a city's map").add_subparsers(dest="verb", required=True)
    load = city.add_parser("import", help="make entities, tiles and a traffic network from a map")
    _add_imports(load.add_subparsers(dest="kind", required=True))
    replay = commands.add_parser("replay", help="feed a JSON or CSV file to a running city")
    replay.add_argument("file")
    replay.add_argument("--mapping", required=True, help="a TOML file with [file] rules")
    replay.add_argument("--url", help="the city's address (default: the running instance's)")
    add_commands(commands.add_parser("app", help="write an app: new, run, types, record"))
    audit = commands.add_parser("audit", help="the record of who did what").add_subparsers(dest="verb", required=True)
    verify = audit.add_parser("verify", help="compute the whole audit log anew and name what was bent")
    verify.add_argument("run", help="the instance's folder under MADANG_HOME/run, as a name or a path")
    keys = audit.add_parser(
        "keys", help="the verifier keys that peer cities need to vouch for this one, and it for them"
    )
    keys.add_argument("city", help="a city's id or the path of its city.toml")
    _add_ca(commands.add_parser("ca", help="the city's own certificates, for devices and inner servers"))
    invite = commands.add_parser("invite", help="print a one-time link by which somebody becomes an administrator")
    invite.add_argument("run", help="the instance's folder under MADANG_HOME/run, as a name or a path")
    commands.add_parser("doctor", help="tell what is wrong with this machine or installation")
    # Its words are pytest's, also those that begin with a dash.
    check = commands.add_parser("check", help="run every test", prefix_chars="\0", add_help=False)
    check.add_argument("rest", nargs=argparse.REMAINDER)
    bench = commands.add_parser("bench", help="measure")
    bench.add_argument("name")
    bench.add_argument("rest", nargs=argparse.REMAINDER)
    _add_store(commands.add_parser("store", help="sign apps for the store; a payment provider whose money is none"))
    trial = commands.add_parser("testbed", help="try an app in the simulated city, and the same city without it")
    trial.add_argument("app", help="an app's folder, or its package")
    trial.add_argument("--city", default="helsinki", help="a city's id or the path of its city.toml")
    trial.add_argument("--kind", help="which scorer judges it (default: what its manifest says, else traffic)")
    trial.add_argument("--seeds", default="1,2,3", help="same seed, same day (default 1,2,3)")
    trial.add_argument("--minutes", type=int, default=20, help="of the city's time (default 20)")
    trial.add_argument("--json", action="store_true", help="print the score in one line")
    _add_lake(commands.add_parser("lake", help="bring files and feeds into the lake, ask it whole, export it"))
    run = commands.add_parser("run", help="(internal) one process of a running city")
    run.add_argument("role", choices=["gateway", "ingest", "courier", "field", "shadow", "trial", "lake", "operations"])
    run.add_argument("rest", nargs=argparse.REMAINDER)
    return root


def _add_imports(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    osm = kinds.add_parser("osm", help="a whole city from an OpenStreetMap extract")
    osm.add_argument("file", help="FILE.osm.pbf, or WHEEL:FILE")
    osm.add_argument("--city", help="a city's id or the path of its city.toml (default: made from the file)")
    osm.add_argument("--out", help="folder to write (default: under MADANG_HOME)")
    model = kinds.add_parser("citymodel", help="buildings of a running city: CityJSON, CityGML, footprints, glTF")
    model.add_argument("file", nargs="+", help="each also alone in a .zip")
    model.add_argument("--city", required=True, help="a city's id or the path of its city.toml")
    model.add_argument("--crs", help="the reference system, such as EPSG:5186 (default: what the file names)")
    model.add_argument(
        "--columns", default="common", help="names of columns: common, korea or a TOML file (default: common)"
    )
    model.add_argument("--terrain", type=Path, help="a GeoTIFF: the ground under footprints that do not tell it")
    model.add_argument("--at", help="where a glTF model stands: LONGITUDE,LATITUDE[,HEADING[,GROUND]]")
    model.add_argument("--id", help="the local id of a glTF model's building (default: the file's name)")
    model.add_argument("--json", action="store_true", help="print one JSON object a file")


def _add_lake(parent: argparse.ArgumentParser) -> None:
    verbs = parent.add_subparsers(dest="verb", required=True)
    _add_batch(verbs)
    add = verbs.add_parser("add", help="a file, or an address that is pulled")
    add.add_argument("source", help="FILE or URL")
    add.add_argument("--run", required=True, help="the instance's folder under MADANG_HOME/run, as a name")
    add.add_argument("--dataset", required=True, help="the data set's id; it is made if it is not there")
    add.add_argument("--title", default="", help="of a new one")
    add.add_argument(
        "--kind", choices=["http", "ckan", "ogc", "sensorthings"], default="http", help="who answers at a URL"
    )
    add.add_argument("--every", type=int, default=86_400, help="seconds between two pulls of a URL (default: a day)")
    for name, told in {
        "encoding": "of text, when it is not known by itself",
        "crs": "reference system of coordinates: EPSG:5174",
        "longitude": "the column of longitudes or eastings",
        "latitude": "the column of latitudes or northings",
        "sheet": "of an Excel file",
    }.items():
        add.add_argument(f"--{name}", default="", help=told)


def _add_batch(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = verbs.add_parser("run", help="a question of the whole lake, by whoever runs the city")
    run.add_argument("query", help="SQL, or a FILE that holds it")
    run.add_argument(
        "--engine", default="duckdb", help="duckdb, dask (processes here) or dask://HOST:PORT of a scheduler"
    )
    run.add_argument("--out", type=Path, help="FILE.parquet, .csv or .arrow (default: CSV on standard output)")
    export = verbs.add_parser("export", help="a table for Spark and Trino")
    export.add_argument("table", help="observation, or a data set's id")
    export.add_argument("--format", choices=["iceberg", "delta"], required=True)
    export.add_argument("--out", type=Path, required=True, help="folder; the table is a folder of its name there")
    for verb in (run, export):
        verb.add_argument("--run", required=True, help="the instance's folder under MADANG_HOME/run, as a name")


def _add_store(parent: argparse.ArgumentParser) -> None:
    verbs = parent.add_subparsers(dest="verb", required=True)
    key = verbs.add_parser("key", help="make a signing key, and print its public part")
    prove = verbs.add_parser("prove", help="sign what the store asks, to show that the key is yours")
    for verb in (key, prove):
        verb.add_argument("key", help="the key's file")
    prove.add_argument("challenge")
    sign = verbs.add_parser("sign", help="make the package of an app's folder, and the signed role that names it")
    sign.add_argument("folder")
    sign.add_argument("--key", required=True, help="the key's file")
    sign.add_argument("--role", help="the role that was published last, to sign on top of it")
    sign.add_argument("--out", default=".", help="folder for both files (default: this one)")
    rotate = verbs.add_parser("rotate", help="new keys for roles of a city's store, after one was lost or seen")
    rotate.add_argument("run", help="the instance's folder under MADANG_HOME/run, as a name or a path")
    rotate.add_argument("roles", nargs="+", help="root, targets, snapshot, timestamp")
    payments = verbs.add_parser("payments", help="run the sandbox payment provider: no money moves")
    payments.add_argument("run", help="the instance's folder under MADANG_HOME/run, as a name or a path")
    payments.add_argument("--city", default="http://localhost:8600", help="the city's address")
    payments.add_argument("--port", type=int, default=8601)


def _add_ca(parent: argparse.ArgumentParser) -> None:
    verbs = parent.add_subparsers(dest="verb", required=True)
    told = {
        "init": "make the authority",
        "issue": "a key and its short-lived certificate",
        "revoke": "end a certificate before its time",
        "list": "what was issued",
        "crl": "make the list of revoked certificates again, for another week",
    }
    for name, text in told.items():
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("city", help="a city's id or the path of its city.toml")
        if name == "issue":
            verb.add_argument("use", choices=["server", "device"])
            verb.add_argument("names", nargs="+", help="host names and addresses of a server, the id of a device")
            verb.add_argument("--days", type=int, help="how long it lasts (default and most: server 90, device 30)")
            verb.add_argument("--out", default=".", help="folder for NAME.key and NAME.crt (default: this one)")
        elif name == "revoke":
            verb.add_argument("serial", help="as `list` shows it")
