"""Taxes: their rates, and what they are applied to."""
