"""The web pages: server-rendered, on the API's own operations."""
