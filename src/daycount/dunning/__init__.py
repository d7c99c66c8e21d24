"""Dunning: campaigns that ask for overdue balances again and again."""
