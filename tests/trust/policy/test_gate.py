"""The gate while the city runs: what it remembers, and how soon it forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.callers import GATE, app, caller

from madang.base.errors import Forbidden
from madang.base.limits import POLICY_CALLERS_MAX
from madang.trust.caller import NOBODY, Caller, Claim
from madang.trust.policy.gate import Gate, open_gate
from madang.trust.policy.ruling import Ruling
from madang.trust.policy.source import HOUSE, PolicyError
from madang.trust.policy.subjects import Grant
from madang.trust.principal import Principal

KIOSK = Claim(Principal("person", "k", frozenset({"kiosk"})))
MORE = '@id("more") permit (principal in Role::"kiosk", action == Action::"read", resource == Service::"status");'


class Hand:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 5, 59, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def gate_of(folder: Path, clock: Hand, zone: str = "UTC") -> Gate:
    return Gate([HOUSE, folder], clock, zone)


def test_what_was_decided_is_remembered() -> None:
    first = GATE.caller(KIOSK)
    assert GATE.caller(Claim(Principal("person", "k", frozenset({"kiosk"})))) is first
    assert first.decide("read", "status") is first.decide("read", "status")
    assert first.reads is first.sight("read") is first.reads
    assert first.now() is first


def test_a_change_of_a_file_is_in_force_at_the_next_look(tmp_path: Path) -> None:
    gate, told = gate_of(tmp_path, Hand()), list[Ruling | PolicyError]()
    before = gate.caller(KIOSK)
    assert not before.may("read", "status")
    (tmp_path / "more.cedar").write_text(MORE)
    gate.look(told.append)
    after = before.now()
    assert (after.may("read", "status"), after is before, after is gate.caller(KIOSK)) == (True, False, True)
    (tmp_path / "more.cedar").unlink()
    gate.look(told.append)
    assert not after.now().may("read", "status")
    assert [one.source.hash for one in told if isinstance(one, Ruling)][1] == open_gate().ruling.source.hash
    gate.look(told.append)
    assert len(told) == 2


def test_a_broken_file_leaves_the_old_set_in_force_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "more.cedar").write_text(MORE)
    gate, told = gate_of(tmp_path, Hand()), list[Ruling | PolicyError]()
    before = gate.caller(KIOSK)
    (tmp_path / "more.cedar").write_text(MORE + "\npermit;")
    gate.look(told.append)
    gate.look(told.append)
    assert [str(one) for one in told] == ["more.cedar:2: unexpected token `;`"]
    assert before.now() is before
    assert before.may("read", "status")


def test_a_gate_is_not_made_of_what_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "more.cedar").write_text("permit;")
    with pytest.raises(PolicyError, match=r"more\.cedar:1: unexpected token"):
        gate_of(tmp_path, Hand())
    with pytest.raises(PolicyError, match="there is no such folder of policies"):
        open_gate(tmp_path / "nowhere")


def test_rules_of_the_hour_follow_the_citys_clock(tmp_path: Path) -> None:
    (tmp_path / "more.cedar").write_text(MORE.replace(";", " when { context.hour >= 15 && context.weekday == 1 };"))
    clock = Hand()
    gate = gate_of(tmp_path, clock, "Asia/Seoul")
    before = gate.caller(KIOSK)
    assert not before.may("read", "status")
    clock.at += timedelta(minutes=1)
    gate.look()
    assert before.now().may("read", "status")
    clock.at += timedelta(hours=9)
    gate.look()
    assert not before.now().may("read", "status")


def test_the_hour_changes_nothing_while_no_rule_asks_for_it(tmp_path: Path) -> None:
    clock = Hand()
    gate = gate_of(tmp_path, clock)
    before = gate.caller(KIOSK)
    clock.at += timedelta(hours=5)
    gate.look()
    assert before.now() is before


def test_who_has_not_asked_for_longest_is_forgotten() -> None:
    gate = open_gate()
    first = gate.caller(KIOSK)
    for number in range(POLICY_CALLERS_MAX):
        gate.caller(Claim(Principal("person", str(number))))
    assert gate.caller(KIOSK) is not first


def test_commands_that_nobody_knows_are_not_remembered_for_ever() -> None:
    one = caller("kiosk")
    refused = [one.may("command", f"kind{number}") for number in range(1_001)]
    assert (any(refused), len(one._decisions) <= 1_000) == (False, True)


@pytest.mark.parametrize(
    ("who", "action", "subject", "detail", "rules"),
    [
        (NOBODY, "read", "city", "anonymous was not granted to read city: no rule permits it", []),
        (caller("kiosk"), "manage", "apps", "person:someone was not granted to manage apps: no rule permits it", []),
        (app("a", Grant("command", "x")), "command", "y", "app:a was not granted to command y: no rule permits it", []),
    ],
)
def test_a_refusal_tells_the_rule(who: Caller, action: str, subject: str, detail: str, rules: list[str]) -> None:
    with pytest.raises(Forbidden) as raised:
        who.require(action, subject)
    assert raised.value.problem() == {
        "type": "about:blank",
        "title": "Not granted",
        "status": 403,
        "detail": detail,
        "rules": rules,
    }


def test_a_refusal_by_a_rule_names_it() -> None:
    with pytest.raises(Forbidden, match="rule analyst-no-person-data forbids it") as raised:
        caller("analyst").require_types("read", ["Building", "Person"])
    assert raised.value.extra == {"rules": ["analyst-no-person-data"]}


@pytest.mark.parametrize("name", ['"', "\\", 'x") permit (principal', "a\nb", "it's", "\x01", "사람", "\x00", "😀"])
def test_no_name_is_read_as_policy(name: str) -> None:
    who = GATE.caller(Claim(Principal("app", name, frozenset({name})), (Grant("read", name), Grant("command", name))))
    assert (who.reads.of_types((name,)).whole, who.may("command", name), who.may("command", "x"), who.writes.blind) == (
        True,
        True,
        False,
        True,
    )
