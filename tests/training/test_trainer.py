"""One training step: who is updated how often, from what, and that it is the update of Adam on Eq. 13."""

import io
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from small_project import SMALL, write_project
from torch import nn

from selfsparse.config import load_settings
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.training.explicit import ExplicitDiscriminator
from selfsparse.training.real_images import RealImages, ShuffledBatches
from selfsparse.training.trainer import LOSSES, Trainer

MODELS = ("wgan_gp", "self_sparse", "without_psm", "without_csm")
CPU = torch.device("cpu")


def images(count: int = 40) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 1, 16, 16), dtype=np.uint8))


@pytest.fixture
def make(tmp_path):
    def trainer(model: str = "self_sparse", seed: int = 0, **train) -> Trainer:
        changes = {**SMALL, **{f"suites.quick.train.{key}": value for key, value in train.items()}}
        settings = load_settings(write_project(tmp_path, changes) / "params.yaml")
        return Trainer(settings.configuration(f"digits-16-{model}"), seed, images(), CPU)

    return trainer


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("discriminator_steps", [1, 2, 5])
def test_the_discriminator_steps_as_often_as_the_settings_say(make, discriminator_steps):
    trainer = make(discriminator_steps=discriminator_steps)
    counts = {"generator": 0, "discriminator": 0}

    def count(name):
        counts[name] += 1

    trainer.generator_optimizer.register_step_post_hook(lambda *_: count("generator"))
    trainer.discriminator_optimizer.register_step_post_hook(lambda *_: count("discriminator"))
    for step in range(1, 4):
        trainer.generator_step()
        assert trainer.step == step
        assert counts == {"generator": step, "discriminator": step * discriminator_steps}
        # Each batch norm sees every batch of latents once: those of the discriminator's steps, and its own.
        assert {int(s.norm.num_batches_tracked) for s in trainer.generator.stages} == {step * (discriminator_steps + 1)}


@pytest.mark.parametrize("model", MODELS)
def test_one_step_changes_every_weight(make, model):
    trainer = make(model)
    before = weights(trainer.generator), weights(trainer.discriminator)
    losses = trainer.generator_step()
    assert losses.shape == (len(LOSSES),) and losses.isfinite().all()
    # A coefficient whose ReLU is shut for the whole batch has no gradient; everything else moves.
    for network, old in zip((trainer.generator, trainer.discriminator), before, strict=True):
        for name, parameter in network.named_parameters():
            assert parameter.requires_grad and parameter.grad is not None
            moved = (parameter != old[name]) == (parameter.grad != 0)
            assert moved.all(), name
            assert ((parameter.grad != 0).any()) or "position_head" in name or "channel_head" in name, name


@pytest.mark.parametrize("model", ["self_sparse", "without_csm"])
def test_a_head_that_no_latent_opens(make, model):
    """A shut ReLU has no gradient. With both heads the stage learns on; with the position head alone, nothing ever does:

    its x is 0, and so is what batch norm, of bias 0, and ReLU make of it, up to the image.
    """
    trainer = make(model)
    *_, stage = trainer.generator.stages
    nn.init.constant_(stage.sastm.position_head[-2].bias, -1e3)
    assert trainer.generator_step().isfinite().all()
    moved = {name for name, p in trainer.generator.named_parameters() if (p.grad != 0).any()}
    head = {name for name, _ in trainer.generator.named_parameters() if "stages.1.sastm.position_head" in name}
    assert head and not head & moved
    images = trainer.generator(torch.randn(5, trainer.configuration.latent_dim))
    if model == "self_sparse":
        assert {"stages.0.deconv.weight", "stages.1.deconv.weight", "stages.1.sastm.mlp.0.weight"} <= moved
        assert not torch.equal(images[0], images[1])
    else:
        assert moved == set() and (images == 0).all()


