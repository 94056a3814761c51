"""The record card of a household's members: what is known of them, and from whom (OWN-04).

`standard` says how items are written, `events`, `commands` and `decide` follow as everywhere.
"""
