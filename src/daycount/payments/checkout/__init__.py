"""Pages on which somebody pays an invoice or a payment request, or leaves a way to pay."""
