"""Customers: who is billed."""
