"""crm-core behind FastAPI."""
