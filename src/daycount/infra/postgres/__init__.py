"""The private PostgreSQL that `daycount serve` runs as its own child; see README.md in this folder."""

from daycount.infra.postgres.binaries import find_binaries
from daycount.infra.postgres.errors import PostgresUnavailable
from daycount.infra.postgres.server import PrivatePostgres

__all__ = ["PostgresUnavailable", "PrivatePostgres", "find_binaries"]
