"""Precision and memory layout as settings: the same training up to the rounding that each of them means."""

import operator

import pytest
import torch
from small_project import SMALL, write_project

from selfsparse.config import load_settings
from selfsparse.device import float32_precision
from selfsparse.training.objective import gradient_penalty
from selfsparse.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    def trainer(name: str = "digits-16-self_sparse", **train) -> Trainer:
        changes = {**SMALL, "suites.quick.train.generator_lr": 0.0001, "suites.quick.train.discriminator_lr": 0.0003}
        changes |= {f"suites.quick.train.{key}": value for key, value in train.items()}
        configuration = load_settings(write_project(tmp_path, changes) / "params.yaml").configuration(name)
        shape = (40, configuration.dataset.channels, 16, 16)
        images = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        return Trainer(configuration, 0, images, CPU)

    return trainer


def losses(trainer: Trainer, steps: int) -> torch.Tensor:
    return torch.stack([trainer.generator_step() for _ in range(steps)])


@pytest.mark.parametrize("name", ["digits-16-wgan_gp", "digits-16-self_sparse", "photos-16-self_sparse"])
def test_channels_last_is_the_same_up_to_rounding(make, name):
    first, last = make(name), make(name, channels_last=True)
    torch.testing.assert_close(losses(last, 5), losses(first, 5), rtol=1e-4, atol=1e-5)
    weights = [v for v in last.discriminator.state_dict().values() if v.dim() == 4 and min(v.shape[1:]) > 1]
    assert weights and all(v.is_contiguous(memory_format=torch.channels_last) for v in weights)


def test_a_channels_last_run_goes_on_to_the_same_bits(make):
    whole = make(channels_last=True)
    expected = losses(whole, 5)
    first = make(channels_last=True)
    losses(first, 2)
    second = make(channels_last=True)
    second.load_state_dict(first.state_dict())
    assert torch.equal(losses(second, 3), expected[2:])


def test_the_penaltys_gradient_under_bf16(make):
    """Its second backward pass runs through casts: it points where that in float32 does, as far as bf16 can tell.

    Rounding the weights alone to bf16 moves these gradients as much: measured, cosines of 0.9996, here 0.999.
    """
    found = {}
    for precision in ("fp32", "bf16"):
        trainer = make(precision=precision)
        points = torch.rand(16, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
        trainer._explicit = None  # whose scores are differentiated once
        penalty = gradient_penalty(trainer._scores, points)
        found[precision] = penalty, torch.autograd.grad(penalty, list(trainer.discriminator.parameters()))
    (a, full), (b, half) = found["fp32"], found["bf16"]
    assert b != a and b.item() == pytest.approx(a.item(), rel=0.02)
    for x, y in zip(full, half, strict=True):
        assert y.dtype == torch.float32 and torch.cosine_similarity(x.flatten(), y.flatten(), dim=0) > 0.99
        assert y.norm().item() == pytest.approx(x.norm().item(), rel=0.05)


def test_what_stays_is_float32_under_bf16(make):
    trainer = make(precision="bf16")
    assert losses(trainer, 3).isfinite().all()
    networks = trainer.generator, trainer.discriminator
    assert {v.dtype for network in networks for v in network.state_dict().values()} == {torch.float32, torch.int64}
    assert all(p.grad.dtype == torch.float32 for network in networks for p in network.parameters())


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
def test_tf32_means_nothing_to_a_cpu(make, precision):
    assert torch.equal(losses(make(precision=precision), 2), losses(make(), 2))


@pytest.mark.parametrize(("precision", "matmul", "convolution"), [("tf32", "high", True), ("fp32", "highest", False)])
def test_the_precision_holds_inside_alone(precision, matmul, convolution):
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with pytest.raises(KeyError), float32_precision(precision):
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == (matmul, convolution)
        raise KeyError
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


PLACES = ("", "cuda.matmul", "cudnn", "cudnn.conv", "cudnn.rnn", "mkldnn", "mkldnn.matmul")


def _set(place: str, value: str) -> None:
    operator.attrgetter(f"backends.{place}".rstrip("."))(torch).fp32_precision = value


def _all_precisions() -> dict[str, str]:
    return {p: operator.attrgetter(f"backends.{p}".rstrip("."))(torch).fp32_precision for p in PLACES}


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="PyTorch 2.9 brought these settings")
@pytest.mark.parametrize("precision", ["fp32", "tf32"])
@pytest.mark.parametrize(
    "callers",
    [
        {},
        {"": "tf32"},
        {"": "ieee"},
        {"cudnn": "ieee"},
        {"cuda.matmul": "tf32"},
        {"cuda.matmul": "ieee", "mkldnn.matmul": "bf16"},
        {"cudnn.conv": "ieee"},
        {"cudnn.conv": "tf32", "cudnn.rnn": "ieee", "mkldnn": "bf16"},
    ],
    ids=str,
)
def test_the_callers_newer_settings_hold_again(callers, precision):
    try:
        for place, value in callers.items():
            _set(place, value)
        before = _all_precisions()
        with float32_precision(precision):
            inside = _all_precisions()
            full = {"fp32": {"ieee", "none"}, "tf32": {"tf32"}}[precision]  # none: full, as nothing else is said
            assert {inside[place] for place in ("cuda.matmul", "cudnn.conv", "cudnn.rnn")} <= full
        assert _all_precisions() == before
        if callers.keys() == {""}:  # what took the general setting's value takes it again
            _set("", "none")
            assert _all_precisions()["cuda.matmul"] == "none"
    finally:
        torch.set_float32_matmul_precision("highest")
        for place in PLACES:
            _set(place, "none")
        torch.backends.cudnn.allow_tf32 = True  # PyTorch's default
