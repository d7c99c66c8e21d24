"""Fees by themselves: listed, found, paid and deleted."""
