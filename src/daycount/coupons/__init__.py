"""Coupons: what they are worth, and to whom they are applied."""
