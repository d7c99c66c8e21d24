"""
What a transaction has read and may read again: rows that many parts of one request ask for, each in its own words.

A memory lives as long as its transaction. It is dropped where it could be told apart from reading anew: when the
transaction writes to one of the tables an entry comes from, waits for a lock (others may have written meanwhile), or takes
back what it did since a savepoint. COPY is not seen: tables that are remembered are written by statements.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, RootTransaction, event

T = TypeVar("T")
_Kind = tuple[str, UUID, frozenset[str]]
_remembered: WeakKeyDictionary[RootTransaction, dict[_Kind, dict[UUID, Any]]] = WeakKeyDictionary()
_WORDS = re.compile(r"\w+")
_WRITING = frozenset({"insert", "update", "delete", "truncate", "merge"})
_WAITING = re.compile(r"\bfor\s+(no\s+key\s+)?update\b|\bfor\s+(key\s+)?share\b|advisory", re.IGNORECASE)


def remembered(
    tx: Connection,
    kind: str,
    owner: UUID,
    ids: Collection[UUID],
    *,
    tables: frozenset[str],
    load: Callable[[Collection[UUID]], Mapping[UUID, T]],
) -> dict[UUID, T]:
    """
    Return things of an owner by id, reading only those that this transaction has not read yet.

    `kind` names what is read, `tables` every table that it comes from; `load` reads the missing ones. An id of nothing is asked
    for again each time.
    """
    transaction = tx.get_transaction()
    known: dict[UUID, T] = {} if transaction is None else _remembered.get(transaction, {}).get((kind, owner, tables), {})
    wanted = dict.fromkeys(ids)
    missing = [one for one in wanted if one not in known]
    if missing:
        loaded = load(missing)
        remember(tx, kind, owner, loaded, tables=tables)
        known = {**known, **loaded}
    return {one: known[one] for one in wanted if one in known}


def recalled(tx: Connection, kind: str, owner: UUID, *, tables: frozenset[str]) -> Mapping[UUID, Any]:
    """Return what is remembered of a kind, without reading anything."""
    transaction = tx.get_transaction()
    return {} if transaction is None else _remembered.get(transaction, {}).get((kind, owner, tables), {})


def remember(tx: Connection, kind: str, owner: UUID, things: Mapping[UUID, object], *, tables: frozenset[str]) -> None:
    """Keep what was read just now in another way, under its ids."""
    transaction = tx.get_transaction()
    if transaction is not None and things:
        _remembered.setdefault(transaction, {}).setdefault((kind, owner, tables), {}).update(things)


def forget_on_change(engine: Engine) -> None:
    """Watch the statements of an engine's connections, so that no memory is older than what they would read."""
    event.listen(engine, "before_cursor_execute", _before)


def _before(tx: Connection, cursor: object, statement: str, *_: object) -> None:
    transaction = tx.get_transaction()
    if transaction is not None and transaction in _remembered:
        ends_all, words = _read(statement)
        if ends_all or words:
            _forget(transaction, None if ends_all else words)


@lru_cache(maxsize=2000)
def _read(statement: str) -> tuple[bool, frozenset[str]]:
    """Tell whether a statement waits for locks or goes back to a savepoint, and give its words if it writes."""
    words = frozenset(_WORDS.findall(statement.lower()))
    return bool(_WAITING.search(statement)) or "rollback" in words, words if words & _WRITING else frozenset()


def _forget(transaction: RootTransaction, tables: Collection[str] | None) -> None:
    """Drop what comes from any of some tables; everything for None."""
    own = _remembered[transaction]
    for kind in [kind for kind in own if tables is None or not kind[-1].isdisjoint(tables)]:
        del own[kind]
