"""A step recorded as a CUDA graph: it leaves nothing behind when it is made, and takes the steps of the one that is not."""

import copy

import pytest
import torch
from small_project import SMALL, write_project

from selfsparse.config import load_settings
from selfsparse.training.gpu import undone
from selfsparse.training.trainer import Trainer

cuda = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]
CONFIGURATIONS = ["stl10-64-wgan_gp", "stl10-64-self_sparse", "stl10-64-self_sparse-resnet", "celeba_hq-128-sagan"]
STEPS = 20
NARROW = {
    **{f"networks.C1.{kind}_widths": [8] * 4 for kind in ("generator", "discriminator")},
    **{f"networks.C2_sagan.{kind}_widths": [8] * 5 for kind in ("generator", "discriminator")},
    "train.batch_size": 4,
}


@pytest.fixture
def repeatable(monkeypatch):
    """As under train.deterministic: the same work gives the same bits."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def make(tmp_path):
    def trainer(name: str, device: str, seed: int = 0, resident: bool = True, **train) -> Trainer:
        changes = {
            **SMALL,
            "train.batch_size": 8,
            **(NARROW if device == "cpu" else {}),
            "suites.paper.train": {"precision": "fp32", **train},
        }
        configuration = load_settings(write_project(tmp_path, changes) / "params.yaml").configuration(name)
        shape = (50, configuration.dataset.channels, *2 * [configuration.dataset.resolution])
        images = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        return Trainer(configuration, seed, images.to(device) if resident else images, torch.device(device))

    return trainer


def tensors(trainer: Trainer) -> dict[str, torch.Tensor]:
    networks = ("generator", trainer.generator), ("discriminator", trainer.discriminator)
    return {f"{kind}.{key}": value for kind, network in networks for key, value in network.state_dict().items()}


def losses(trainer: Trainer, steps: int = STEPS) -> torch.Tensor:
    found = [trainer.generator_step() for _ in range(steps)]
    if trainer.stream is not None:
        trainer.stream.synchronize()
    return torch.stack(found).cpu()


def assert_same(a: Trainer, b: Trainer, rtol: float, atol: float) -> None:
    others = tensors(b)
    for name, value in tensors(a).items():
        torch.testing.assert_close(value, others[name], rtol=rtol, atol=atol, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("name", ["stl10-64-self_sparse", pytest.param("celeba_hq-128-sagan", marks=pytest.mark.slow)])
def test_steps_are_undone_in_place(make, name, begun):
    """Weights, running statistics, the vectors of spectral norms, Adam's moments and counts, and the random stream."""
    trainer, other = make(name, "cpu"), make(name, "cpu")
    if begun:
        trainer.generator_step(), other.generator_step()
    before = {key: (value.data_ptr(), value.clone()) for key, value in tensors(trainer).items()}
    arguments = (
        (trainer.generator, trainer.discriminator),
        (trainer.generator_optimizer, trainer.discriminator_optimizer),
        trainer.rng,
    )
    trainer._real_images.fetch(trainer.step)
    with undone(*arguments):
        for _ in range(2):
            trainer._take_step()
        assert any(not torch.equal(value, before[key][1]) for key, value in tensors(trainer).items())
    for key, value in tensors(trainer).items():
        assert value.data_ptr() == before[key][0] and torch.equal(value, before[key][1]), key
    assert torch.equal(losses(trainer, 2), losses(other, 2))
    assert_same(trainer, other, 0, 0)


def test_a_cpu_records_nothing(make):
    trainer = make("stl10-64-wgan_gp", "cpu")
    trainer.prepare()
    assert trainer._gpu._graph is None


# None of what follows has been run by us yet: no GPU was at hand.


