"""Fees of drafts that somebody changed by hand, and invoices that are made again from voided ones."""
