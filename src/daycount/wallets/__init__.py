"""Prepaid credits: wallets, what moves in them, and the rules that top them up."""
