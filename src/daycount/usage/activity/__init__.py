"""What happened just before an event: the questions that pricing in advance asks of the event store."""
