"""The OpenID Foundation's config certification plan: oidcc-discovery-endpoint-verification."""

from __future__ import annotations

import httpx
import pytest
from tests.browsing import City

pytestmark = pytest.mark.engine


async def test_oidcc_discovery_endpoint_verification(city: City) -> None:
    async with httpx.AsyncClient(base_url=city.url, trust_env=False) as http:
        answer = await http.get(".well-known/openid-configuration")
        told = answer.json()
        keys = (await http.get(told["jwks_uri"])).json()["keys"]
    issuer = city.identity.issuer
    assert (answer.status_code, answer.headers["content-type"], told["issuer"]) == (200, "application/json", issuer)
    endpoints = {name: address for name, address in told.items() if name.endswith("_endpoint") or name == "jwks_uri"}
    assert {name: address.startswith(f"{issuer}/oauth/") for name, address in endpoints.items()} == dict.fromkeys(
        ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint",
         "introspection_endpoint", "device_authorization_endpoint", "end_session_endpoint"), True,
    )  # fmt: skip
    assert (told["response_types_supported"], told["subject_types_supported"]) == (["code"], ["public"])
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert {"sub", "iss", "auth_time", "name", "email"} <= set(told["claims_supported"])
    assert {(key["kty"], key["alg"], key["use"]) for key in keys} == {("RSA", "RS256", "sig"), ("EC", "ES256", "sig")}
    assert [name for key in keys for name in ("d", "p", "q") if name in key] == []
    assert len({key["kid"] for key in keys}) == len(keys)
