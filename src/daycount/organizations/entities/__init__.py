"""Billing entities: the legal senders of invoices, with all that stands on documents."""
