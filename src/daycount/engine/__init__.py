"""
Rules of billing as pure functions: no clock, no database, no rounding but the named ones.

Facts go in, exact results come out; the operations outside decide what to do with them.
"""
