"""MQTT messages to writes: which rule a topic falls under, and what its payload says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import MQTT_PAYLOAD_MAX_BYTES
from madang.ingest.mapping import Rule, compile_rule
from madang.model.operations import Operation


@dataclass(frozen=True)
class TopicRule:
    """A topic filter with `+` (captured) and a trailing `#`, and the rule for what it matches. `format` json or plain."""

    filter: str
    pattern: re.Pattern[str]
    rule: Rule
    format: str
    when: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Decoder:
    """All rules of a city; the first that matches counts."""

    rules: tuple[TopicRule, ...]

    def filters(self) -> list[str]:
        return sorted({rule.filter for rule in self.rules})

    def decode(self, topic: str, payload: bytes) -> list[Operation]:
        """The writes a message asks for: of the first rule whose topic and `when` fit; an empty payload deletes whatever
        any rule of the topic may have made. Raises BadRequest with the reason it cannot be read."""
        if len(payload) > MQTT_PAYLOAD_MAX_BYTES:
            raise BadRequest(f"payload of {len(payload)} bytes; at most {MQTT_PAYLOAD_MAX_BYTES}")
        fitting = [(rule, found.groups()) for rule in self.rules if (found := rule.pattern.match(topic))]
        if not fitting:
            raise BadRequest("no rule for this topic")
        if not payload:
            return [rule.rule.apply(None, captures) for rule, captures in fitting]
        for rule, captures in fitting:
            record = _record(payload, rule.format)
            if all(isinstance(record, dict) and record.get(name) == value for name, value in rule.when):
                return [rule.rule.apply(record, captures)]
        raise BadRequest("no rule of this topic fits the payload")


def _record(payload: bytes, form: str) -> Any:
    if form == "plain":
        return _plain(payload)
    try:
        record = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise BadRequest("not a JSON object")
    return record


def _plain(payload: bytes) -> Any:
    try:
        text = payload.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise BadRequest("not text in UTF-8") from None
    if text.lower() in ("true", "on", "false", "off"):
        return text.lower() in ("true", "on")
    try:
        return msgspec.json.decode(text.encode(), type=float | int)
    except msgspec.MsgspecError:
        return text


def compile_decoder(city: str, rules: list[dict[str, Any]]) -> Decoder:
    """From the `[[mqtt]]` tables of a city's configuration. Raises BadRequest."""
    return Decoder(tuple(_topic_rule(city, raw) for raw in rules))


def _topic_rule(city: str, raw: dict[str, Any]) -> TopicRule:
    topic = raw.get("topic")
    if not isinstance(topic, str) or not topic:
        raise BadRequest("an [[mqtt]] rule needs a topic")
    topic = topic.replace("{city}", city)
    pattern = "/".join(
        "([^/]+)" if part == "+" else "(.*)" if part == "#" else re.escape(part) for part in topic.split("/")
    )
    return TopicRule(
        topic,
        re.compile(pattern + r"\Z"),
        compile_rule(city, topic, raw),
        raw.get("format", "json"),
        tuple(raw.get("when", {}).items()),
    )
