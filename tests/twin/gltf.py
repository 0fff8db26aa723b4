"""Binary glTF read back, and judged by Khronos' own validator."""

from __future__ import annotations

import itertools
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

VALIDATOR = Path(__file__).parents[2] / "web/node_modules/gltf-validator"
_JUDGE = """
const validator = require(process.argv[1]), fs = require('fs');
(async () => {
  const told = [];
  for (const file of process.argv.slice(2)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
    told.push(report.issues.messages.filter((one) => one.severity === 0));
  }
  console.log(JSON.stringify(told.flat()));
})();
"""


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The document and the binary chunk."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    (size,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def view(document: dict[str, Any], data: bytes, index: int) -> bytes:
    told = document["bufferViews"][index]
    return data[told["byteOffset"] : told["byteOffset"] + told["byteLength"]]


def ids(document: dict[str, Any], data: bytes) -> list[str]:
    """Of the property table."""
    (table,) = document["extensions"]["EXT_structural_metadata"]["propertyTables"]
    told = table["properties"]["id"]
    ends = np.frombuffer(view(document, data, told["stringOffsets"]), "<u4")
    text = view(document, data, told["values"])
    return [text[start:end].decode() for start, end in itertools.pairwise(ends)]


def positions(document: dict[str, Any], data: bytes) -> np.ndarray[Any, Any]:
    """(n, 3) in metres, east, north, up."""
    whole = np.frombuffer(view(document, data, 0), "<u2").reshape(-1, 4)[:, :3]
    (node,) = document["nodes"]
    x, y, z = (whole * node["scale"] + node["translation"]).T
    return np.column_stack((x, -z, y))


def faults(files: list[Path]) -> list[Any]:
    """What the validator calls errors, or a skip that says what is absent."""
    if not shutil.which("node") or not VALIDATOR.exists():
        pytest.skip("no gltf-validator: run `npm ci` in web/")
    argv = ["node", "-e", _JUDGE, str(VALIDATOR), *map(str, files)]
    told: list[Any] = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    return told
