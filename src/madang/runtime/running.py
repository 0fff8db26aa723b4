"""An app's process as the supervisor is asked for it: who it runs as, what it is told, how much it may take."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from madang.base.errors import Unavailable
from madang.engine.privilege import APP_UID, is_root
from madang.runtime.host import Order
from madang.runtime.records import Installed, Version
from madang.runtime.sandbox import level
from madang.runtime.storage import Shelves

Ask = Callable[[dict[str, Any]], Awaitable[Any]]
FIRST_UID = 1_300_000
"""Users of apps: this, and the number of the app. No system gives such numbers to people."""


def uid_of(number: int) -> int:
    """Without root everybody is the same user."""
    return FIRST_UID + number if is_root() else APP_UID


class Running:
    """`level`: of the sandbox that apps get here, as the supervisor says once it was asked."""

    def __init__(self, ask: Ask, door: Path, shelves: Shelves) -> None:
        self._ask, self._door, self._shelves = ask, door, shelves
        self.level = level()

    @staticmethod
    def token() -> str:
        return secrets.token_urlsafe(32)

    @staticmethod
    def digest(token: str) -> str:
        """Of a token as it is kept."""
        return hashlib.sha256(token.encode()).hexdigest()

    async def start(self, app: Installed, version: Version, token: str) -> None:
        """Anew when it runs. Raises Unavailable."""
        order = self.order(app, version, token)
        await self._supervise({"op": "start", "order": msgspec.to_builtins(order)})

    def order(self, app: Installed, version: Version, token: str) -> Order:
        uid = uid_of(app.number)
        data = self._shelves.data(app.id, uid)
        env = {
            "MADANG_APP_ID": app.id,
            "MADANG_APP_DOOR": str(self._door),
            "MADANG_APP_TOKEN": token,
            "MADANG_APP_EGRESS": str(self._door.with_name("egress.sock")),
            "PATH": "/usr/bin:/bin",
            "HOME": str(data),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        passed = ("MADANG_APP_LOCKSTEP",) if version.python else ("MADANG_APP_LOCKSTEP", "PYTHONPATH")
        env |= {name: os.environ[name] for name in passed if name in os.environ}
        quota = app.manifest.quota
        links = [str(Path(version.python).parents[1])] if version.python else []
        return Order(
            app.id, version.folder, app.manifest.entry, str(data), env, uid, quota.cpu, quota.memory_mb, quota.storage_mb,
            links, version.python,
        )  # fmt: skip

    async def stop(self, app_id: str) -> None:
        await self._supervise({"op": "stop", "app": app_id})

    async def remove(self, app_id: str) -> None:
        await self._supervise({"op": "remove", "app": app_id})

    async def report(self, after: int) -> dict[str, Any]:
        """What the supervisor knows of apps; see `Host.report`. Raises Unavailable."""
        found: dict[str, Any] = await self._supervise({"op": "apps", "after": after})
        self.level = int(found["level"])
        return found

    async def _supervise(self, request: dict[str, Any]) -> Any:
        try:
            return await self._ask(request)
        except (OSError, TimeoutError, RuntimeError) as error:
            raise Unavailable(f"the supervisor does not answer: {error}") from None
