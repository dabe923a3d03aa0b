"""phototag: tag, search and sort photos offline; the sidecar beside each image is the only truth.

In Python: ``phototag.open(folder)`` (docs/python.md). Nothing heavy is imported before it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phototag.api import Images, Photos
    from phototag.api import open_library as open  # noqa: A004 - phototag.open reads well, and shadows nothing outside
    from phototag.errors import PhototagError
    from phototag.index.record import ImageRecord

__version__ = "0.1.0"

__all__ = ["ImageRecord", "Images", "Photos", "PhototagError", "__version__", "open"]

_LAZY = {
    "open": ("phototag.api", "open_library"),
    "Photos": ("phototag.api", "Photos"),
    "Images": ("phototag.api", "Images"),
    "ImageRecord": ("phototag.index.record", "ImageRecord"),
    "PhototagError": ("phototag.errors", "PhototagError"),
}

if not TYPE_CHECKING:  # to a type checker a module's __getattr__ would make every name exist

    def __getattr__(name: str) -> Any:
        """Import what is asked for (PEP 562)."""
        if name not in _LAZY:
            raise AttributeError(f"module 'phototag' has no attribute {name!r}")
        from importlib import import_module

        module, attribute = _LAZY[name]
        return getattr(import_module(module), attribute)

    def __dir__() -> list[str]:
        """Return the public names."""
        return sorted(__all__)
