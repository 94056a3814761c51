"""What follows from each command to a request, subject by subject; `requests.decide` has all."""
