"""Usage: events, and what they add up to."""
