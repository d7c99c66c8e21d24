"""Refunds: what credit notes give back goes back through the provider that took it."""
