"""The kinds of rows that are imported: of each its columns, facts, commands and identity."""
