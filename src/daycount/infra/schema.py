"""
The schema of the database: bringing it to the newest version, and telling whether it is there.

Alembic is imported where it is used: it is a tenth of what a process imports, and most processes never migrate.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 8_301_246_005


def find_migrations() -> Path:
    """Return the folder of migrations: beside the package in a wheel, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    places = [package / "migrations", package.parent.parent / "migrations"]
    return next(place for place in places if (place / "env.py").exists())


def _configure() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(find_migrations()))
    config.set_main_option("path_separator", "os")
    return config


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; of several processes that try, one does it and the others wait."""
    from alembic import command

    config = _configure()
    with engine.begin() as tx:
        tx.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def is_current(tx: Connection) -> bool:
    """Tell whether the schema is at the newest version."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_configure()).get_current_head()
    return MigrationContext.configure(tx).get_current_revision() == head
