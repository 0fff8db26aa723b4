"""An app whose whole logic is a WebAssembly module: compute of strangers, which is given nothing but what it is told.

The module imports nothing and exports `memory`, `alloc(length: i32) -> i32`, and `on_entity(at: i32, length: i32) -> i64`,
`on_minute() -> i64` or both. `on_entity` is told each entity of the manifest's read scopes as JSON in UTF-8 (concise NGSI-LD, what
changed of it; `{"id", "gone": true}` when it is gone), in memory that `alloc` gave. What both answer is a place and a length,
`at << 32 | length`, of a JSON array of entities to be written, or 0. A call that does not end, or wants more memory than the manifest's
quota, is a trap: the module begins anew, without what it had in memory.
"""

from __future__ import annotations

import json
import logging
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wasmtime import Config, Engine, Func, Instance, Memory, Module, Store, Trap, WasmtimeError

from madang.sdk.app import App
from madang.sdk.starting import run

log = logging.getLogger(__name__)
FUEL = 1_000_000_000
"""Of one call: about as many instructions, some tenths of a second."""
ANSWER_MAX_BYTES = 1024 * 1024
MODULE_MAX_BYTES = 16 * 1024 * 1024
STACK_MAX_BYTES = 512 * 1024
MIB = 1024 * 1024


class ComputeError(Exception):
    """The module is none of ours, or a call of it ended in a trap."""


class Compute:
    """One module and its memory, of at most `memory_mb`. Raises ComputeError."""

    def __init__(self, code: bytes, memory_mb: int, fuel: int = FUEL) -> None:
        self._memory_bytes, self._fuel = memory_mb * MIB, fuel
        config = Config()
        config.consume_fuel = True
        config.max_wasm_stack = STACK_MAX_BYTES
        self._engine = Engine(config)
        try:
            self._module = Module(self._engine, code)
        except WasmtimeError as error:
            raise ComputeError(f"no module of WebAssembly: {error}") from None
        if self._module.imports:
            asked = ", ".join(f"{one.module}.{one.name}" for one in self._module.imports[:5])
            raise ComputeError(f"a module of an app imports nothing, and this one wants {asked}")
        self._begin()

    def _begin(self) -> None:
        self._store = Store(self._engine)
        self._store.set_limits(memory_size=self._memory_bytes, instances=1, memories=1, tables=4, table_elements=65_536)
        self._store.set_fuel(self._fuel)
        try:
            self._exports: Mapping[str, Any] = Instance(self._store, self._module, []).exports(self._store)
        except (Trap, WasmtimeError) as error:
            raise ComputeError(f"the module does not begin: {error}") from None
        if not isinstance(self._exports.get("memory"), Memory) or not self.has("alloc"):
            raise ComputeError("the module exports no memory, or no alloc")

    def has(self, name: str) -> bool:
        return isinstance(self._exports.get(name), Func)

    def call(self, name: str, told: Any = None) -> list[dict[str, Any]]:
        """The entities that an export answers, `told` as JSON first, if anything. Raises ComputeError; the module begins anew then."""
        try:
            self._store.set_fuel(self._fuel)
            return self._answer(self._exports[name](self._store, *self._given(told)))
        except (Trap, WasmtimeError, ValueError, IndexError, TypeError, OverflowError) as error:
            self._begin()
            raise ComputeError(
                f"{name}: {str(error).splitlines()[-1] if str(error) else type(error).__name__}"
            ) from None

    def _given(self, told: Any) -> tuple[int, ...]:
        if told is None:
            return ()
        data = json.dumps(told, ensure_ascii=False).encode()
        at = self._exports["alloc"](self._store, len(data)) & 0xFFFF_FFFF
        self._exports["memory"].write(self._store, data, at)
        return at - (1 << 32) if at >> 31 else at, len(data)

    def _answer(self, packed: int) -> list[dict[str, Any]]:
        at, length = packed >> 32 & 0xFFFF_FFFF, packed & 0xFFFF_FFFF
        if length > ANSWER_MAX_BYTES:
            raise ValueError(f"an answer has at most {ANSWER_MAX_BYTES} bytes")
        found = json.loads(bytes(self._exports["memory"].read(self._store, at, at + length))) if length else []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError("the answer is no array of entities")
        return found


def app_of(folder: Path, entry: str) -> App:
    """The App of a folder whose entry is that module. Raises ComputeError, OSError."""
    manifest = tomllib.loads((folder / "app.toml").read_text(encoding="utf-8"))
    with (folder / entry).open("rb") as file:
        code = file.read(MODULE_MAX_BYTES + 1)
    if len(code) > MODULE_MAX_BYTES:
        raise ComputeError(f"a module has at most {MODULE_MAX_BYTES} bytes")
    compute, app = Compute(code, max(1, manifest.get("quota", {}).get("memory_mb", 256) // 2)), App()
    for scope in manifest.get("scopes", []):
        if scope["action"] == "read" and compute.has("on_entity"):
            app.on(scope["type"], attrs=scope.get("attributes", ()))(_hearer(app, compute))
    if compute.has("on_minute"):
        app.every(60)(_beat(app, compute))
    return app


def _hearer(app: App, compute: Compute) -> Any:
    async def hear(entity: dict[str, Any], gone: bool) -> None:
        await _tell(app, compute, "on_entity", {"id": entity["id"], "gone": True} if gone else entity)

    return hear


def _beat(app: App, compute: Compute) -> Any:
    async def beat() -> None:
        await _tell(app, compute, "on_minute")

    return beat


async def _tell(app: App, compute: Compute, name: str, told: Any = None) -> None:
    """What traps is left out: the app's log says so, and the module hears of what comes next."""
    try:
        made = compute.call(name, told)
    except ComputeError as error:
        log.error("%s", error)
        return
    if made:
        await app.upsert(*made)


if __name__ == "__main__":
    run(app_of(Path(sys.argv[1]), sys.argv[0]))
