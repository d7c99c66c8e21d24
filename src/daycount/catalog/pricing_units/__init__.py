"""Pricing units: credits or tokens that charges may be priced in instead of money."""
