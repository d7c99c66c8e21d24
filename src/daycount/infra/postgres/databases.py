"""The role and the database that Daycount uses inside the server, and the addresses that lead to them."""

from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from daycount.infra.postgres.errors import PostgresUnavailable
from daycount.infra.postgres.sockets import PORT

NAME = "daycount"


def build_url(*, user: str, database: str, password: str, socket_dir: Path) -> str:
    """
    Write the address of a database behind a socket.

    The form that both libpq and SQLAlchemy read. The port is part of the socket's name; without it PGPORT would decide.
    """
    return f"postgresql://{user}:{quote(password, safe='')}@/{database}?host={quote(str(socket_dir), safe='')}&port={PORT}"


def create_missing(superuser_url: str, *, password: str) -> None:
    """
    Create the role and the database `daycount` unless they are there, and give the role its password.

    The role is no superuser: a superuser can run programs and write files, and under root's namespace those files would
    be root's. It may create databases and read the statistics. Raises PostgresUnavailable.
    """
    try:
        with psycopg.connect(superuser_url, autocommit=True, connect_timeout=30) as connection:
            role = sql.Identifier(NAME)
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME]).fetchone() is None:
                options = sql.SQL("LOGIN CREATEDB IN ROLE pg_monitor, pg_signal_backend PASSWORD {}").format(sql.Literal(password))
                connection.execute(sql.SQL("CREATE ROLE {} ").format(role) + options)
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
    except psycopg.Error as error:
        message = f"PostgreSQL started but its database {NAME} could not be prepared: {error}"
        raise PostgresUnavailable(message) from error
