"""Charge models, one file each; `dispatch` is what the rest of Daycount calls."""
