"""Which real images a step sees, and that they are the same whether they lie on the device or are streamed to it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from selfsparse.training.real_images import RealImages, ShuffledBatches

CPU = torch.device("cpu")
COUNT, BATCH, PER_STEP = 23, 4, 2  # 5 batches an epoch: a step's two batches cross the border of an epoch


def epoch(batches: ShuffledBatches, number: int, per_epoch: int) -> list[int]:
    return [int(i) for k in range(per_epoch) for i in batches[number * per_epoch + k]]


def test_an_epoch_is_a_permutation():
    found = epoch(ShuffledBatches(30, 5, 0), 0, 6)
    assert sorted(found) == list(range(30)) and found != list(range(30))


def test_no_short_batch():
    # 32 images in batches of 5: six batches, two images sit an epoch out, and not the same ones each time (U62).
    batches = ShuffledBatches(32, 5, 0)
    assert all(len(batches[k]) == 5 for k in range(20))
    first, second = (epoch(batches, e, 6) for e in (0, 1))
    assert len(set(first)) == len(set(second)) == 30
    assert set(first) != set(second)


def test_epochs_and_seeds_differ():
    found = [tuple(epoch(ShuffledBatches(30, 5, seed), e, 6)) for seed in range(4) for e in range(4)]
    assert len(set(found)) == 16  # no seed's epoch is another seed's later one


def test_a_batch_is_a_function_of_seed_and_number():
    forwards = ShuffledBatches(30, 4, 7)
    order = [forwards[k].tolist() for k in range(40)]
    backwards = ShuffledBatches(30, 4, 7)
    assert [backwards[k].tolist() for k in reversed(range(40))] == order[::-1]
    assert [ShuffledBatches(30, 4, 7)[k].tolist() for k in range(40)] == order


def test_every_image_is_seen_equally_often():
    batches, seen = ShuffledBatches(10, 10, 3), [0] * 10
    for k in range(50):
        for i in batches[k]:
            seen[i] += 1
    assert seen == [50] * 10


def test_too_few_images():
    with pytest.raises(ValueError, match="3 images are fewer than one batch of 4"):
        ShuffledBatches(3, 4, 0)


def numbered() -> torch.Tensor:
    """Images (23, 1, 2, 2) whose pixels are their number."""
    return torch.arange(COUNT, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()


def expected(step: int) -> list[list[int]]:
    batches = ShuffledBatches(COUNT, BATCH, 7)
    return [batches[step * PER_STEP + i].tolist() for i in range(PER_STEP)]


def seen(source: RealImages, step: int) -> list[list[int]]:
    source.fetch(step)
    assert source.batches.shape == (PER_STEP, BATCH, 1, 2, 2) and source.batches.dtype == torch.uint8
    return source.batches[:, :, 0, 0, 0].tolist()


def streamed(images: torch.Tensor) -> RealImages:
    """As for a device that the images do not lie on."""
    found = RealImages(images, ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU)
    found._thread = ThreadPoolExecutor(1)
    return found


@pytest.fixture(params=["resident", "streamed"])
def source(request):
    if request.param == "streamed":
        return streamed(numbered())
    return RealImages(numbered(), ShuffledBatches(COUNT, BATCH, 7), PER_STEP, CPU)


@pytest.mark.parametrize("first", [0, 1, 3, 1000])
def test_the_batches_of_every_step_from_any_one(source, first):
    """Across epochs, always at the same address."""
    address = source.batches.data_ptr()
    for step in range(first, first + 10):
        assert seen(source, step) == expected(step), step
    assert source.batches.data_ptr() == address


def test_a_step_back_or_once_more(source):
    for step in (0, 1, 2, 2, 1, 4):
        assert seen(source, step) == expected(step)


def test_a_memory_mapped_file_is_streamed(tmp_path):
    np.save(tmp_path / "images.npy", numbered().numpy())
    source = streamed(torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c")))
    assert [seen(source, step) for step in range(4)] == [expected(step) for step in range(4)]


def test_the_next_steps_images_are_gathered_meanwhile():
    source = streamed(numbered())
    source.fetch(0)
    step, images = source._ahead
    assert step == 1 and images.result(timeout=10)[:, 0, 0, 0].view(PER_STEP, -1).tolist() == expected(1)