@pytest.mark.parametrize(
    ("changes", "loss"),
    # Scores of 0 everywhere, as the last layer is 0, and gradients of 0.
    [
        ({}, 0.0),
        ({"penalty_centre": 1}, 10.0),
        ({"loss": "hinge"}, 2.0),
        ({"loss": "hinge", "penalty_centre": 1}, 12.0),
    ],
)
def test_the_settings_reach_the_objective(make, changes, loss):
    trainer = make(discriminator_steps=1, penalty_weight=10.0, **changes)
    nn.init.zeros_(trainer.discriminator.layers[-1].weight)
    found, _, penalty = trainer.generator_step().tolist()
    assert found == pytest.approx(loss) and penalty == pytest.approx(changes.get("penalty_centre", 0))


def images_of_passes(trainer, monkeypatch):
    """The number of images of each pass through the discriminator, as they come."""
    seen = []
    trainer.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    forward = ExplicitDiscriminator._forward
    monkeypatch.setattr(
        ExplicitDiscriminator, "_forward", lambda self, x, *more: seen.append(len(x)) or forward(self, x, *more)
    )
    return seen


@pytest.mark.parametrize(("penalty_weight", "kinds"), [(10.0, 3), (0.0, 2)])
def test_without_penalty_the_discriminator_sees_no_points_of_it(make, monkeypatch, penalty_weight, kinds):
    trainer = make(discriminator_steps=1, penalty_weight=penalty_weight, batch_size=8)
    seen = images_of_passes(trainer, monkeypatch)
    losses = trainer.generator_step()
    assert seen == [kinds * 8, 8]  # and once for the generator
    assert (losses[2] == 0) == (penalty_weight == 0)


def test_the_discriminators_steps_leave_the_generator_alone(make):
    trainer = make()
    before = weights(trainer.generator)
    trainer._real_images.fetch(0)
    trainer._discriminator_step(trainer._real_images.batches[0])
    for name, value in trainer.generator.named_parameters():
        assert torch.equal(value, before[name]) and value.grad is None


def test_losses_and_gradients_of_the_generators_step_stay_in_the_generator(make):
    trainer = make()
    trainer.generator_step()
    after_discriminator = {n: p.grad.clone() for n, p in trainer.discriminator.named_parameters()}
    # What the discriminator holds afterwards is the gradient of its own last step.
    assert trainer.gradient_norms()[0].item() == pytest.approx(
        torch.stack([g.square().sum() for g in after_discriminator.values()]).sum().sqrt().item(), rel=1e-5
    )
    assert all(p.requires_grad for p in trainer.discriminator.parameters())


def test_a_step_is_eq_13_and_adam_written_out(make):
    """The same step from the same random numbers, with networks, penalty and Adam of this test's own."""
    trainer = make(discriminator_steps=2, batch_size=8, penalty_weight=10.0)
    c, train = trainer.configuration, trainer.configuration.train
    rng = torch.Generator().manual_seed(0)
    generator, discriminator = build_generator(c), build_discriminator(c)
    for network in (generator, discriminator):
        initialise(network, train.initialisation, rng)
    stream, batches = torch.Generator().manual_seed(2**31), ShuffledBatches(40, 8, 0)
    moments: dict[torch.Tensor, tuple] = {}

    def adam(network: nn.Module, loss: torch.Tensor, lr: float) -> None:
        parameters = list(network.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        b1, b2 = train.betas
        with torch.no_grad():
            for p, g in zip(parameters, gradients, strict=True):
                m, v, t = moments.get(p, (torch.zeros_like(p), torch.zeros_like(p), 0))
                m, v, t = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g, t + 1
                moments[p] = m, v, t
                p -= lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + 1e-8)

    losses = []
    for k in range(2):
        real = images()[batches[k]].float() / 127.5 - 1
        with torch.no_grad():
            fake = generator(torch.randn(8, c.latent_dim, generator=stream))
        position = torch.rand(8, 1, 1, 1, generator=stream)
        points = (real + position * (fake - real)).requires_grad_()
        (gradient,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
        penalty = (gradient**2).sum((1, 2, 3)).mean()
        loss = discriminator(fake).mean() - discriminator(real).mean() + 10.0 * penalty
        adam(discriminator, loss, train.discriminator_lr)
        losses.append((loss.item(), penalty.item()))
    loss = -discriminator(generator(torch.randn(8, c.latent_dim, generator=stream))).mean()
    adam(generator, loss, train.generator_lr)

    found = trainer.generator_step().tolist()
    (d1, p1), (d2, p2) = losses
    assert found == pytest.approx([(d1 + d2) / 2, loss.item(), (p1 + p2) / 2], rel=1e-4)
    for network, own in ((trainer.generator, generator), (trainer.discriminator, discriminator)):
        expected = own.state_dict()
        for name, value in network.state_dict().items():
            torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-5, msg=name)


