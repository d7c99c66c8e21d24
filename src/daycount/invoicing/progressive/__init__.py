"""Invoices made before a period ends, when usage reaches a threshold, and what later invoices take off for them."""
