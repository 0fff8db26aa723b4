"""Apps that are one WebAssembly module: what they are told and answer, and that none of them gets any further."""

from __future__ import annotations

from pathlib import Path

import pytest
from wasmtime import wat2wasm

from madang.sdk.testing import FakeCity
from madang.sdk.wasm import Compute, ComputeError, app_of

MANIFEST = """
id = "org.example.echo"
version = "1.0"
entry = "echo.wasm"
[[scopes]]
action = "read"
type = "Device"
[[scopes]]
action = "write"
type = "WarmAlert"
"""
ALLOC = """(memory (export "memory") 1) (global $top (mut i32) (i32.const 1024))
(func (export "alloc") (param $n i32) (result i32)
  global.get $top  local.get $n  global.get $top  i32.add  global.set $top)"""
ALERT_ID = "urn:ngsi-ld:WarmAlert:x:1"
ALERT = r"[{\"id\":\"urn:ngsi-ld:WarmAlert:x:1\",\"type\":\"WarmAlert\",\"warm\":true}]"
ALERT_BYTES = len(ALERT.replace("\\", ""))
# Answers one alert at place 16, and counts the calls in a global, so that a module that began anew is told from one that goes on.
ECHO = f"""(module {ALLOC} (data (i32.const 16) "{ALERT}") (global $calls (mut i32) (i32.const 0))
(func (export "on_entity") (param i32 i32) (result i64)
  global.get $calls i32.const 1 i32.add global.set $calls
  i64.const {(16 << 32) | ALERT_BYTES})
(func (export "on_minute") (result i64)
  global.get $calls i32.const 2 i32.ge_s if (result i64) i64.const {(16 << 32) | ALERT_BYTES} else i64.const 0 end)
(func (export "spin") (result i64) loop br 0 end unreachable)
(func (export "grow") (result i64) i32.const 4096 memory.grow i64.extend_i32_s)
(func (export "outside") (result i64) i64.const 0xffffffff00000010)
(func (export "huge") (result i64) i64.const 0x00000010ffffffff)
(func (export "text") (result i64) i64.const 0x0000001100000005)
(func $deep (export "deep") (result i64) call $deep)
(func (export "trap") (result i64) unreachable))"""
MADE = [{"id": ALERT_ID, "type": "WarmAlert", "warm": True}]


@pytest.fixture
def compute() -> Compute:
    return Compute(bytes(wat2wasm(ECHO)), memory_mb=8, fuel=1_000_000)


async def test_an_app_of_one_module_hears_and_writes(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text(MANIFEST)
    (tmp_path / "echo.wasm").write_bytes(bytes(wat2wasm(ECHO)))
    async with FakeCity(app_of(tmp_path, "echo.wasm"), tmp_path) as city:
        await city.put(*({"id": f"urn:ngsi-ld:Device:x:{at}", "type": "Device", "t": 30} for at in (1, 2)))
        assert city.entities[ALERT_ID] == MADE[0]
        city.entities.pop(ALERT_ID)
        await city.advance(minutes=2)
        assert city.entities[ALERT_ID] == MADE[0]


@pytest.mark.parametrize("name", ["spin", "deep", "trap", "outside", "huge", "text"])
def test_a_call_that_goes_wrong_is_a_trap_and_the_module_begins_anew(compute: Compute, name: str) -> None:
    assert [compute.call("on_entity", {"id": "1"}), compute.call("on_entity", {"id": "2"})] == [MADE, MADE]
    before = compute.call("on_minute")
    with pytest.raises(ComputeError, match=name):
        compute.call(name)
    assert (before, compute.call("on_minute"), compute.call("on_entity", {"id": "3"})) == (MADE, [], MADE)


def test_memory_beyond_the_quota_is_not_given(compute: Compute) -> None:
    with pytest.raises(ComputeError, match="grow"):
        compute.call("grow")  # memory.grow answers -1, which is no place


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ('(module (import "wasi_snapshot_preview1" "fd_write" (func)))', "imports nothing, and this one wants wasi"),
        ("(module)", "exports no memory"),
        ('(module (memory (export "memory") 1))', "exports no memory, or no alloc"),
        (f"(module {ALLOC} (func $s loop br 0 end) (start $s))", "does not begin"),
        (ALLOC.join(("(module ", ")")).replace('"memory") 1', '"memory") 1000'), "does not begin"),
    ],
)
def test_a_module_that_wants_more_is_refused(module: str, why: str) -> None:
    with pytest.raises(ComputeError, match=why):
        Compute(bytes(wat2wasm(module)), memory_mb=8, fuel=1_000_000)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ComputeError, match="no module"):
        Compute(b"\0asm\x01\0\0\0\xff", 8)
