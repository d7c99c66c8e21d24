"""The wire: HTTP, JSON, and the contract's shapes. Nothing below it knows of them."""
