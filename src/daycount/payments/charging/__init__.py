"""Charging: invoices and payment requests are paid by the providers that their customers are linked to."""
