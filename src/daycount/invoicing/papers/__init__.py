"""Documents on paper: invoices and credit notes as PDF, made once and kept with their hash."""
