"""The paper's networks. `from selfsparse.models import SASTM` is all that a generator of your own needs."""

from selfsparse.models.sastm import SASTM

__all__ = ["SASTM"]
