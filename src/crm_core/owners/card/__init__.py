"""The record card of a household's members: what is known of them, from whom, and how sure (OWN-04).

`standard` says how items are written, `events`, `commands` and `decide` follow as everywhere.
"""
