"""Which real images each discriminator step sees, and how they reach the device."""

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor


class ShuffledBatches:
    """Batches of indices: a fresh permutation of all images per epoch, without a last short batch (U10, U62).

    Batch k is a function of (seed, k) alone, so a run resumes at any step without saved state.
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        if count < batch_size:
            raise ValueError(f"{count} images are fewer than one batch of {batch_size}")
        self.batch_size, self._count, self._seed = batch_size, count, seed
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def __getitem__(self, k: int) -> Tensor:
        """Return the indices (batch_size,) of the k-th batch since the start of training."""
        epoch, position = divmod(k, self._count // self.batch_size)
        if epoch != self._epoch:
            # Large odd factor: neighbouring seeds share no epoch's permutation.
            rng = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._epoch, self._order = epoch, torch.randperm(self._count, generator=rng)
        return self._order[position * self.batch_size : (position + 1) * self.batch_size]


class RealImages:
    """The real images of a run's steps, gathered into one tensor that never moves, as a recorded CUDA graph reads it.

    Images that lie on the device are gathered there. Those of a memory-mapped file are gathered by a thread, while the device
    works on the step before.

    Args:
        images: uint8 (N, C, H, W).
        per_step: batches of one generator step.
    """

    def __init__(self, images: Tensor, batches: ShuffledBatches, per_step: int, device: torch.device) -> None:
        self._images, self._order, self._per_step = images, batches, per_step
        self.batches = torch.empty(per_step, batches.batch_size, *images.shape[1:], dtype=torch.uint8, device=device)
        self._thread = None
        if images.device.type != device.type:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="images")
        self._ahead: tuple[int, Future[Tensor]] | None = None  # a step, and its images

    def fetch(self, step: int) -> None:
        """Have the images of a generator step in `batches`, uint8 (per_step, batch_size, C, H, W)."""
        flat = self.batches.flatten(0, 1)
        if self._thread is None:
            indices = self._pinned(self._indices(step)).to(flat.device, non_blocking=True)
            torch.index_select(self._images, 0, indices, out=flat)
            return
        if self._ahead is None or self._ahead[0] != step:  # the first step, or one out of order
            self._gather(step)
        flat.copy_(self._ahead[1].result(), non_blocking=True)
        self._gather(step + 1)

    def _indices(self, step: int) -> Tensor:
        first = step * self._per_step
        return torch.cat([self._order[k] for k in range(first, first + self._per_step)])

    def _gather(self, step: int) -> None:
        indices = self._indices(step)
        self._ahead = step, self._thread.submit(lambda: self._pinned(self._images.index_select(0, indices)))

    def _pinned(self, values: Tensor) -> Tensor:
        """What goes to a GPU, in pinned memory: from other memory the copy would wait for all that the GPU has to do."""
        return values.pin_memory() if self.batches.is_cuda else values


def images_on_device(images: Tensor, device: torch.device) -> Tensor:
    """Move uint8 images to a GPU where they take at most half of its free memory; else leave them, memory-mapped."""
    if device.type == "cuda" and images.nbytes <= torch.cuda.mem_get_info(device)[0] // 2:
        return images.to(device)
    return images
