"""E-mails to customers: what they say, the outbox they wait in, and their sending."""
