"""The simulated field's processes: the city with its apps, and its shadow without."""

from __future__ import annotations

import argparse
from pathlib import Path

from madang.base.city import CityConfig
from madang.cli.instance import Instance
from madang.engine.supervisor import Spec


def field_specs(instance: Instance, city: CityConfig, folder: Path, options: argparse.Namespace) -> list[Spec]:
    return []
