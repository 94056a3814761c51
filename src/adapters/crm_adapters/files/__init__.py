"""Files in and out: the import files and the generator that writes a plausible set of them."""
