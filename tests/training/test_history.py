"""What a run remembers: means between evaluations, the best generator, and the step that went wrong."""

import math

import pytest
import torch
from torch import nn

from selfsparse.training.history import History, first_non_finite

GOOD = torch.tensor([1.0, 2.0, 3.0])


def bad(position: int, value: float = math.nan) -> torch.Tensor:
    losses = GOOD.clone()
    losses[position] = value
    return losses


def network(value: float) -> nn.Module:
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, value)
    return linear


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_step_that_is_not_finite(position, value):
    # The last evaluation was at step 100; losses of steps 101 to 105 are remembered, 103 and 105 are bad.
    assert first_non_finite([GOOD, GOOD, bad(position, value), GOOD, bad(0)], 105) == 103


def test_all_finite():
    assert first_non_finite([GOOD, GOOD], 7) is None
    assert first_non_finite([], 0) is None


def test_a_point_closes_an_interval():
    history = History()
    history.add_point(0, 50.0, [], (0.0, 0.0), network(0))
    assert history.curve[0].discriminator_loss is None and history.curve[0].generator_gradient_norm is None
    history.add_point(2, 40.0, [GOOD, 3 * GOOD], (0.5, 0.25), network(2))
    point = history.curve[1]
    # Means of (1, 2, 3) and (3, 6, 9).
    assert (point.discriminator_loss, point.generator_loss, point.gradient_penalty) == (2.0, 4.0, 6.0)
    assert (point.discriminator_gradient_norm, point.generator_gradient_norm) == (0.5, 0.25)


def test_the_best_generator_is_the_lowest_fid_and_a_copy():
    history, generator = History(), network(0)
    for step, fid in enumerate([50.0, 30.0, 40.0, 30.0]):
        nn.init.constant_(generator.weight, step)
        history.add_point(step, fid, [], (0.0, 0.0), generator)
    nn.init.constant_(generator.weight, 99.0)
    assert (history.best_step, history.best_fid) == (1, 30.0)  # the first of two equal ones
    assert history.best_generator["weight"].item() == 1.0


def test_state_makes_the_round_trip(tmp_path):
    history = History(losses=[GOOD], progress=[torch.zeros(2, 1, 4, 4, dtype=torch.uint8)])
    history.add_point(4, 12.5, [GOOD], (1.0, 2.0), network(1))
    history.diverged_at = 5
    torch.save(history.state_dict(), tmp_path / "state.pt")
    found = History.from_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert found.curve == history.curve and found.diverged_at == 5
    assert (found.best_step, found.best_fid) == (4, 12.5)
    assert torch.equal(found.losses[0], GOOD) and torch.equal(found.progress[0], history.progress[0])
    assert torch.equal(found.best_generator["weight"], history.best_generator["weight"])
