"""The truth of a library: where it is, its documents, its journal, and the one road for decisions."""
