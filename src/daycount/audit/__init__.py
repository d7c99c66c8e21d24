"""Logs: what was asked of the API, what happened to things, and what touched the safety of an organization."""
