"""The catalogue: everything known about one image, statistics over all, and dumps for other programs."""
