"""Charges in advance: a fee for each event as it comes, and what is done with fees that stand alone."""
