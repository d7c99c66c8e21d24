"""Prepaid credits as arithmetic: credits and money, how wallets pay, lots, ongoing balances, and how much to top up."""
