"""Invoicing: fees and invoices, what makes them and what they say."""
