"""Alerts: values of usage and wallets that are watched, and what was told of them."""
