"""What follows from each command about a household's gradings; `decide` puts it together."""
