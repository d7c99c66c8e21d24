"""Electronic invoices: what stands on a paper, in the terms of EN 16931, written as CII and UBL."""
