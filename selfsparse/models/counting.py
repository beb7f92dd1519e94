"""What a network costs: the FLOPs, operations and memory of whatever runs, counted as it passes; no values are needed.

A FLOP is a multiplication or an addition; those of convolutions and matrix products count, as in PyTorch's counter.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True)
class Work:
    """FLOPs of some work, the operations that it launches, and the most bytes that its results take at a time."""

    flops: int
    operations: int
    peak_bytes: int


class _Counter(TorchDispatchMode):
    """Counts what passes. PyTorch's own counter cannot follow the penalty's gradient inside of a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.operations = self.bytes = self.peak_bytes = 0
        self._alive: weakref.WeakSet = weakref.WeakSet()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: to have its compiler leave this class alone, PyTorch would import it, which takes two seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=out)
        if not func.is_view:
            self.operations += 1
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self._hold(tensor.untyped_storage())
        return out

    def _hold(self, storage: torch.UntypedStorage) -> None:
        if storage in self._alive:
            return
        self._alive.add(storage)
        size = storage.nbytes()
        self.bytes += size
        self.peak_bytes = max(self.peak_bytes, self.bytes)
        weakref.finalize(storage, self._release, size).atexit = False

    def _release(self, size: int) -> None:
        self.bytes -= size


@contextmanager
def counted() -> Iterator[Callable[[], Work]]:
    """Count what PyTorch does inside; call what is yielded for it."""
    counter = _Counter()
    with counter:
        yield lambda: Work(counter.flops, counter.operations, counter.peak_bytes)


@torch.no_grad()
def forward_flops(network: nn.Module, entry: Tensor) -> int:
    """Return the FLOPs of a network's forward pass on `entry`, which may lie on PyTorch's meta device as the network may."""
    with counted() as work:
        network(entry)
    return work().flops
