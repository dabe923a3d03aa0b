"""What looks at pictures: protocols, the registry, and one adapter a model family."""
