"""Every way out that a stranger's words can open stays closed to private networks: the same guard, wherever it is used."""

from __future__ import annotations

import pytest
from tests.listening import Listener

from madang.base.errors import ContextUnavailable
from madang.context.contexts import Contexts
from madang.context.delivery import FAILED, Delivery
from madang.federation.peers import UNREACHABLE, Call, Origin, Peers, Reply
from madang.model.endpoint import Endpoint
from madang.model.registration import Registration
from madang.model.render import Form


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MADANG_PRIVATE_NETWORKS")


@pytest.mark.parametrize("scheme", ["http", "mqtt"])
async def test_of_a_subscription(closed: None, listener: Listener, scheme: str) -> None:
    delivery = Delivery()
    with pytest.raises(FAILED):
        await delivery.post(Endpoint(listener.url.replace("http", scheme)), Form(), {"data": []})
    await delivery.close()
    assert listener.heads == []


async def test_of_a_registration(closed: None, listener: Listener) -> None:
    peers = Peers()
    call = Call(Registration("urn:x:r", (), listener.url), "POST", "entities", body={})
    assert await peers.ask(call, Origin("madang")) == Reply(UNREACHABLE, why="not reached: ClientConnectorError")
    await peers.close()
    assert listener.heads == []


async def test_of_a_context(closed: None, listener: Listener) -> None:
    with pytest.raises(ContextUnavailable):
        await Contexts().get(listener.url)
    assert listener.heads == []
