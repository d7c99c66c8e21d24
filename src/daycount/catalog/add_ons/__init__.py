"""Add-ons: things sold by the piece, once on an invoice or again each period as a fixed charge."""
