"""A set of indicators as SDMX-ML 2.1, generic data (ISO 17369; technical specifications 2.1, section 3A). Pure.

A series is an indicator of the city by years; what is missing has no observation. Identifiers of SDMX have no `:` or `.`: they become `_`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree

from madang.base.clock import to_iso
from madang.lake.indicators.definition import Definition, Definitions
from madang.lake.indicators.values import Value

_BASE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/"
_MESSAGE, _COMMON, _GENERIC = (f"{{{_BASE}{name}}}" for name in ("message", "common", "data/generic"))
_STATUS = {"computed": "A", "official": "A", "estimated": "E"}
"""Of SDMX's codelist CL_OBS_STATUS: normal, estimated."""
_AGENCY, _STRUCTURE = "MADANG", "INDICATORS"


def sdmx(definitions: Definitions, values: Sequence[Value], city: str, now: datetime) -> bytes:
    """`city` is its id. REF_AREA, INDICATOR and FREQ are a series' key, TIME_PERIOD is the year."""
    for prefix, name in (("message", _MESSAGE), ("common", _COMMON), ("generic", _GENERIC)):
        ElementTree.register_namespace(prefix, name[1:-1])
    root = ElementTree.Element(f"{_MESSAGE}GenericData")
    _header(root, definitions.set, city, now)
    told = ElementTree.SubElement(root, f"{_MESSAGE}DataSet", {"structureRef": _STRUCTURE})
    for one in definitions.indicator:
        found = [value for value in values if value.code == one.code]
        if found:
            _series(told, one, found, city)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def identifier(code: str) -> str:
    """As SDMX has them."""
    return re.sub(r"[^A-Za-z0-9_@$-]", "_", code)


def _header(root: ElementTree.Element, name: str, city: str, now: datetime) -> None:
    header = ElementTree.SubElement(root, f"{_MESSAGE}Header")
    ElementTree.SubElement(header, f"{_MESSAGE}ID").text = identifier(f"{city}-{name}")
    ElementTree.SubElement(header, f"{_MESSAGE}Test").text = "false"
    ElementTree.SubElement(header, f"{_MESSAGE}Prepared").text = to_iso(now)
    ElementTree.SubElement(header, f"{_MESSAGE}Sender", {"id": identifier(city)})
    shape = {"structureID": _STRUCTURE, "dimensionAtObservation": "TIME_PERIOD"}
    structure = ElementTree.SubElement(header, f"{_MESSAGE}Structure", shape)
    reference = ElementTree.SubElement(structure, f"{_COMMON}Structure")
    ElementTree.SubElement(reference, "Ref", {"agencyID": _AGENCY, "id": _STRUCTURE, "version": "1.0"})


def _series(parent: ElementTree.Element, one: Definition, values: Sequence[Value], city: str) -> None:
    series = ElementTree.SubElement(parent, f"{_GENERIC}Series")
    key = {"FREQ": "A", "REF_AREA": identifier(city), "INDICATOR": identifier(one.code)}
    _values(series, "SeriesKey", key)
    _values(series, "Attributes", {"UNIT_MEASURE": one.unit, "TITLE": one.name["en"]})
    for value in sorted(values, key=lambda each: each.year):
        observed = ElementTree.SubElement(series, f"{_GENERIC}Obs")
        ElementTree.SubElement(observed, f"{_GENERIC}ObsDimension", {"value": str(value.year)})
        ElementTree.SubElement(observed, f"{_GENERIC}ObsValue", {"value": repr(value.value)})
        _values(observed, "Attributes", {"OBS_STATUS": _STATUS[value.confidence], "SOURCE": value.source})


def _values(parent: ElementTree.Element, name: str, told: dict[str, str]) -> None:
    element = ElementTree.SubElement(parent, f"{_GENERIC}{name}")
    for key, value in told.items():
        ElementTree.SubElement(element, f"{_GENERIC}Value", {"id": key, "value": value})
