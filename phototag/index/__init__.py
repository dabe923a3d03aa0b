"""The index: Arrow tables and vectors derived from the sidecars, in the cache; it may be deleted at any moment."""

VERSION = 3
"""Of everything in the index folder; another version is rebuilt, never read."""
