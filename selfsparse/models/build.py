"""Networks by the names of their model and architecture, and their first weights."""

from functools import partial

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from selfsparse.config import Configuration
from selfsparse.heads import HEADS
from selfsparse.models.dcgan import DCGANDiscriminator, DCGANGenerator, Generator
from selfsparse.models.resnet import ResNetDiscriminator, ResNetGenerator
from selfsparse.models.sagan import SAGANDiscriminator, SAGANGenerator
from selfsparse.models.sastm import SASTM


def build_generator(configuration: Configuration) -> Generator:
    """Return the configuration's generator with PyTorch's default initialisation."""
    network, heads, dataset = configuration.network, HEADS[configuration.model], configuration.dataset
    arguments = configuration.latent_dim, network.generator_widths, dataset.channels, dataset.resolution
    if network.architecture == "sagan":
        return SAGANGenerator(*arguments, network.attention_size)  # type: ignore[arg-type]
    make_sastm = None
    if heads is not None:
        make_sastm = partial(
            SASTM,
            configuration.latent_dim,
            mlp_widths=network.sastm_widths,  # type: ignore[arg-type]
            position_size=network.position_size,  # type: ignore[arg-type]
            position_layers=configuration.train.position_layers,
            channel_head=heads[0],
            position_head=heads[1],
        )
    return {"dcgan": DCGANGenerator, "resnet": ResNetGenerator}[network.architecture](*arguments, make_sastm)


def build_discriminator(configuration: Configuration) -> nn.Module:
    """Return the configuration's discriminator with PyTorch's default initialisation."""
    network, dataset = configuration.network, configuration.dataset
    arguments = network.discriminator_widths, dataset.channels, dataset.resolution
    if network.architecture == "sagan":
        return SAGANDiscriminator(*arguments, network.attention_size)  # type: ignore[arg-type]
    return {"dcgan": DCGANDiscriminator, "resnet": ResNetDiscriminator}[network.architecture](*arguments)


def initialise(network: nn.Module, scheme: str, rng: torch.Generator) -> None:
    """Draw a network's first weights from `rng` (U14).

    `dcgan`: N(0, 0.02) for convolutions and N(1, 0.02) for batch norms outside the SASTM. The SASTM keeps PyTorch's
    default: N(0, 0.02) would start its coefficients near zero everywhere. Biases of convolutions are 0, in the SASTM
    too: PyTorch's are larger there than what one channel of small weights adds, so that a negative one shuts a whole
    position head for every latent, and without CSM such a generator can never learn.
    `pytorch`: PyTorch's default everywhere. Both are drawn here, so that `rng` alone decides.
    """
    in_sastm = {id(m) for s in network.modules() if isinstance(s, SASTM) for m in s.modules()}
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            normalised = parametrize.is_parametrized(module, "weight")
            if normalised:
                parametrize.remove_parametrizations(module, "weight")
            # PyTorch's default is U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases.
            if scheme == "dcgan" and id(module) not in in_sastm:
                nn.init.normal_(module.weight, 0.0, 0.02, generator=rng)
            else:
                nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=rng)
            if module.bias is not None:
                if scheme == "dcgan" and not isinstance(module, nn.Linear):
                    nn.init.zeros_(module.bias)
                else:
                    fan_in, _ = nn.init._calculate_fan_in_and_fan_out(module.weight)
                    nn.init.uniform_(module.bias, -(fan_in**-0.5), fan_in**-0.5, generator=rng)
            if normalised:
                # Anew, as its power iteration starts from the weight, and from a random vector of the global stream.
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(int(torch.randint(2**31, (), generator=rng)))
                    spectral_norm(module)
        elif isinstance(module, nn.BatchNorm2d) and scheme == "dcgan":
            nn.init.normal_(module.weight, 1.0, 0.02, generator=rng)
            nn.init.zeros_(module.bias)


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_sastm_parameters(generator: nn.Module) -> int:
    """Return how many of a generator's parameters belong to its SASTMs."""
    return sum(count_parameters(m) for m in generator.modules() if isinstance(m, SASTM))
