"""Webhooks: who wants to hear of what, what was told, and the telling."""
