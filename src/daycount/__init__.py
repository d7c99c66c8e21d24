"""Daycount: billing that explains every cent."""

__version__ = "0.1.0"
