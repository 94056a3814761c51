"""crm-core behind Django."""
