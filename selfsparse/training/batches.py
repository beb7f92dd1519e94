"""Which real images each discriminator step sees."""

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
