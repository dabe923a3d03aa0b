"""Scanning: which images are new or changed (walk, gate), what each still lacks, and writing what was found."""
