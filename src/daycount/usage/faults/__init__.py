"""What is wrong with events that were taken all the same, told to whoever listens."""
