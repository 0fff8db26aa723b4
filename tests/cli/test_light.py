"""The gateway is many cities' only process that grows with its guests: it loads nothing that reads files or asks the lake."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("duckdb", "pyarrow", "rasterio", "netCDF4", "pyogrio", "kiwipiepy", "rdflib")


def test_the_gateway_does_not_load_what_the_lake_needs() -> None:
    code = f"import sys, madang.cli.gateway; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
