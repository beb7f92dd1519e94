"""What a trainer does differently on a GPU: a stream of its own, and its step as one CUDA graph. On a CPU, nothing.

A graph is recorded once, then launched whole, without Python and without single launches. As PyTorch's notes on CUDA graphs
ask: some steps first, in which libraries choose their algorithms and optimizers make their state; gradients dropped, so that
they are allocated in the graph's own memory; then the recording.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from selfsparse.device import float32_precision, is_out_of_memory
from selfsparse.errors import RunError

WARM_UP = 3  # steps; the first allocate workspaces and the optimizers' state
MOST_AHEAD = 32  # steps of which a GPU is given no more than twice as many ahead: an interruption waits for those


def on_stream(stream: torch.cuda.Stream | None) -> AbstractContextManager:
    """Do what is inside on this stream; on a CPU, where there is none, at once."""
    return nullcontext() if stream is None else torch.cuda.stream(stream)


class GpuSteps:
    """How a trainer's steps are taken on its device. Several trainers can share a GPU, as each has a stream of its own.

    Args:
        precision: of the work on a GPU, `fp32`, `tf32` or `bf16`.
        record: whether a GPU's steps are to be recorded as a CUDA graph.
    """

    def __init__(self, device: torch.device, precision: str, record: bool) -> None:
        cuda = device.type == "cuda"
        self.stream = torch.cuda.Stream(device) if cuda else None
        self._mark = torch.cuda.Event() if cuda else None
        self.records = cuda and record
        self._precision = precision
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Tensor | None = None

    @contextmanager
    def at_work(self, step: int = 0) -> Iterator[None]:
        """The trainer's stream and precision. After some of the steps it waits for those that were launched long before."""
        if self.stream is None:
            yield
            return
        with torch.cuda.stream(self.stream), float32_precision(self._precision):
            yield
            if step % MOST_AHEAD == 0:
                self._mark.synchronize()
                self._mark.record()

    def take(self, step: Callable[[], Tensor]) -> Tensor:
        """Take a step, as it is or as it was recorded, and return its result, which the next one does not overwrite."""
        if self._graph is None:
            return step()
        self._graph.replay()  # moves the generator's offset on, as the step's own draws would have
        return self._result.clone()

    def forget(self) -> None:
        """Drop the recorded step: it writes to where the optimizers' state lay before another was loaded."""
        self._graph = self._result = None

    def record(
        self,
        step: Callable[[], Tensor],
        networks: Sequence[nn.Module],
        optimizers: Sequence[torch.optim.Optimizer],
        rng: torch.Generator,
        name: str,
    ) -> None:
        """Record a step. What that leaves behind is what was there before: not one step has been taken.

        Args:
            step: neither waits for the device nor branches on its values, and works on tensors that stay where they are.
            networks, optimizers: what it changes.
            rng: what it draws from, of the device.
            name: whose step it is, for the message.

        Raises:
            RunError: it cannot be recorded.
        """
        if not self.records or self._graph is not None:
            return
        try:
            with warnings.catch_warnings():
                # That a capturable optimizer takes a step that is not captured; that registering does nothing (PyTorch 2.12).
                warnings.simplefilter("ignore")
                with undone(networks, optimizers, rng):
                    for _ in range(WARM_UP):
                        step()
                for optimizer in optimizers:
                    optimizer.zero_grad(set_to_none=True)
                self.stream.synchronize()
                graph = torch.cuda.CUDAGraph()
                if hasattr(graph, "register_generator_state"):  # later ones find the generator by themselves
                    graph.register_generator_state(rng)
            with torch.cuda.graph(graph, stream=self.stream):
                self._result = step()
            self._graph = graph
        except RuntimeError as error:
            cause: BaseException = error  # the end of a recording that failed only says that it has failed
            while cause.__context__ is not None:
                cause = cause.__context__
            if is_out_of_memory(cause):
                raise cause from None
            raise RunError(
                f"{name}: the training step could not be recorded as a CUDA graph: {' '.join(str(cause).split())[:300]}\n"
                "Set train.cuda_graph: false in params.yaml to launch its parts one by one, which is slower."
            ) from error


@contextmanager
def undone(
    networks: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer], rng: torch.Generator
) -> Iterator[None]:
    """Undo the steps that are taken inside, in place: no tensor moves to another address.

    An optimizer that had no state yet keeps the one it made, set to zeros, which is what Adam begins from.
    """

    def changed() -> list[Tensor]:
        of_networks = [value for network in networks for value in network.state_dict().values()]
        states = (state for optimizer in optimizers for state in optimizer.state.values())
        return of_networks + [v for state in states for v in state.values() if isinstance(v, Tensor)]

    before, draws = {value.data_ptr(): value.clone() for value in changed()}, rng.get_state()
    try:
        yield
    finally:
        with torch.no_grad():
            for value in changed():
                old = before.get(value.data_ptr())
                value.zero_() if old is None else value.copy_(old)
        rng.set_state(draws)
