"""Organizations: the tenants, their billing entities, API keys and test clocks."""
