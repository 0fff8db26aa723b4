"""Commands for whoever writes an app: begin one, run one, make types, record a day."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from madang.base.errors import MadangError


def add_commands(parent: argparse.ArgumentParser) -> None:
    """The verbs of `app`."""
    verbs = parent.add_subparsers(dest="verb", required=True, metavar="VERB")
    new = verbs.add_parser("new", help="a working app with tests, in a folder of its own")
    new.add_argument("id", help="reverse domain name, such as org.example.dust")
    new.add_argument("--into", default=".", help="folder in which the app's folder is made (default: this one)")
    run = verbs.add_parser("run", help="run an app's folder against a city, without installing it")
    run.add_argument("folder")
    run.add_argument("--url", required=True, help="address of the city, or path of its app door")
    run.add_argument("--data", default=".", help="folder for what the app keeps (default: this one)")
    run.add_argument("--workers", type=int, default=1, help="processes that share out the keys (default 1)")
    run.add_argument("--engine", default="", help="dask://HOST:PORT of a scheduler, instead of processes")
    types = verbs.add_parser("types", help="Python classes out of JSON Schemas of Smart Data Models, or of your own")
    types.add_argument("schema", nargs="+", help="schema.json files")
    types.add_argument("--out", help="file to write (default: standard output)")
    record = verbs.add_parser("record", help="record what happens in a running city, to play it in tests")
    record.add_argument("file", help="where to, such as day.ndjson.gz")
    record.add_argument("--url", required=True, help="address of the city")
    record.add_argument("--types", required=True, help="entity types, with commas between")
    record.add_argument("--seconds", type=float, required=True, help="for how long, by the wall clock")


def act(options: argparse.Namespace) -> int:
    """Raises MadangError with a sentence."""
    if options.verb == "new":
        from madang.sdk.tools.new import new_app

        print(new_app(options.id, Path(options.into)))
    elif options.verb == "run":
        from madang.sdk.tools.run import run_folder

        run_folder(Path(options.folder), options.url, Path(options.data), options.workers, options.engine)
    elif options.verb == "types":
        from madang.sdk.tools.types import write_types

        write_types([Path(name) for name in options.schema], options.out)
    else:
        from madang.sdk.tools.record import record

        count = asyncio.run(record(options.url, tuple(options.types.split(",")), options.seconds, Path(options.file)))
        print(f"{count} changes", file=sys.stderr)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 for done, 1 for what went wrong (told in a sentence), 2 for words it does not know, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="madang-app", description="Write apps for cities that run Madang.")
    add_commands(parser)
    try:
        return act(parser.parse_args(argv))
    except MadangError as error:
        print(f"madang-app: {error.detail or error.title}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
