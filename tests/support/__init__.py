"""What tests share: a real server, organizations on it, and a small client."""
