"""Credit notes: what is given back of invoices, and what of it is still to be used."""
