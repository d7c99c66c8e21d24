"""What payment providers tell us by webhooks."""
