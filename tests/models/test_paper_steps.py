"""One training step at true size of every distinct network: losses are finite, and every weight has a gradient."""

import pytest
import torch
from small_project import write_project
from torch import nn

from selfsparse.config import load_settings
from selfsparse.training.trainer import Trainer

BATCH = 4
# SAGAN's first step moves neither the inner layers of the attention, which gamma = 0 hides, nor the bias of the scores:
# while all of them lie inside the hinge's margin, reals pull it up as much as fakes pull it down.
NOT_IN_THE_FIRST_STEP = (".query.", ".key.", ".value.", ".output.", "layers.11.bias")

TABLES = {
    "A1": "mnist-32",
    "A2": "fashion_mnist-64",  # no experiment uses it: in B1's place here
    "A3": "mnist-128",
    "A3 CIFAR-10": "cifar10-128",
    "B1": "fashion_mnist-64",
    "B2": "fashion_mnist-128",
    "C1": "stl10-64",
    "C2": "celeba_hq-128",
    "D1": "mini_imagenet-32",
}
CASES = [
    *((table, f"{data}-{model}") for table, data in TABLES.items() for model in ("wgan_gp", "self_sparse")),
    *(("T6", f"stl10-64-{model}-resnet") for model in ("wgan_gp", "self_sparse")),
    *(("B2", f"fashion_mnist-128-{model}") for model in ("without_psm", "without_csm")),
    *(("C1", f"stl10-64-{model}") for model in ("without_psm", "without_csm")),
    ("C2_sagan", "celeba_hq-128-sagan"),
    ("B2_sagan", "sketch-128-sagan"),
    # Other branches of the objective at true size.
    ("A1", "mnist-32-self_sparse-one_centred"),
    ("A1_matched", "mnist-32-wgan_gp-matched"),
    ("B2_matched", "fashion_mnist-128-wgan_gp-matched"),
    ("C1_matched", "stl10-64-wgan_gp-matched"),
]


def trainer_of(folder, table: str, name: str, seed: int = 0) -> Trainer:
    changes = {"train.batch_size": BATCH}
    if table == "A2":
        changes[f"configurations.{name}.network"] = "A2"
    c = load_settings(write_project(folder, changes) / "params.yaml").configuration(name)
    assert c.train.batch_size == BATCH and c.network_name == table.removesuffix(" CIFAR-10")
    shape = (2 * BATCH, c.dataset.channels, c.dataset.resolution, c.dataset.resolution)
    images = torch.randint(256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return Trainer(c, seed, images, torch.device("cpu"))


@pytest.mark.slow
@pytest.mark.parametrize(("table", "name"), CASES, ids=lambda value: value)
def test_a_step_at_true_size_moves_every_weight(table, name, tmp_path):
    trainer = trainer_of(tmp_path, table, name)
    sagan = name.endswith("-sagan")
    networks = {"generator": trainer.generator, "discriminator": trainer.discriminator}
    for step in range(2 if sagan else 1):
        if step == 1:
            # Scores beyond the margin: reals pull no longer, and the bias has the fakes' gradient, 1.
            nn.init.constant_(trainer.discriminator.layers[-1].bias, 5.0)
        before = {k: {n: p.detach().clone() for n, p in net.named_parameters()} for k, net in networks.items()}
        losses = trainer.generator_step()
        assert losses.shape == (3,) and losses.isfinite().all()
        still = []
        for kind, network in networks.items():
            for key, parameter in network.named_parameters():
                gradient = parameter.grad
                assert gradient is not None and gradient.isfinite().all() and parameter.isfinite().all(), (kind, key)
                if (gradient == 0).all():
                    still.append(key)
                assert torch.equal(parameter, before[kind][key]) == (gradient == 0).all(), (kind, key)
        if sagan and step == 0:
            assert len(still) == 2 * 4 + 1 and all(any(p in k for p in NOT_IN_THE_FIRST_STEP) for k in still), still
        else:
            assert not still
    if sagan:
        assert trainer.discriminator.layers[-1].bias.grad.item() == pytest.approx(1, rel=1e-6)
