"""Payment requests: overdue invoices of a customer that are to be paid together."""
