"""Monthly and daily figures, worked out of invoices and usage when they are asked for."""
