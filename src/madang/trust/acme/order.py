"""One order of a certificate (RFC 8555, 7.4): http-01 (8.3), by certbot's library. It blocks: for a thread."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from acme import challenges, client, crypto_util, errors, messages
from josepy.jwa import ES256
from josepy.jwk import JWK

from madang.base.limits import ACME_REQUEST_TIMEOUT_S, ACME_TIMEOUT_S
from madang.trust.acme.kept import new_key


@dataclass(frozen=True)
class Order:
    """`directory` is the server's address (7.1.1), `account_key` gives a PEM, `answers` is
    what the challenge door answers: key authorizations by token."""

    directory: str
    email: str
    host: str
    account_key: Callable[[], bytes]
    answers: MutableMapping[str, str]

    def obtain(self) -> bytes:
        """A new key and the certificate's chain, PEM. To ask is to agree to the server's terms. Raises what acme, josepy and
        requests raise."""
        asked = self._client()
        key = new_key()
        order = asked.new_order(crypto_util.make_csr(key, [self.host]))
        try:
            for authorization in order.authorizations:
                self._answer(asked, authorization.body)
            # acme compares with the local clock, naive
            deadline = datetime.now() + timedelta(seconds=ACME_TIMEOUT_S)
            done = asked.poll_and_finalize(order, deadline)
        finally:
            self.answers.clear()
        return key + done.fullchain_pem.encode()

    def _client(self) -> client.ClientV2:
        """Known to the server: with a new account, or the one this key has there."""
        key = JWK.load(self.account_key())
        net = client.ClientNetwork(key, alg=ES256, user_agent="madang", timeout=ACME_REQUEST_TIMEOUT_S)
        asked = client.ClientV2(client.ClientV2.get_directory(self.directory, net), net)
        contact: dict[str, Any] = {"email": self.email} if self.email else {}
        try:
            asked.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True, **contact))
        except errors.ConflictError as known:
            net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
        return asked

    def _answer(self, asked: client.ClientV2, authorization: messages.Authorization) -> None:
        """Nothing for one that holds from before. Raises acme.errors.ClientError where http-01 is not offered."""
        if authorization.status == messages.STATUS_VALID:
            return
        for one in authorization.challenges:
            if isinstance(one.chall, challenges.HTTP01):
                response, validation = one.response_and_validation(asked.net.key)
                self.answers[one.chall.encode("token")] = validation
                asked.answer_challenge(one, response)
                return
        raise errors.ClientError(f"{self.directory} does not offer http-01")
