"""Adding events up in PostgreSQL: the reading half of the event store."""
