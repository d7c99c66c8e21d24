"""What the domain needs from outside itself: databases, queues and other machinery."""
