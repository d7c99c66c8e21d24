"""The only table from a kind of failure to an HTTP status and the contract's error body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from daycount import errors


def describe(error: errors.DaycountError) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that say what went wrong. Source: Lago API, error bodies."""
    match error:
        case errors.WrongShape():
            return 400, {"status": 400, "error": error.message}
        case errors.BadRequest():
            return 400, {"status": 400, "error": f"BadRequest: {error.message}"}
        case errors.Unauthenticated():
            return 401, {"status": 401, "error": "Unauthorized"}
        case errors.Forbidden():
            return 403, {"status": 403, "error": "Forbidden", "code": error.code}
        case errors.NotFound():
            return 404, {"status": 404, "error": "Not Found", "code": error.code}
        case errors.NotAllowed():
            return 405, {"status": 405, "error": "Method Not Allowed", "code": error.code}
        case errors.TooLarge() | errors.TooMany():
            status, phrase = (413, "Payload Too Large") if isinstance(error, errors.TooLarge) else (429, "Too Many Requests")
            return status, {"status": status, "error": phrase, "code": error.code}
        case errors.Invalid():
            return 422, _unprocessable("validation_errors") | {"error_details": _listed(error.details)}
        case errors.Unprocessable():
            return 422, _unprocessable(error.code)
        case errors.Busy():
            return 422, _unprocessable("lock_acquisition_failed")
        case errors.ProviderFailed():
            return 422, _unprocessable("provider_error") | {"provider": {"code": error.code}, "error_details": {}}
        case _:
            return 500, internal_error()


def internal_error() -> dict[str, Any]:
    """Return the body for a failure of ours; details are in the log alone."""
    return {"status": 500, "error": "Internal Server Error"}


def of_status(status: HTTPStatus, code: str) -> dict[str, Any]:
    """Return a body for a failure that has no kind of its own, such as an unknown method."""
    return {"status": int(status), "error": status.phrase, "code": code}


def _unprocessable(code: str) -> dict[str, Any]:
    return {"status": 422, "error": "Unprocessable Entity", "code": code}


def _listed(details: Mapping[str, Any]) -> dict[str, Any]:
    """Write details as JSON; what was sent comes back as it was."""
    return {
        field: codes if field == "params" else _listed(codes) if isinstance(codes, Mapping) else list(codes)
        for field, codes in details.items()
    }
