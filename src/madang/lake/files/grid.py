"""Grids become rows, one a cell: NetCDF (CF conventions: coordinates are variables named as their dimension) and GeoTIFF."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pyarrow as pa
import rasterio
from rasterio.errors import RasterioError

from madang.base.errors import BadRequest, TooLarge
from madang.base.limits import LAKE_GRID_CELLS_MAX
from madang.lake.files.report import Hints
from madang.lake.files.table import Table, named


def read_netcdf(path: Path, hints: Hints) -> Table:
    """The variables over the largest set of dimensions; columns are the dimensions' coordinates, then the variables.
    Raises BadRequest, TooLarge."""
    try:
        with netCDF4.Dataset(path) as data:
            return _of_variables(data)
    except (OSError, RuntimeError, ValueError) as error:
        raise BadRequest(f"this is no NetCDF: {str(error)[:300]}", reason="unreadable") from None


def _of_variables(data: netCDF4.Dataset) -> Table:
    over: dict[tuple[str, ...], list[str]] = {}
    for name, variable in data.variables.items():
        if name not in data.dimensions and variable.dimensions and variable.dtype.kind in "iuf":
            over.setdefault(variable.dimensions, []).append(name)
    if not over:
        raise ValueError("no variable over dimensions")
    dimensions = max(over, key=lambda one: (len(one), len(over[one])))
    shape = [len(data.dimensions[name]) for name in dimensions]
    _check(int(np.prod(shape)) * (len(shape) + len(over[dimensions])))
    axes = np.meshgrid(*(_coordinate(data, name) for name in dimensions), indexing="ij")
    columns = {name: pa.array(axis.ravel()) for name, axis in zip(dimensions, axes, strict=True)}
    columns |= {name: _masked(data.variables[name][:]) for name in over[dimensions]}
    names, findings = named(list(columns))
    return Table(pa.table(list(columns.values()), names=names), "netcdf", findings=findings)


def _coordinate(data: netCDF4.Dataset, name: str) -> np.ndarray[Any, Any]:
    variable = data.variables.get(name)
    if variable is None:
        return np.arange(len(data.dimensions[name]))
    units = getattr(variable, "units", "")
    values = np.ma.filled(variable[:], np.nan) if variable.dtype.kind == "f" else np.asarray(variable[:])
    if " since " not in units:
        return values
    calendar = getattr(variable, "calendar", "standard")
    times: Any = netCDF4.num2date(
        values, units, calendar, only_use_cftime_datetimes=False, only_use_python_datetimes=True
    )
    seconds = [one.replace(tzinfo=UTC).timestamp() for one in times]
    return np.array([datetime.fromtimestamp(one, UTC).replace(tzinfo=None) for one in seconds], dtype="datetime64[us]")


def _masked(values: Any) -> pa.Array:
    flat = np.ma.ravel(values)
    return pa.array(np.ma.getdata(flat), mask=np.ma.getmaskarray(flat))


def read_geotiff(path: Path, hints: Hints) -> Table:
    """`x` and `y` of each cell's middle in the file's reference system, then its bands. Raises BadRequest, TooLarge."""
    try:
        with rasterio.open(path) as data:
            _check(data.width * data.height * (data.count + 2))
            bands, crs = data.read(masked=True), data.crs.to_string() if data.crs else ""
            across, down = np.meshgrid(np.arange(data.width), np.arange(data.height))
            x, y = data.transform * (across.ravel() + 0.5, down.ravel() + 0.5)
            keys = [data.descriptions[place] or f"band_{place + 1}" for place in range(data.count)]
    except RasterioError as error:
        raise BadRequest(f"this is no GeoTIFF: {str(error)[:300]}", reason="unreadable") from None
    names, findings = named(["x", "y", *keys])
    columns = [pa.array(x), pa.array(y), *(_masked(band) for band in bands)]
    return Table(pa.table(columns, names=names), "geotiff", crs=crs, findings=findings)


def _check(cells: int) -> None:
    if cells > LAKE_GRID_CELLS_MAX:
        raise TooLarge(f"a grid may have {LAKE_GRID_CELLS_MAX} values")
