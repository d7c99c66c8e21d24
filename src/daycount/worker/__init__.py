"""The worker: makes what time causes happen."""
