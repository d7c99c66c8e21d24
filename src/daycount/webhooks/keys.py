"""The key pair that signs webhooks: made once for all processes of a server, or given by the settings."""

import base64
import binascii
from collections.abc import Callable
from contextlib import AbstractContextManager

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from sqlalchemy import Connection

from daycount.webhooks import store

_NAME = "webhooks"
_BITS = 2048


class UnreadableKey(RuntimeError):
    """The private key of the settings is no RSA key."""


class KeyRing:
    """
    Knows the key pair of this server; unless the settings give it, it is looked up, or made, when it is first asked for.

    Raises UnreadableKey for a configured one that is none.
    """

    def __init__(self, transaction: Callable[[str], AbstractContextManager[Connection]], *, configured: str | None) -> None:
        self._transaction = transaction
        self._key = None if configured is None else read_key(configured)

    def private_key(self) -> RSAPrivateKey:
        """Return the private key."""
        if self._key is None:
            self._key = self._find()
        return self._key

    def public_text(self) -> str:
        """Return the public key as it is handed out: its PEM text (SubjectPublicKeyInfo) in base64, on one line."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = self.private_key().public_key().public_bytes(serialization.Encoding.PEM, form)
        return base64.b64encode(pem).decode()

    def _find(self) -> RSAPrivateKey:
        with self._transaction("webhooks.find_key") as tx:
            pem = store.find_key(tx, name=_NAME)
            if pem is None:
                store.insert_key(tx, name=_NAME, private_pem=_make_key())
                pem = store.find_key(tx, name=_NAME)
        assert pem is not None
        return _load(pem.encode())


def _make_key() -> str:
    made = generate_private_key(public_exponent=65_537, key_size=_BITS)
    pem = made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def read_key(text: str) -> RSAPrivateKey:
    """Read a private key from base64 of its PEM text, or from the PEM text itself. Raises UnreadableKey."""
    if "PRIVATE KEY-----" in text:
        return _load(text.encode())
    try:
        return _load(base64.b64decode(text))
    except binascii.Error as error:
        raise UnreadableKey("the private key of webhooks is no base64") from error


def _load(pem: bytes) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnreadableKey("the private key of webhooks cannot be read") from error
    if not isinstance(key, RSAPrivateKey):
        raise UnreadableKey("the private key of webhooks is no RSA key")
    return key
