"""The certificate of a city's public side, from an ACME server (RFC 8555)."""
