"""The one error of this package."""


class PostgresUnavailable(RuntimeError):
    """The private PostgreSQL cannot be run; the message says why and what the operator can do."""
