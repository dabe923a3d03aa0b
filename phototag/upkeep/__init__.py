"""Keeping a library healthy: what is there twice, what went bad, what is no longer needed."""
