"""The training steps of one run: what Sec. 4.2 calls a generator step. No files, no printing."""

import torch
from torch import Tensor, nn

from selfsparse.config import Configuration
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.training.batches import ShuffledBatches
from selfsparse.training.objective import discriminator_loss, generator_loss

LOSSES = ("discriminator_loss", "generator_loss", "gradient_penalty")


class Trainer:
    """Generator, discriminator, their optimizers and everything random of one run.

    Args:
        configuration: resolved settings.
        seed: of initialisation, latents, lines and the order of images.
        images: uint8 (N, C, H, W); they may lie in a memory-mapped file.
        device: where the networks train.
    """

    def __init__(self, configuration: Configuration, seed: int, images: Tensor, device: torch.device) -> None:
        train = configuration.train
        self.configuration, self.device, self.images = configuration, device, images
        rng = torch.Generator().manual_seed(seed)
        self.generator = build_generator(configuration)
        self.discriminator = build_discriminator(configuration)
        for network in (self.generator, self.discriminator):
            initialise(network, train.initialisation, rng)
            network.to(device)
        self.generator_optimizer = self._adam(self.generator, train.generator_lr)
        self.discriminator_optimizer = self._adam(self.discriminator, train.discriminator_lr)
        self.batches = ShuffledBatches(len(images), train.batch_size, seed)
        # Latents and lines have a stream of their own, so that they do not depend on the networks' sizes.
        # Seeds are below 2**31, and the CPU generator reads the lowest 32 bits of its seed alone.
        self.rng = torch.Generator(device).manual_seed(seed + 2**31)
        self.step = 0

    def _adam(self, network: nn.Module, lr: float) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), lr=lr, betas=self.configuration.train.betas, fused=True)

    def generator_step(self) -> Tensor:
        """Take `discriminator_steps` steps of the discriminator and one of the generator (Sec. 4.2).

        Returns:
            The means of LOSSES (3,), on the device; the caller decides when to read them.
        """
        losses = [self._discriminator_step(i) for i in range(self.configuration.train.discriminator_steps)]
        discriminator_mean, penalty_mean = torch.stack(losses).mean(0)
        # The generator's gradient passes through the discriminator, whose own gradient nobody reads.
        self.discriminator.requires_grad_(False)
        loss = generator_loss(self.discriminator, self.generator(self._latents()))
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        self.discriminator.requires_grad_(True)
        self.step += 1
        return torch.stack([discriminator_mean, loss.detach(), penalty_mean])

    def _discriminator_step(self, i: int) -> Tensor:
        real = self._real(self.step * self.configuration.train.discriminator_steps + i)
        with torch.no_grad():  # no graph of the generator: this step leaves it alone
            fake = self.generator(self._latents())
        train = self.configuration.train
        loss = discriminator_loss(
            self.discriminator,
            real,
            fake,
            self.rng,
            gradient_penalty=train.gradient_penalty,
            penalty_centre=train.penalty_centre,
            loss=train.loss,
        )
        self.discriminator_optimizer.zero_grad()
        loss.loss.backward()
        self.discriminator_optimizer.step()
        return torch.stack([loss.loss.detach(), loss.penalty])

    def _real(self, k: int) -> Tensor:
        """The k-th batch of real images (batch_size, C, H, W), scaled to [-1, 1] (U38)."""
        chosen = self.images[self.batches[k].to(self.images.device)]
        return chosen.to(self.device).float().div_(127.5).sub_(1)

    def _latents(self) -> Tensor:
        train = self.configuration.train
        return torch.randn(train.batch_size, self.configuration.latent_dim, generator=self.rng, device=self.device)

    def gradient_norms(self) -> tuple[float, float]:
        """L2 norms of the last step's gradients: discriminator, generator."""
        norms = (
            nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
            for network in (self.discriminator, self.generator)
        )
        return tuple(float(norm) for norm in norms)

    def state_dict(self) -> dict:
        """All that the next step depends on, but for the settings and the images."""
        return {
            "step": self.step,
            "rng": self.rng.get_state(),
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Go back to a state; the steps that follow are those that would have followed then."""
        self.step = state["step"]
        self.rng.set_state(state["rng"])
        for name in ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer"):
            getattr(self, name).load_state_dict(state[name])
