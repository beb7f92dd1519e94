"""How real images reach a training step: from where they lie as uint8, to the device, without a loop over images.

A step reads its batches from tensors whose addresses never change, as a captured CUDA graph has to. What changes from step
to step, which images, is written into such tensors before the step, in the order of the run's stream.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import torch
from torch import Tensor

from selfsparse.training.batches import ShuffledBatches

AHEAD = 256  # steps whose indices are written at once


class RealImages(Protocol):
    """What a trainer asks of its real images."""

    def before(self, step: int) -> None:
        """Have the batches of a generator step ready."""

    def batch(self, i: int) -> Tensor:
        """Return the batch of the step's i-th discriminator step, uint8 (B, C, H, W), on the device."""

    def after(self) -> None:
        """Begin to prepare the batches of the step that follows."""

    def restart(self) -> None:
        """Forget what was prepared: the next step may be any."""

    @property
    def state(self) -> list[Tensor]:
        """What `batch` itself changes on the device."""


def real_images(images: Tensor, batches: ShuffledBatches, per_step: int, device: torch.device) -> RealImages:
    """Return the way for images (N, C, H, W), uint8: resident where they lie on the device, else streamed."""
    kind = ResidentImages if images.device.type == device.type else StreamedImages
    return kind(images, batches, per_step, device)


def images_on_device(images: Tensor, device: torch.device) -> Tensor:
    """Move uint8 images to a GPU where they take at most half of its free memory; else leave them, memory-mapped."""
    if device.type == "cuda" and images.nbytes <= torch.cuda.mem_get_info(device)[0] // 2:
        return images.to(device)
    return images


class ResidentImages:
    """Images that lie on the device whole.

    The indices of AHEAD steps are written at once, about 260 kB at batch 64; a counter on the device, which the step itself
    advances, says which of them are next. So a step, captured or not, takes nothing from the host.
    """

    def __init__(self, images: Tensor, batches: ShuffledBatches, per_step: int, device: torch.device) -> None:
        self._images, self._batches, self._per_step = images, batches, per_step
        self._indices = torch.zeros(AHEAD, per_step, batches.batch_size, dtype=torch.int64, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._first = self._next = -1

    def before(self, step: int) -> None:
        """Write the indices of this step and of those that follow, where it is not among those written."""
        if step != self._next or step >= self._first + AHEAD:
            first = step * self._per_step
            rows = torch.stack([self._batches[k] for k in range(first, first + AHEAD * self._per_step)])
            if self._indices.is_cuda:
                rows = rows.pin_memory()  # from other memory the copy would wait for the stream
            self._indices.copy_(rows.view_as(self._indices), non_blocking=True)
            self._place.zero_()
            self._first = step
        self._next = step

    def batch(self, i: int) -> Tensor:
        """The i-th batch; the last one of a step moves the counter on."""
        row = self._indices.index_select(0, self._place)[0, i]
        if i == self._per_step - 1:
            self._place += 1
        return self._images.index_select(0, row)

    def after(self) -> None:
        """The counter has moved on already."""
        self._next += 1

    def restart(self) -> None:
        """The next step writes its indices anew."""
        self._next = -1

    @property
    def state(self) -> list[Tensor]:
        """The counter."""
        return [self._place]


class _Slot:
    """One of two buffers on the way: gathered on the host, copied to the device, then copied to where the step reads."""

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        cuda = device.type == "cuda"
        self.host = torch.empty(shape, dtype=torch.uint8, pin_memory=cuda)
        self.device = torch.empty(shape, dtype=torch.uint8, device=device)
        self.arrived = torch.cuda.Event() if cuda else None  # on the device: the host buffer is free again
        self.read = torch.cuda.Event() if cuda else None  # by the step: the device buffer is free again
        self.gathered: Future[None] | None = None


class StreamedImages:
    """Images that stay in a memory-mapped file: a thread gathers the next step's while the device works on this one's.

    Two slots alternate. The gathered batches go to the device on a stream of their own, so that no step waits for them
    unless the disk is slower than the training. The step reads one fixed tensor, which is filled in its own stream.
    """

    def __init__(self, images: Tensor, batches: ShuffledBatches, per_step: int, device: torch.device) -> None:
        self._images, self._batches, self._per_step = images, batches, per_step
        shape = (per_step * batches.batch_size, *images.shape[1:])
        self._slots = [_Slot(shape, device) for _ in range(2)]
        self._static = torch.empty(shape, dtype=torch.uint8, device=device)
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="images")
        self._next = -1

    def before(self, step: int) -> None:
        """Put this step's images where the step reads them."""
        if step != self._next:  # the first step, or one out of order: nothing of it is under way
            self._next = step
            self._gather(step)
            self._send(step)
        slot = self._slots[step % 2]
        if slot.arrived is not None:
            torch.cuda.current_stream().wait_event(slot.arrived)
        self._static.copy_(slot.device)
        if slot.read is not None:
            slot.read.record()
        self._gather(step + 1)

    def batch(self, i: int) -> Tensor:
        """The i-th batch of the step."""
        return self._static.view(self._per_step, -1, *self._static.shape[1:])[i]

    def after(self) -> None:
        """Send the next step's images on their way, now that the device has this step's work."""
        self._next += 1
        self._send(self._next)

    def restart(self) -> None:
        """The next step gathers its images anew."""
        for slot in self._slots:
            if slot.gathered is not None:
                slot.gathered.result()
        self._next = -1

    @property
    def state(self) -> list[Tensor]:
        """Nothing: the step only reads."""
        return []

    def _gather(self, step: int) -> None:
        """Have the thread gather a step's images into its slot's host buffer, once the copy before has left it."""
        slot, first = self._slots[step % 2], step * self._per_step
        indices = torch.cat([self._batches[k] for k in range(first, first + self._per_step)])
        if slot.arrived is not None:
            slot.arrived.synchronize()  # returns at once for an event that was never recorded
        slot.gathered = self._thread.submit(torch.index_select, self._images, 0, indices, out=slot.host)

    def _send(self, step: int) -> None:
        """Copy a step's gathered images to the device, once the step two before has read what lay there."""
        slot = self._slots[step % 2]
        slot.gathered.result()
        if self._copies is None:
            slot.device.copy_(slot.host)
            return
        with torch.cuda.stream(self._copies):
            self._copies.wait_event(slot.read)
            slot.device.copy_(slot.host, non_blocking=True)
            slot.arrived.record()