@pytest.mark.parametrize("name", CONFIGURATIONS)
class TestOnAGpu:
    pytestmark = cuda

    def test_recorded_steps_are_the_steps(self, make, name):
        eager, recorded = make(name, "cuda", cuda_graph=False), make(name, "cuda")
        before = {key: value.clone() for key, value in tensors(recorded).items()}
        recorded.prepare()
        torch.cuda.synchronize()
        assert all(torch.equal(value, before[key]) for key, value in tensors(recorded).items())
        assert recorded._gpu._graph is not None and eager._gpu._graph is None
        torch.testing.assert_close(losses(recorded), losses(eager), rtol=1e-2, atol=1e-3)
        torch.cuda.synchronize()
        # Adam moves a weight by about its rate whatever the gradient: where that is noise, both may go apart.
        assert_same(recorded, eager, 1e-2, 2 * STEPS * recorded.configuration.train.discriminator_lr)
        assert torch.equal(recorded.rng.get_state(), eager.rng.get_state())
        norms = recorded.gradient_norms(), eager.gradient_norms()
        torch.cuda.synchronize()
        torch.testing.assert_close(*norms, rtol=1e-2, atol=1e-4)

    def test_the_first_step_agrees_closely(self, make, name):
        eager, recorded = make(name, "cuda", cuda_graph=False), make(name, "cuda")
        recorded.prepare()
        torch.testing.assert_close(losses(recorded, 1), losses(eager, 1), rtol=1e-5, atol=1e-6)

    def test_a_recorded_run_goes_on_from_any_step(self, make, name):
        whole, first = make(name, "cuda"), make(name, "cuda")
        whole.prepare(), first.prepare()
        expected = losses(whole)
        losses(first, 7)
        second, state = make(name, "cuda"), copy.deepcopy(first.state_dict())
        torch.cuda.synchronize()
        second.load_state_dict(state)
        second.prepare()
        torch.testing.assert_close(losses(second, STEPS - 7), expected[7:], rtol=1e-2, atol=1e-3)

    def test_deterministic_means_to_the_last_bit(self, make, name, repeatable):
        """Recorded as launched one by one; beside another seed as alone; and gone on with as never left."""
        eager, recorded, other = make(name, "cuda", cuda_graph=False), make(name, "cuda"), make(name, "cuda", 1)
        recorded.prepare(), other.prepare()
        found = []
        for _ in range(7):
            found.append(recorded.generator_step())
            other.generator_step()
        torch.cuda.synchronize()
        resumed, state = make(name, "cuda"), copy.deepcopy(recorded.state_dict())
        torch.cuda.synchronize()
        resumed.load_state_dict(state)
        resumed.prepare()
        expected = losses(eager)
        assert torch.equal(torch.stack(found).cpu(), expected[:7])
        assert torch.equal(losses(resumed, STEPS - 7), expected[7:])
        torch.cuda.synchronize()
        assert_same(resumed, eager, 0, 0)

    def test_three_at_once_are_as_alone(self, make, name):
        alone = []
        for seed in range(3):
            trainer = make(name, "cuda", seed)
            trainer.prepare()
            alone.append(losses(trainer))
        trainers = [make(name, "cuda", seed) for seed in range(3)]
        for trainer in trainers:
            trainer.prepare()
        found = [[trainer.generator_step() for trainer in trainers] for _ in range(STEPS)]
        torch.cuda.synchronize()
        for seed in range(3):
            together = torch.stack([row[seed] for row in found]).cpu()
            torch.testing.assert_close(together, alone[seed], rtol=1e-2, atol=1e-3)

    @pytest.mark.parametrize("recorded", [False, True])
    def test_streamed_images_are_the_images(self, make, name, recorded):
        resident, streamed = (make(name, "cuda", resident=r, cuda_graph=recorded) for r in (True, False))
        assert streamed._real_images._thread is not None and resident._real_images._thread is None
        resident.prepare(), streamed.prepare()
        torch.testing.assert_close(losses(streamed), losses(resident), rtol=1e-2, atol=1e-3)

    @pytest.mark.parametrize("precision", ["tf32", "bf16"])
    def test_other_precisions_are_recorded_too(self, make, name, precision):
        eager, recorded = (
            make(name, "cuda", cuda_graph=False, precision=precision),
            make(name, "cuda", precision=precision),
        )
        recorded.prepare()
        torch.testing.assert_close(losses(recorded, 3), losses(eager, 3), rtol=5e-2, atol=5e-3)
