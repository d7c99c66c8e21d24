"""Quotes, the order forms that customers sign, and the orders that carry out what was agreed."""
