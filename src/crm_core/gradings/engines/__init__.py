"""Engines: what computes the facts of all households, and the one that reads them from events."""
