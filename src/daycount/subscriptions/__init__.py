"""Subscriptions: which customer is billed by which plan, from when to when."""
