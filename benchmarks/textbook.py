"""A WGAN-GP training loop as published implementations write it: the contestant of training_step.py and cuda.py.

Images come at their original size, as PIL images, one by one, through torchvision's transforms (Resize, ToTensor, Normalize)
and a DataLoader, with labels that nobody reads; every convolution is PyTorch's; fake images keep the generator's graph, which the
discriminator's backward pass runs through; the discriminator's gradients are computed in the generator's step as well; Adam is
PyTorch's default; losses are read at every step. Networks, weights, objective (Eq. 13), batch, learning rates and device are
those of our own step.
"""

from collections.abc import Iterator

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from selfsparse.config import Configuration
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.models.dcgan import LatentDeconv, ScoreConv
from selfsparse.models.sastm import ThinConv, ThinDeconv

# What published implementations write where our networks compute a layer as a matrix product.
PUBLISHED_LAYERS = {
    LatentDeconv: nn.ConvTranspose2d,
    ScoreConv: nn.Conv2d,
    ThinConv: nn.Conv2d,
    ThinDeconv: nn.ConvTranspose2d,
}


class PILImages(Dataset):
    """Images (N, C, S, S), uint8, as PIL images through transforms to R x R, with a label, as torchvision's datasets do."""

    def __init__(self, images: Tensor, resolution: int) -> None:
        self.data, self.targets = images.permute(0, 2, 3, 1), torch.zeros(len(images), dtype=torch.int64)
        middle = [0.5] * images.shape[1]
        steps = [transforms.Resize(resolution), transforms.ToTensor(), transforms.Normalize(middle, middle)]
        self.transform = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        image, target = self.data[i], int(self.targets[i])
        image = Image.fromarray(image.squeeze(-1).numpy())
        return self.transform(image), target


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Zero-centred, on random points between real and fake images."""
    position = torch.rand(real.size(0), 1, 1, 1, device=real.device)
    interpolates = (position * real + (1 - position) * fake).requires_grad_(True)
    scores = discriminator(interpolates)
    gradients = torch.autograd.grad(
        scores, interpolates, torch.ones_like(scores), create_graph=True, retain_graph=True
    )[0]
    return (gradients.view(gradients.size(0), -1) ** 2).sum(1).mean()


def use_published_layers(network: nn.Module) -> None:
    """Put PyTorch's own layers in place of ours, with the same weights: the same network up to rounding.

    Layers under spectral normalisation stay; no benchmark has any.
    """
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if published := PUBLISHED_LAYERS.get(type(layer)):
                new = published(
                    layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
                    bias=layer.bias is not None,
                )  # fmt: skip
                new.load_state_dict(layer.state_dict())
                setattr(module, name, new)


class TextbookTrainer:
    """The loop, one generator step at a time.

    Args:
        images: uint8 (N, C, S, S), of the data set's original size.
        workers: processes of the DataLoader; 0, its default, loads in the loop.
        our_layers: keep the layers that our networks compute as matrix products; what then differs is the loop alone.
    """

    def __init__(
        self,
        configuration: Configuration,
        images: Tensor,
        device: torch.device,
        workers: int = 0,
        our_layers: bool = False,
    ) -> None:
        train = configuration.train
        self.configuration, self.device = configuration, device
        self.generator, self.discriminator = build_generator(configuration), build_discriminator(configuration)
        rng = torch.Generator().manual_seed(0)
        for network in (self.generator, self.discriminator):
            initialise(network, train.initialisation, rng)
            if not our_layers:
                use_published_layers(network)
            network.to(device)
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), lr=train.generator_lr, betas=train.betas)
        self.optimizer_d = torch.optim.Adam(
            self.discriminator.parameters(), lr=train.discriminator_lr, betas=train.betas
        )
        self._loader = DataLoader(
            PILImages(images, configuration.dataset.resolution), train.batch_size, shuffle=True, drop_last=True, num_workers=workers,
            pin_memory=device.type == "cuda", persistent_workers=workers > 0,
        )  # fmt: skip
        self._batches = self._forever()
        self.log: list[tuple[float, float]] = []

    def _forever(self) -> Iterator[Tensor]:
        while True:
            for images, _ in self._loader:
                yield images

    def _latents(self) -> Tensor:
        train = self.configuration.train
        return torch.randn(train.batch_size, self.configuration.latent_dim, device=self.device)

    def generator_step(self) -> None:
        """The discriminator's steps, then one of the generator."""
        train = self.configuration.train
        for _ in range(train.discriminator_steps):
            real = next(self._batches).to(self.device)
            self.optimizer_d.zero_grad()
            fake = self.generator(self._latents())
            real_scores, fake_scores = self.discriminator(real), self.discriminator(fake)
            if train.loss == "hinge":
                loss_d = torch.relu(1 - real_scores).mean() + torch.relu(1 + fake_scores).mean()
            else:
                loss_d = -torch.mean(real_scores) + torch.mean(fake_scores)
            if train.penalty_weight:
                loss_d = loss_d + train.penalty_weight * gradient_penalty(self.discriminator, real.data, fake.data)
            loss_d.backward()
            self.optimizer_d.step()
        self.optimizer_g.zero_grad()
        fake = self.generator(self._latents())
        loss_g = -torch.mean(self.discriminator(fake))
        loss_g.backward()
        self.optimizer_g.step()
        self.log.append((loss_d.item(), loss_g.item()))
