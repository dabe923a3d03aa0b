"""Which models a library uses where nobody names one: a document of the library, read without importing any model."""

from __future__ import annotations

from phototag.library import documents
from phototag.library.tree import Tree

MODELS = "models"
"""Section of the policy document; its keys are ``tagger`` and ``embedder``."""
FALLBACK = "builtin"


def default_model(tree: Tree, task: str) -> str:
    """Return the name of the model in force for ``tagger`` or ``embedder``: setting, library, ``builtin``."""
    named: str = getattr(tree.settings, task)
    if named:
        return named
    policy = documents.read_document(tree, documents.POLICY)
    return (policy.get(MODELS, task, str) if policy is not None else None) or FALLBACK
