"""Which images a step sees: permutations, epoch by epoch, as a function of the seed and the step."""

import pytest

from selfsparse.training.batches import ShuffledBatches


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
