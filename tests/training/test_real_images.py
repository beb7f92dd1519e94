"""Where a step's real images come from: the same batches whether they lie on the device or are streamed to it."""

import numpy as np
import pytest
import torch

from selfsparse.training.batches import ShuffledBatches
from selfsparse.training.real_images import AHEAD, ResidentImages, StreamedImages, real_images

CPU = torch.device("cpu")
COUNT, BATCH, PER_STEP = 23, 4, 2  # 5 batches an epoch: a step's two batches cross the border of an epoch


def numbered() -> torch.Tensor:
    """Images (23, 1, 2, 2) whose pixels are their number."""
    return torch.arange(COUNT, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()


def expected(step: int) -> list[list[int]]:
    batches = ShuffledBatches(COUNT, BATCH, 7)
    return [batches[step * PER_STEP + i].tolist() for i in range(PER_STEP)]


def seen(source, step: int) -> list[list[int]]:
    source.before(step)
    batches = [source.batch(i).clone() for i in range(PER_STEP)]
    source.after()
    assert all(batch.shape == (BATCH, 1, 2, 2) and batch.dtype == torch.uint8 for batch in batches)
    return [batch[:, 0, 0, 0].tolist() for batch in batches]


@pytest.fixture(params=[ResidentImages, StreamedImages])
def source(request):
    return request.param(numbered(), ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU)


def test_the_batches_of_every_step(source):
    """Across epochs, and across the border of what is written at once."""
    for step in range(AHEAD + 20):
        assert seen(source, step) == expected(step), step


@pytest.mark.parametrize("first", [1, 3, AHEAD - 1, AHEAD, 1000])
def test_a_run_that_goes_on_from_any_step(source, first):
    assert [seen(source, step) for step in range(first, first + 4)] == [expected(s) for s in range(first, first + 4)]


def test_a_step_back(source):
    for step in range(5):
        seen(source, step)
    source.restart()
    assert [seen(source, step) for step in (2, 3, 4)] == [expected(step) for step in (2, 3, 4)]


def test_what_a_recording_takes_is_put_back():
    """A recording takes steps beforehand; with the counter put back, the next step is the one it would have been."""
    source = ResidentImages(numbered(), ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU)
    source.before(3)
    before = [value.clone() for value in source.state]
    for _ in range(3):
        for i in range(PER_STEP):
            source.batch(i)
    for value, old in zip(source.state, before, strict=True):
        value.copy_(old)
    assert seen(source, 3) == expected(3)


def test_a_memory_mapped_file_is_streamed(tmp_path):
    np.save(tmp_path / "images.npy", numbered().numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c"))
    source = StreamedImages(mapped, ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU)
    assert [seen(source, step) for step in range(4)] == [expected(step) for step in range(4)]


def test_images_on_the_device_are_resident():
    assert isinstance(real_images(numbered(), ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU), ResidentImages)


def test_the_next_steps_images_are_gathered_meanwhile():
    """While a step reads its images, the thread is at those of the next, in the other buffer."""
    source = StreamedImages(numbered(), ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU)
    source.before(0)
    source._slots[1].gathered.result(timeout=10)
    assert source._slots[1].host[:, 0, 0, 0].view(PER_STEP, -1).tolist() == expected(1)
    assert [source.batch(i)[:, 0, 0, 0].tolist() for i in range(PER_STEP)] == expected(0)
