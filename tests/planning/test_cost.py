"""FLOPs of a training step, convolution by convolution; operations and bytes of what passes."""

from unittest.mock import patch

import pytest
import torch
from small_project import params, write_project
from torch import nn

from selfsparse.config import load_settings
from selfsparse.models.counting import counted, forward_flops
from selfsparse.planning.cost import INCEPTION_FLOPS, extractor_flops, step_cost

N = 6  # batch
Z, G, D = 5, 3, 7  # latent, generator's and discriminator's width of an 8 x 8 network for grey images
# Per image, 2 FLOPs for each multiplication: an input pixel of a deconvolution meets 4 x 4 weights per pair of
# channels, an output pixel of a convolution likewise.
G1, G2 = 2 * Z * G * 16, 2 * 16 * G * 16  # deconvolutions to 4 x 4 and to 8 x 8
D1, D2 = 2 * 16 * D * 16, 2 * D * 16  # convolutions to 4 x 4 and to 1 x 1
LINE = {
    "suite": "quick",
    "dataset": "digits",
    "resolution": 8,
    "extractor": "lenet",
    "network": "mini",
    "latent_dim": Z,
}


def configuration(folder, monkeypatch, model="wgan_gp", **train):
    """The 8 x 8 network as a configuration."""
    network = {"architecture": "dcgan", "generator_widths": [G], "discriminator_widths": [D]}
    network |= {"sastm_widths": [11], "position_size": 4}
    changes = {
        "networks.mini": network,
        "datasets.digits-8": {**params()["datasets"]["digits-16"], "resolution": 8},
        "extractors.digits-8-lenet": {**params()["extractors"]["digits-16-lenet"], "resolution": 8},
        f"configurations.digits-8-{model}": {**LINE, "model": model, "train": {"batch_size": N, **train}},
    }
    monkeypatch.chdir(write_project(folder, changes))
    return load_settings().configuration(f"digits-8-{model}")


def test_a_step_convolution_by_convolution(tmp_path, monkeypatch):
    found = step_cost(configuration(tmp_path, monkeypatch))
    images = G1 + G2
    # Real and fake: forward; backward to the weights; backward to the inputs, but for the images'.
    scores = 2 * ((D1 + D2) + (D1 + D2) + D2)
    # Its gradient: forward, backward to the inputs. Through that gradient: to both factors of the first layer's backward
    # pass, of the last one's to its weights alone, as the scores' own gradient is constant; and through the instance norm,
    # whose gradient depends on its input, to the weights of the first convolution.
    penalty = (D1 + D2) + (D1 + D2) + (2 * D1 + D2) + D1
    assert found.discriminator.flops == N * (images + scores + penalty)
    # Forward; backward through the discriminator to the images; to the generator's weights, and to its inner maps.
    assert found.generator.flops == N * ((images + D1 + D2) + (D1 + D2) + (images + G2))
    assert found.flops == 2 * found.discriminator.flops + found.generator.flops
    assert found.image_flops == images


def test_without_a_penalty_there_is_no_second_backward(tmp_path, monkeypatch):
    found = step_cost(configuration(tmp_path, monkeypatch, penalty_weight=0.0, discriminator_steps=1))
    assert found.discriminator.flops == N * (G1 + G2 + 2 * (2 * (D1 + D2) + D2))
    assert found.flops == found.discriminator.flops + found.generator.flops


def test_the_module_adds_its_heads(tmp_path, monkeypatch):
    """f: 5 -> 11; g1: 11 -> 3; alpha and beta are FLOPs of their own, forward, and twice that backward but for z."""
    plain = step_cost(configuration(tmp_path / "a", monkeypatch))
    without_psm = step_cost(configuration(tmp_path / "b", monkeypatch, model="without_psm"))
    f, g1 = 2 * Z * 11, 2 * 11 * G
    assert without_psm.image_flops - plain.image_flops == f + g1
    assert without_psm.discriminator.flops - plain.discriminator.flops == N * (f + g1)
    assert without_psm.generator.flops - plain.generator.flops == N * ((f + g1) + (f + g1) + g1)
    assert without_psm.operations > plain.operations


def test_memory_holds_weights_moments_and_what_a_step_makes(tmp_path, monkeypatch):
    small = step_cost(configuration(tmp_path / "a", monkeypatch))
    large = step_cost(configuration(tmp_path / "b", monkeypatch, batch_size=10 * N))
    generator, discriminator = 16 * (Z * G + G * 1) + 2 * G, 16 * (D + D)
    kept = 4 * (3 * (generator + discriminator) + generator)
    fullest = max(small.discriminator.peak_bytes, small.generator.peak_bytes + 4 * discriminator)
    assert small.memory_bytes - kept == fullest
    # What a step makes grows with the batch, but for the gradients of the weights.
    assert 5 < large.discriminator.peak_bytes / small.discriminator.peak_bytes <= 10


def test_the_peak_is_of_what_lives_at_a_time():
    x = torch.empty(1000, device="meta")  # 4,000 bytes that were there before
    with counted() as cost:
        y = x + 1
        z = y.view(10, 100) * 2  # a view takes nothing
        del y
        w = z + 1
        del z, w
        x + 1
    assert (cost().peak_bytes, cost().operations, cost().flops) == (8000, 4, 0)


def test_inception_as_torch_fidelity_builds_it():
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with (
        torch.device("meta"),
        patch("torch.load", lambda *a, **k: {}),
        patch.object(nn.Module, "load_state_dict", lambda *a, **k: None),
    ):
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path="unread")
    flops = forward_flops(network, torch.empty(2, 3, 32, 32, dtype=torch.uint8, device="meta"))
    assert flops == 2 * INCEPTION_FLOPS == 2 * extractor_flops("inception", 3, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_lenet(channels):
    """A 5 x 5 convolution at 16 x 16 to 16 channels, one at 8 x 8 to 32, and a linear layer from 4 x 4 to 64."""
    flops = 2 * (256 * 25 * channels * 16 + 64 * 25 * 16 * 32 + 512 * 64)
    assert extractor_flops("lenet", channels, 16) == extractor_flops("lenet_standin", channels, 16) == flops
