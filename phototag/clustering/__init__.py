"""The collection's own taxonomy: groups of alike photos, their names, and what became of them between runs."""
