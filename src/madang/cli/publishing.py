"""What a publisher does at home (`madang store key`, `prove`, `sign`), new keys of a store (`rotate`), and the sandbox payment
provider (`payments`)."""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from madang.base.clock import SystemClock
from madang.base.errors import BadRequest, NotFound
from madang.engine.settings import home_dir, secret
from madang.runtime.manifest import load_manifest
from madang.runtime.package import file_name, pack
from madang.store.money.sandbox import Sandbox
from madang.store.registry.keys import ask_for_new, signer_of
from madang.store.registry.publishing import signed_role, target_path


def store(options: argparse.Namespace) -> int:
    """Raises MadangError."""
    {"key": _key, "prove": _prove, "sign": _sign, "payments": _payments, "rotate": _rotate}[options.verb](options)
    return 0


def _key(options: argparse.Namespace) -> None:
    """Makes the key at first use; prints its public part."""
    path = Path(options.key)
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(32)) + b"\n")
    print(base64.b64encode(_private(path).public_key().public_bytes_raw()).decode())


def _prove(options: argparse.Namespace) -> None:
    """Prints the signature over a challenge."""
    print(base64.b64encode(_private(Path(options.key)).sign(options.challenge.encode())).decode())


def _sign(options: argparse.Namespace) -> None:
    """Writes `<id>-<version>.madang` and the role that names it, `<publisher>.json`, into the folder `--out`."""
    folder, out = Path(options.folder), Path(options.out)
    manifest = load_manifest(folder)
    if not manifest.publisher:
        raise BadRequest("app.toml: a store needs publisher")
    package = pack(folder)
    before = Path(options.role).read_bytes() if options.role else None
    path = target_path(manifest.publisher, manifest.id, manifest.version)
    seed = _private(Path(options.key)).private_bytes_raw()
    role = signed_role(before, path, package, signer_of(seed), SystemClock().now())
    for name, body in ((file_name(manifest), package), (f"{manifest.publisher}.json", role)):
        (out / name).write_bytes(body)
        print(out / name)


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes()))
    except FileNotFoundError:
        raise NotFound(f"there is no key at {path}: madang store key {path}") from None
    except ValueError:
        raise BadRequest(f"{path} holds no key of `madang store key`") from None


def _rotate(options: argparse.Namespace) -> None:
    """New keys for roles of the store's own; it takes them within a minute while it runs, or when it starts."""
    run_dir = Path(options.run) if "/" in options.run else home_dir() / "run" / options.run
    ask_for_new(run_dir, options.roles)
    print(f"{', '.join(options.roles)}: new keys wait until the store has signed a root that names them")


def _payments(options: argparse.Namespace) -> None:
    """Serves until it is stopped. Its key and secret are those that the city of that run folder asks with."""
    run_dir = Path(options.run) if "/" in options.run else home_dir() / "run" / options.run
    key, hook = (secret(run_dir / "keys" / name) for name in ("payment", "payment-webhook"))
    webhook = f"{options.city.rstrip('/')}/store/webhook"
    print(f"payments at http://127.0.0.1:{options.port}, told to {webhook}", flush=True)
    asyncio.run(_serve(Sandbox(key, webhook, hook, SystemClock()).app, options.port))


async def _serve(app: web.Application, port: int) -> None:
    runner = web.AppRunner(app, handle_signals=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
