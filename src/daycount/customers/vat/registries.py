"""Who is asked whether a tax number is valid: the service of the European Commission, or the check digits alone."""

from typing import Final

import httpx2
from stdnum.eu import vat

from daycount import errors
from daycount.customers.vat.records import VatNumber

_TIMEOUT_S: Final = 5.0
_NAME: Final = "vies"


class CheckDigits:
    """Takes every number for valid whose check digits are right; asks nobody. Sandboxes use it."""

    def is_valid(self, number: VatNumber) -> bool:
        """Tell whether the check digits are right."""
        return bool(vat.is_valid(number.text))


class Vies:
    """
    Asks the service of the European Commission, VIES, over its REST interface.

    An answer that is neither yes nor no (a member state's register is down, too many ask) is no answer.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def is_valid(self, number: VatNumber) -> bool:
        """Tell whether the number is valid now; waits five seconds. Raises ProviderFailed."""
        try:
            reply = httpx2.get(f"{self._url}/ms/{number.text[:2]}/vat/{number.text[2:]}", timeout=_TIMEOUT_S)
            answer = reply.json() if reply.status_code == httpx2.codes.OK else {}
        except (httpx2.HTTPError, ValueError) as error:
            raise errors.ProviderFailed(_NAME, type(error).__name__) from error
        said = str(answer.get("userError") or "") if isinstance(answer, dict) else ""
        if said not in {"VALID", "INVALID", "INVALID_INPUT"}:
            raise errors.ProviderFailed(_NAME, said or str(reply.status_code))
        return said == "VALID"


def registry_at(url: str) -> Vies | CheckDigits:
    """Return the service at an address; without an address the check digits decide."""
    return Vies(url) if url else CheckDigits()
