"""What goes through the gateway: the log of calls, and its numbers."""
