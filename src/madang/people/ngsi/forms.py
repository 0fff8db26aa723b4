"""From the parameters of a request to the form of its answer (clauses 6.3.7 to 6.3.13, 4.21, 4.5.23)."""

from __future__ import annotations

from madang.base.errors import BadRequest, InvalidRequest
from madang.base.limits import JOIN_MAX_LEVEL
from madang.model.context import Context
from madang.model.kinds import check_id
from madang.model.linked import Join
from madang.model.projection import Projection, parse_projection
from madang.model.render import Form
from madang.people.ngsi.parameters import Given, options
from madang.people.ngsi.queries import names, number

FORMATS = {"normalized": "normalized", "concise": "concise", "simplified": "simplified", "keyValues": "simplified"}
_OPTIONS = FORMATS.keys() | {"sysAttrs", "count", "noOverwrite", "update", "replace"}


def form_of(given: Given, context: Context) -> Form:
    """The representation asked for. Raises InvalidRequest for an unknown format or option, BadRequest."""
    if not given:
        return Form(context=context)
    pick, omit = _projection(given, "pick", context), _projection(given, "omit", context)
    _check_projections(given, pick, omit)
    attrs = names(given.get("attrs"), context)
    return Form(
        format_of(given),
        "sysAttrs" in options(given),
        frozenset(attrs) if attrs else None,
        pick,
        omit,
        given.get("lang"),
        _datasets(given.get("datasetId")),
        context.expand(given["geometryProperty"]) if given.get("geometryProperty") else "location",
        context,
    )


def check_options(asked: set[str]) -> None:
    """Raises InvalidRequest for what no operation knows."""
    if unknown := asked - _OPTIONS:
        raise InvalidRequest(f"options: unknown {', '.join(sorted(unknown))[:80]}")


def format_of(given: Given) -> str:
    """`format` goes before `options` (clause 6.3.7). Raises InvalidRequest."""
    asked = options(given)
    check_options(asked)
    if "format" in given:
        if given["format"] not in FORMATS:
            raise InvalidRequest(f"format: not one of {', '.join(FORMATS)}")
        return FORMATS[given["format"]]
    return next((FORMATS[name] for name in FORMATS if name in asked), "normalized")


def _projection(given: Given, parameter: str, context: Context) -> Projection | None:
    return parse_projection(given[parameter], context, parameter) if parameter in given else None


def _check_projections(given: Given, pick: Projection | None, omit: Projection | None) -> None:
    if "attrs" in given and (pick is not None or omit is not None):
        raise BadRequest("attrs goes neither with pick nor with omit")
    if pick and omit and any(name in omit and omit.below(name) is None for name in pick.names):
        raise BadRequest("a member cannot be both picked and omitted")


def _datasets(text: str | None) -> frozenset[str | None] | None:
    if text is None:
        return None
    return frozenset(None if one == "@none" else check_id(one) for one in text.split(","))


def join_of(given: Given) -> Join | None:
    """`join`, `joinLevel`, `containedBy` (clause 4.5.23). Raises BadRequest."""
    mode = given.get("join", "@none")
    if mode not in ("inline", "flat", "@none"):
        raise BadRequest("join: inline, flat or @none")
    level = number(given, "joinLevel", 1, 1, JOIN_MAX_LEVEL)
    contained = frozenset(check_id(one) for one in given["containedBy"].split(",")) if given.get("containedBy") else ()
    return None if mode == "@none" else Join(mode == "inline", level, frozenset(contained))
