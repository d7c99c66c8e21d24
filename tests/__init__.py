"""Tests. A real package, because an installed distribution brings a top-level package of the same name."""
