"""What a property company adds to crm-core: its policy, its letters, its billing."""
