"""The supervisor's private socket: one JSON request a line, one JSON answer a line; only its owner may connect."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
MAX_LINE_BYTES = 1024 * 1024


def socket_path(run_dir: Path) -> Path:
    return run_dir / "control.sock"


async def serve(run_dir: Path, handler: Handler) -> asyncio.AbstractServer:
    """Answers `{"ok": result}` or `{"error": text}`. The path may be longer than a socket address allows: bound by relative name."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await _answer(handler, line)) + b"\n")
                await writer.drain()
        writer.close()

    path = socket_path(run_dir)
    path.unlink(missing_ok=True)
    old = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(talk, path=str(path), limit=MAX_LINE_BYTES)
    finally:
        os.umask(old)


async def _answer(handler: Handler, line: bytes) -> dict[str, Any]:
    try:
        return {"ok": await handler(msgspec.json.decode(line))}
    except Exception as error:  # whatever went wrong, the asker hears of it and the supervisor lives on
        return {"error": f"{type(error).__name__}: {error}"}


async def ask(run_dir: Path, request: dict[str, Any], timeout_s: float = 15.0) -> Any:
    """One question. Raises OSError when no supervisor listens, RuntimeError with its words when it refuses."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_unix_connection(str(socket_path(run_dir)), limit=MAX_LINE_BYTES)
        try:
            writer.write(msgspec.json.encode(request) + b"\n")
            answer = msgspec.json.decode(await reader.readline())
        finally:
            writer.close()
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["ok"]
