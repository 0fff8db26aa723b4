"""The gateway's two doors: people and devices by TCP, with TLS where the city has a certificate; apps by a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from madang.base.errors import BadRequest
from madang.engine.privilege import APP_UID, is_root
from madang.engine.settings import Settings, listen_on
from madang.engine.temporary import sockets_of
from madang.people.server import Protocol

log = structlog.get_logger()
LOOK_S = 1.0


def certificate_files() -> tuple[Path, Path] | None:
    """`MADANG_TLS_CERTIFICATE` (with its chain) and `MADANG_TLS_KEY`, PEM; None without. Raises BadRequest for one without the
    other."""
    found = [os.environ.get(name, "") for name in ("MADANG_TLS_CERTIFICATE", "MADANG_TLS_KEY")]
    if not any(found):
        return None
    if not all(found):
        raise BadRequest("MADANG_TLS_CERTIFICATE and MADANG_TLS_KEY belong together")
    return Path(found[0]), Path(found[1])


def door_path(settings: Settings) -> Path:
    """The app door's socket: its folder may be passed by apps, its name is short enough for an address."""
    return sockets_of(settings.run_dir).path / "door" / "app.sock"


def lake_path(settings: Settings) -> Path:
    """Where the lake's process answers questions; for the city's own processes only."""
    return sockets_of(settings.run_dir).path / "lake.sock"


def open_door(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    if is_root():
        os.chown(path, 0, APP_UID)  # each app has a user of its own, in one group
    path.chmod(0o660)
    return door


async def serve(app: Any, port: int, door: Path) -> None:
    """Both doors: one server, or one each when people's speaks TLS."""
    handle = os.environ.get("MADANG_HTTP_FD")
    people = socket.socket(fileno=int(handle)) if handle else listen_on("127.0.0.1", port)
    files = certificate_files()
    if files is None:
        await _server(_config(app)).serve(sockets=[people, open_door(door)])
        return
    config = _config(app, ssl_certfile=str(files[0]), ssl_keyfile=str(files[1]))
    config.load()
    await asyncio.gather(
        _server(config).serve(sockets=[people]),
        _server(_config(app)).serve(sockets=[open_door(door)]),
        follow(config.ssl, files),
    )


async def serve_plain(app: Any, door: socket.socket) -> None:
    """A door of its own that never speaks TLS."""
    await _server(_config(app)).serve(sockets=[door])


def _config(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="websockets-sansio",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        timeout_keep_alive=30,
        limit_concurrency=4_000,
        timeout_graceful_shutdown=2,
        **more,
    )


def _server(config: uvicorn.Config) -> uvicorn.Server:
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    return server


async def follow(context: ssl.SSLContext | None, files: tuple[Path, Path]) -> None:
    """For ever: takes a renewed certificate into use; new connections get it, nobody is hung up on."""
    used = _times(files)
    while True:
        await asyncio.sleep(LOOK_S)
        used = reload(context, files, used)


def reload(context: ssl.SSLContext | None, files: tuple[Path, Path], used: tuple[int, ...]) -> tuple[int, ...]:
    """Once; what was used last. A file that cannot be used is told, and the one before stays in use."""
    now = _times(files)
    if now == used or not now or context is None:
        return used
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            *files
        )  # what fails here would leave the other one half changed
        context.load_cert_chain(*files)
    except (OSError, ssl.SSLError) as error:
        log.error("the renewed certificate cannot be used", error=repr(error))
        return used
    log.info("a renewed certificate is in use")
    return now


def _times(files: tuple[Path, Path]) -> tuple[int, ...]:
    try:
        return tuple(file.stat().st_mtime_ns for file in files)
    except OSError:
        return ()
