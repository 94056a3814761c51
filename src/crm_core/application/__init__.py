"""What crosses slices: who may do what, and what is looked up for a command."""
