"""The report: a folder of static pages about a collection's clusters, which opens from disk with no server."""
