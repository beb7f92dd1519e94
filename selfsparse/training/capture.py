"""A training step as one CUDA graph: recorded once, then launched whole, without Python and without single launches.

As PyTorch's notes on CUDA graphs ask: some steps on a side stream first, in which libraries choose their algorithms and
optimizers make their state; gradients dropped, so that they are allocated in the graph's own memory; then the recording.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

WARM_UP = 3  # steps; the first allocate workspaces and the optimizers' state


class CapturedStep:
    """The recorded step. What it leaves behind when it is made is what was there before: not one step has been taken.

    Args:
        step: takes one step and returns a tensor; it neither waits for the device nor branches on its values, and reads
            and writes tensors that stay where they are.
        networks, optimizers: what the step changes; weights, buffers, and the optimizers' state.
        others: other tensors that the step changes.
        rng: what the step draws from, of the device.
        stream: the current stream, which is not the default one; every replay has to happen on it.
    """

    def __init__(
        self,
        step: Callable[[], Tensor],
        networks: Sequence[nn.Module],
        optimizers: Sequence[torch.optim.Optimizer],
        others: Sequence[Tensor],
        rng: torch.Generator,
        stream: torch.cuda.Stream,
    ) -> None:
        with undone(networks, optimizers, others, rng), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a capturable optimizer takes a step that is not captured
            for _ in range(WARM_UP):
                step()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        if hasattr(self._graph, "register_generator_state"):  # later ones find the generator by themselves
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # from PyTorch 2.12 on: that it does nothing
                self._graph.register_generator_state(rng)
        with torch.cuda.graph(self._graph, stream=stream):
            self._result = step()

    def __call__(self) -> Tensor:
        """Take one step, on the current stream, and return its result, which the next step does not overwrite."""
        self._graph.replay()  # moves the generator's offset on, as the step's own draws would have
        return self._result.clone()


@contextmanager
def undone(
    networks: Sequence[nn.Module],
    optimizers: Sequence[torch.optim.Optimizer],
    others: Sequence[Tensor],
    rng: torch.Generator,
) -> Iterator[None]:
    """Undo the steps that are taken inside, in place: no tensor moves to another address.

    An optimizer that had no state yet keeps the one it made, set to zeros, which is what Adam begins from.
    """
    changed = [value for network in networks for value in network.state_dict().values()]
    changed += [*others, *_state(optimizers)]
    before, draws = [value.clone() for value in changed], rng.get_state()
    try:
        yield
    finally:
        known = {id(value) for value in changed}
        with torch.no_grad():
            for value, old in zip(changed, before, strict=True):
                value.copy_(old)
            for value in _state(optimizers):
                if id(value) not in known:
                    value.zero_()
        rng.set_state(draws)


def _state(optimizers: Sequence[torch.optim.Optimizer]) -> list[Tensor]:
    found = (value for optimizer in optimizers for state in optimizer.state.values() for value in state.values())
    return [value for value in found if isinstance(value, Tensor)]
