"""`madang`: one command for everything."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from madang.base.errors import MadangError
from madang.cli.arguments import parser
from madang.sdk.tools.main import act

if TYPE_CHECKING:
    from madang.cli.roles import Role


def _demo(options: argparse.Namespace) -> int:
    from madang.cli.demo import demo

    return asyncio.run(demo(options))


def _up(options: argparse.Namespace) -> int:
    from madang.cli.up import up

    return asyncio.run(up(options))


def _city(options: argparse.Namespace) -> int:
    if options.kind == "citymodel":
        from madang.cli.citymodel import import_citymodel

        return import_citymodel(options)
    from madang.cli.importing import import_osm

    return import_osm(options)


def _replay(options: argparse.Namespace) -> int:
    from madang.cli.replay import replay

    return asyncio.run(replay(options))


def _doctor(options: argparse.Namespace) -> int:
    from madang.cli.doctor import doctor

    return asyncio.run(doctor())


def _audit(options: argparse.Namespace) -> int:
    from madang.cli.auditing import audit_keys, audit_verify

    return audit_keys(options.city) if options.verb == "keys" else asyncio.run(audit_verify(options.run))


def _ca(options: argparse.Namespace) -> int:
    from madang.cli.authority import ca

    return ca(options)


def _invite(options: argparse.Namespace) -> int:
    from madang.cli.inviting import invite

    return asyncio.run(invite(options.run))


def _app(options: argparse.Namespace) -> int:
    return act(options)


def _check(options: argparse.Namespace) -> int:
    from madang.cli.checking import check

    return check(options.rest)


def _bench(options: argparse.Namespace) -> int:
    from madang.cli.checking import bench

    return bench(options.name, options.rest)


def _store(options: argparse.Namespace) -> int:
    from madang.cli.publishing import store

    return store(options)


def _lake(options: argparse.Namespace) -> int:
    if options.verb != "add":
        from madang.cli.batch import batch

        return asyncio.run(batch(options))
    from madang.cli.adding import add

    return asyncio.run(add(options))


def _testbed(options: argparse.Namespace) -> int:
    from madang.cli.testbed import testbed

    return asyncio.run(testbed(options))


def _run(options: argparse.Namespace) -> int:
    """Each process loads what it is for, and no other's rooms."""
    if options.role in ("field", "shadow", "trial"):
        from madang.cli import field

        return field.run_field(options.rest, is_trial=options.role == "trial")
    from madang.cli import roles

    roles.run(_role(options.role))
    return 0


def _role(name: str) -> Role:
    if name == "gateway":
        from madang.cli.gateway import gateway

        return gateway
    if name == "lake":
        from madang.cli.lake import lake

        return lake
    if name == "operations":
        from madang.cli.operations import operations

        return operations
    from madang.cli import roles

    return {"ingest": roles.ingest, "courier": roles.courier}[name]


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "up": _up,
    "city": _city,
    "replay": _replay,
    "audit": _audit,
    "ca": _ca,
    "invite": _invite,
    "app": _app,
    "doctor": _doctor,
    "check": _check,
    "bench": _bench,
    "store": _store,
    "lake": _lake,
    "testbed": _testbed,
    "run": _run,
}


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 for done, 1 for what went wrong (told in a sentence), 2 for words it does not know, 130 for Ctrl-C."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    options = parser().parse_args(argv)
    try:
        return COMMANDS[options.command](options)
    except MadangError as error:
        print(f"madang: {error.detail or error.title}", file=sys.stderr)
        return 1
    except TimeoutError as error:
        print(f"madang: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
