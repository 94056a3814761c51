"""Relays: the events of the log for other systems."""