def test_real_images_are_scaled_to_minus_one_and_one(make):
    trainer, dataset = make(), torch.zeros(40, 1, 16, 16, dtype=torch.uint8)
    dataset[:, :, 8:] = 255
    trainer._real_images = RealImages(dataset, ShuffledBatches(40, 8, 0), 2, CPU)
    trainer._discriminator_gradients = seen = Mock(side_effect=trainer._discriminator_gradients)
    trainer.generator_step()
    real = seen.call_args.args[0]
    assert real.shape == (8, 1, 16, 16) and real.unique().tolist() == [-1.0, 1.0]
    assert dataset.max() == 255  # the dataset itself is not touched


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_the_seed_decides_the_real_images_and_the_latents(make, seed):
    """Each run has an order of images and a stream of latents of its own, whatever its networks' first weights are."""
    trainer, batches = make(seed=seed, batch_size=8, discriminator_steps=2), ShuffledBatches(40, 8, seed)
    for step in range(3):
        trainer._real_images.fetch(step)
        for i in range(2):
            assert torch.equal(trainer._real_images.batches[i], images()[batches[2 * step + i]])
    own = torch.Generator().manual_seed(seed + 2**31)
    assert torch.equal(torch.randn(4, generator=trainer.rng), torch.randn(4, generator=own))


@pytest.mark.parametrize(("name", "passes"), [("digits-16-wgan_gp", [24, 8]), ("photos-16-sagan", [8, 8, 8])])
def test_sagans_discriminator_sees_real_and_fake_images_apart(tmp_path, monkeypatch, name, passes):
    """Each pass takes a step of its power iteration. WGAN-GP's: fake, real and the penalty's points together, the generator's."""
    changes = {**SMALL, "suites.quick.train.discriminator_steps": 1}
    c = load_settings(write_project(tmp_path, changes) / "params.yaml").configuration(name)
    trainer = Trainer(c, 0, images().expand(-1, c.dataset.channels, -1, -1).contiguous(), CPU)
    seen = images_of_passes(trainer, monkeypatch)
    trainer.generator_step()
    assert seen == passes


def test_seeds_differ_and_repeat(make):
    runs = {seed: [make(seed=seed).generator_step().tolist() for _ in range(2)] for seed in (0, 1)}
    assert runs[0][0] == runs[0][1] and runs[0][0] != runs[1][0]


def test_the_worlds_random_numbers_do_not_matter(make):
    torch.manual_seed(1)
    first = make().generator_step()
    torch.manual_seed(2)
    assert torch.equal(make().generator_step(), first)


def test_the_settings_reach_the_optimizers(make):
    trainer = make(betas=[0.0, 0.9], generator_lr=0.1, discriminator_lr=0.2)
    (group,), (other,) = trainer.generator_optimizer.param_groups, trainer.discriminator_optimizer.param_groups
    assert (group["lr"], other["lr"]) == (0.1, 0.2) and group["betas"] == other["betas"] == (0.0, 0.9)
    assert group["weight_decay"] == other["weight_decay"] == 0 and not group["amsgrad"]


def test_state_goes_back_bit_for_bit(make):
    whole = make()
    losses = [whole.generator_step() for _ in range(6)]
    first = make()
    for _ in range(3):
        first.generator_step()
    state = torch.load(saved(first), weights_only=True)
    second = make(seed=0)
    for _ in range(5):
        second.generator_step()  # another history, to be forgotten
    second.load_state_dict(state)
    assert second.step == 3
    assert all(torch.equal(second.generator_step(), loss) for loss in losses[3:])
    for a, b in zip(weights(whole.generator).values(), weights(second.generator).values(), strict=True):
        assert torch.equal(a, b)


def saved(trainer: Trainer):
    buffer = io.BytesIO()
    torch.save(trainer.state_dict(), buffer)
    buffer.seek(0)
    return buffer
