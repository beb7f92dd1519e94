"""Self-Sparse Generative Adversarial Networks, reproduced: model, training, measures and analysis."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfsparse.hub.generator import load_generator
    from selfsparse.models.sastm import SASTM

__all__ = ["SASTM", "load_generator"]

# Imported when they are first asked for: importing torch takes seconds, and most commands do without.
_EXPORTS = {"SASTM": "selfsparse.models.sastm", "load_generator": "selfsparse.hub.generator"}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
