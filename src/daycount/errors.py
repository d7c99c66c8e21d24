"""
The kinds of failure every part of Daycount speaks of.

    DaycountError
    ├── BadRequest          the request cannot be read at all (broken JSON, root key missing)
    ├── Unauthenticated     no key, or a key nobody knows
    ├── Forbidden           the key may not do this
    ├── NotFound            no such thing in this organization
    ├── NotAllowed          the state of the thing forbids it
    ├── Invalid             some fields hold values that cannot be accepted
    ├── Unprocessable       the request as a whole cannot be carried out
    ├── TooLarge            the request is larger than the server reads
    ├── TooMany             the key sent more requests than it may in a second
    ├── Busy                somebody else works on the same thing; try again
    └── ProviderFailed      a foreign system failed

Each carries a stable code. `api/errors.py` alone turns a kind into an HTTP status; the worker's table turns it into
retry, park or alarm. Nothing here knows HTTP.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class DaycountError(Exception):
    """The root of every failure that Daycount raises on purpose."""

    code: str = "error"


class BadRequest(DaycountError):
    """The request cannot be read; `message` says what is wrong with it."""

    code = "bad_request"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class WrongShape(BadRequest):
    """One value of the request is not of the shape it must have; `message` is the contract's own word for that."""


class Unauthenticated(DaycountError):
    """Nobody is known by the key that came with the request."""

    code = "unauthorized"


class _Coded(DaycountError):
    """A failure whose code is said where it is raised."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Forbidden(_Coded):
    """The key is known, but what it asks for is not for it."""


class NotAllowed(_Coded):
    """The thing exists, but its state forbids what is asked (the contract answers 405)."""


class Busy(_Coded):
    """The thing is locked by somebody else for longer than a request can wait."""


class Unprocessable(_Coded):
    """The request as a whole cannot be carried out, for the reason that its code says; no field of it is to blame."""


class NotFound(DaycountError):
    """No live thing of that kind has that identifier in this organization."""

    def __init__(self, resource: str) -> None:
        super().__init__(resource)
        self.resource = resource
        self.code = f"{resource}_not_found"


Details = Mapping[str, Sequence[str]] | Mapping[str, Mapping[str, Sequence[str]]]


class Invalid(DaycountError):
    """
    Some fields cannot be accepted.

    `details` maps a field to its codes, or the index of a batch's item to such a map, or to such `errors` beside the `params` that
    were sent. Nothing was stored.
    """

    code = "validation_errors"

    def __init__(self, details: Details) -> None:
        super().__init__(str(dict(details)))
        self.details = details


class TooLarge(DaycountError):
    """The request's body is larger than the server reads."""

    code = "payload_too_large"


class TooMany(DaycountError):
    """The key sent more requests in this second than it may."""

    code = "too_many_requests"


class ProviderFailed(DaycountError):
    """A foreign system refused or failed; `code` is the system's own word for it."""

    kinds: ClassVar[tuple[str, ...]] = ("refused", "unreachable")

    def __init__(self, provider: str, code: str) -> None:
        super().__init__(f"{provider}: {code}")
        self.provider = provider
        self.code = code


class FieldErrors:
    """Collects the codes of many fields, so that a caller learns of all its mistakes at once."""

    def __init__(self) -> None:
        self._codes: dict[str, list[str]] = {}

    def add(self, field: str, code: str) -> None:
        """Note that `field` broke the rule named `code`; each is noted once."""
        codes = self._codes.setdefault(field, [])
        if code not in codes:
            codes.append(code)

    def add_each(self, field: str, codes: Sequence[str]) -> None:
        """Note every one of `codes` for `field`, a code as often as it stands there."""
        if codes:
            self._codes.setdefault(field, []).extend(codes)

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields that something was noted for."""
        return frozenset(self._codes)

    def __bool__(self) -> bool:
        """Tell whether anything was noted."""
        return bool(self._codes)

    def raise_if_any(self) -> None:
        """Raise Invalid with everything noted so far, if anything was."""
        if self._codes:
            raise Invalid(dict(self._codes))
