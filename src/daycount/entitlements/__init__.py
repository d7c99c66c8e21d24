"""Entitlements: features with their privileges, and which plans and subscriptions have them."""
