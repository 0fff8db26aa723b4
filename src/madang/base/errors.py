"""The one error tree. Each class knows its public type (NGSI-LD clause 5.5.2 or RFC 7807) and HTTP status.

MadangError
├── BadRequest            400  BadRequestData
│   ├── InvalidRequest    400  InvalidRequest
│   ├── TooComplexQuery   403  TooComplexQuery
│   └── TooManyResults    403  TooManyResults
├── Unauthorized          401
├── Forbidden             403
├── NotFound              404  ResourceNotFound
│   └── NonexistentTenant 404  NonexistentTenant
├── MethodNotAllowed      405
├── NotAcceptable         406
├── Conflict              409  AlreadyExists
├── Gone                  410
├── LengthRequired        411
├── PreconditionFailed    412
├── TooLarge              413
├── UnsupportedMedia      415
├── UnprocessableOp       422  OperationNotSupported
├── TooMany               429
├── Internal              500  InternalError
├── ContextUnavailable    504  LdContextNotAvailable
├── Unavailable           503
├── StorageFull           507
└── LoopDetected          508
"""

from __future__ import annotations

import traceback

_NGSI = "https://uri.etsi.org/ngsi-ld/errors/"


class MadangError(Exception):
    """Base of all errors that a caller may see; `detail` is a sentence for people."""

    status = 500
    type = _NGSI + "InternalError"
    title = "Internal error"

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra

    def problem(self) -> dict[str, object]:
        """RFC 7807 body."""
        body: dict[str, object] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        return body | self.extra


class BadRequest(MadangError):
    status, type, title = 400, _NGSI + "BadRequestData", "Bad request data"


class InvalidRequest(BadRequest):
    type, title = _NGSI + "InvalidRequest", "Invalid request"


class TooComplexQuery(BadRequest):
    status, type, title = 403, _NGSI + "TooComplexQuery", "Query too complex"


class TooManyResults(BadRequest):
    status, type, title = 403, _NGSI + "TooManyResults", "Too many results"


class Unauthorized(MadangError):
    status, type, title = 401, "about:blank", "Who are you?"


class Forbidden(MadangError):
    status, type, title = 403, "about:blank", "Not granted"


class NotFound(MadangError):
    status, type, title = 404, _NGSI + "ResourceNotFound", "Resource not found"


class NonexistentTenant(NotFound):
    type, title = _NGSI + "NonexistentTenant", "Tenant does not exist"


class MethodNotAllowed(MadangError):
    """`allow` are the methods that are possible."""

    status, type, title = 405, "about:blank", "Method not allowed"

    def __init__(self, detail: str, allow: list[str]) -> None:
        super().__init__(detail, allow=allow)
        self.allow = allow


class NotAcceptable(MadangError):
    status, type, title = 406, "about:blank", "Not acceptable"


class Conflict(MadangError):
    status, type, title = 409, _NGSI + "AlreadyExists", "Already exists"


class Gone(MadangError):
    status, type, title = 410, "about:blank", "Gone"


class LengthRequired(MadangError):
    status, type, title = 411, "about:blank", "Length required"


class PreconditionFailed(MadangError):
    status, type, title = 412, "about:blank", "Precondition failed"


class TooLarge(MadangError):
    status, type, title = 413, "about:blank", "Request entity too large"


class UnsupportedMedia(MadangError):
    status, type, title = 415, "about:blank", "Unsupported media type"


class UnprocessableOp(MadangError):
    status, type, title = 422, _NGSI + "OperationNotSupported", "Operation not supported"


class TooMany(MadangError):
    status, type, title = 429, "about:blank", "Too many requests"


class Internal(MadangError):
    pass


class ContextUnavailable(MadangError):
    status, type, title = 504, _NGSI + "LdContextNotAvailable", "@context not available"


class Unavailable(MadangError):
    status, type, title = 503, "about:blank", "Temporarily unavailable"


class StorageFull(MadangError):
    status, type, title = 507, "about:blank", "Insufficient storage"


class LoopDetected(MadangError):
    status, type, title = 508, "about:blank", "Loop detected"


TRACE_MAX_CHARS = 4_000


def trace_of(error: BaseException) -> str:
    """What raised an error and where, short enough for a log whatever the error holds."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames[-TRACE_MAX_CHARS:]}{type(error).__name__}: {str(error)[:1_000]}"
