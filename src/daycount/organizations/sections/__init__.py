"""Invoice custom sections: texts that invoices carry below their totals, and who chose which of them."""
