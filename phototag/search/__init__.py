"""Asking: filters, lexical and vector search, facets, over one open index."""
