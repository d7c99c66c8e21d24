"""Charge models: one file each, how units become money."""
