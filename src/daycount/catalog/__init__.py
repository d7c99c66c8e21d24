"""The catalogue: billable metrics, plans and their charges."""
