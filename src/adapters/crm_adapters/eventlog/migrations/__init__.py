"""The tables' history: one Alembic revision per change, forwards only."""
