"""Libraries that read files of strangers are loaded behind walls alone."""

from __future__ import annotations

import subprocess
import sys

READERS = {"rasterio", "netCDF4", "pyogrio", "python_calamine", "pandas"}


def test_the_gateway_loads_none_of_them() -> None:
    code = "import sys, madang.cli.gateway; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert READERS & set(loaded) == set()
