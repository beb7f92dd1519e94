"""The training steps of one run: what Sec. 4.2 calls a generator step. No files, no printing."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from selfsparse.adam import Adam
from selfsparse.config import Configuration
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.training.explicit import ExplicitDiscriminator
from selfsparse.training.gpu import GpuSteps, on_stream
from selfsparse.training.objective import DiscriminatorLoss, discriminator_loss, generator_loss, sample_on_lines
from selfsparse.training.real_images import RealImages, ShuffledBatches

LOSSES = ("discriminator_loss", "generator_loss", "gradient_penalty")
PARTS = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")


class Trainer:
    """Generator, discriminator, their optimizers and everything random of one run.

    Args:
        configuration: resolved settings.
        seed: of initialisation, latents, lines and the order of images.
        images: uint8 (N, C, H, W); they may lie on the device, or in a memory-mapped file.
        device: where the networks train; what a GPU does differently stands in gpu.py.
    """

    def __init__(self, configuration: Configuration, seed: int, images: Tensor, device: torch.device) -> None:
        train = configuration.train
        self.configuration, self.train, self.seed, self.device = configuration, train, seed, device
        self._gpu = GpuSteps(device, train.precision, train.cuda_graph)
        self._format = torch.channels_last if train.channels_last else torch.contiguous_format
        rng = torch.Generator().manual_seed(seed)
        with self.on_stream():
            self.generator = build_generator(configuration)
            self.discriminator = build_discriminator(configuration)
            for network in (self.generator, self.discriminator):
                initialise(network, train.initialisation, rng)
                network.to(device, memory_format=self._format)
            self.generator_optimizer = self._adam(self.generator, train.generator_lr)
            self.discriminator_optimizer = self._adam(self.discriminator, train.discriminator_lr)
            order = ShuffledBatches(len(images), train.batch_size, seed)
            self._real_images = RealImages(images, order, train.discriminator_steps, device)
        # On a CPU the discriminator's gradients are written out; elsewhere, and for other networks, PyTorch finds them.
        self._explicit = None
        if device.type == "cpu" and configuration.network.architecture == "dcgan" and train.precision != "bf16":
            self._explicit = ExplicitDiscriminator(self.discriminator)
        # Latents and lines have a stream of their own, so that they do not depend on the networks' sizes.
        # Seeds are below 2**31, and the CPU generator reads the lowest 32 bits of its seed alone.
        self.rng = torch.Generator(device).manual_seed(seed + 2**31)
        self.step = 0

    def _adam(self, network: nn.Module, lr: float) -> Adam:
        return Adam(network.parameters(), lr, self.train.betas, fused=True, capturable=self._gpu.records)

    def generator_step(self) -> Tensor:
        """Take `discriminator_steps` steps of the discriminator and one of the generator (Sec. 4.2).

        Returns:
            The means of LOSSES (3,), on the device; the caller decides when to read them.
        """
        with self._gpu.at_work(self.step + 1):
            self._real_images.fetch(self.step)
            losses = self._gpu.take(self._take_step)
        self.step += 1
        return losses

    def _take_step(self) -> Tensor:
        """The step itself. It never waits for a value, so that a GPU can record it."""
        losses = torch.stack([self._discriminator_step(real) for real in self._real_images.batches])
        discriminator_mean, penalty_mean = losses.mean(0)
        # The generator's gradient passes through the discriminator, whose own gradient nobody reads.
        self.discriminator.requires_grad_(False)
        loss = generator_loss(self._scores, self._fake())
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        self.discriminator.requires_grad_(True)
        return torch.stack([discriminator_mean, loss.detach(), penalty_mean])

    def _discriminator_step(self, real: Tensor) -> Tensor:
        """One step on real images, uint8, which are scaled to [-1, 1] (U38), and on as many of fresh latents (U10)."""
        real = real.to(torch.float32, memory_format=self._format).div_(127.5).sub_(1)
        with torch.no_grad():  # no graph of the generator: this step leaves it alone
            fake = self._fake()
        points = sample_on_lines(real, fake, self.rng) if self.train.penalty_weight else None
        loss, penalty = self._discriminator_gradients(real, fake, points)
        self.discriminator_optimizer.step()
        return torch.stack([loss.detach(), penalty])

    def _discriminator_gradients(self, real: Tensor, fake: Tensor, points: Tensor | None) -> DiscriminatorLoss:
        """Leave the gradients of the discriminator's loss in its parameters, and return it."""
        train = self.train
        arguments = real, fake, points, train.penalty_weight, train.penalty_centre, train.loss
        if self._explicit is not None:
            return self._explicit.backward(*arguments)
        one_pass = self.configuration.network.architecture != "sagan"
        found = discriminator_loss(self._scores, *arguments, one_pass=one_pass)
        self.discriminator_optimizer.zero_grad()
        # Not with respect to the points of the penalty, which are leaves as well.
        found.loss.backward(inputs=list(self.discriminator.parameters()))
        return found

    def _fake(self) -> Tensor:
        """Images (batch_size, C, H, W) of fresh latents."""
        shape = self.train.batch_size, self.configuration.latent_dim
        return self._forward(self.generator, torch.randn(shape, generator=self.rng, device=self.device))

    def _scores(self, images: Tensor) -> Tensor:
        if self._explicit is not None:
            return self._explicit.scores(images)
        return self._forward(self.discriminator, images)

    def _forward(self, network: nn.Module, x: Tensor) -> Tensor:
        """A forward pass under the precision of the settings; weights and outputs are float32 under each.

        A context for each pass: autocast keeps the weights it has cast, and those of a pass without gradient have none.
        """
        if self.train.precision != "bf16":
            return network(x)
        with torch.autocast(self.device.type, torch.bfloat16):
            return network(x).float()

    def gradient_norms(self) -> Tensor:
        """L2 norms (2,) of the last step's gradients, on the device: discriminator, generator."""
        with self.on_stream():
            networks = self.discriminator, self.generator
            grads = [[p.grad for p in network.parameters() if p.grad is not None] for network in networks]
            return torch.stack([nn.utils.get_total_norm(found) for found in grads])

    @property
    def stream(self) -> torch.cuda.Stream | None:
        """The stream of its own on which all its work is done on a GPU; None on a CPU."""
        return self._gpu.stream

    def on_stream(self) -> AbstractContextManager:
        """What touches this trainer's tensors on a GPU belongs inside; nothing on a CPU."""
        return on_stream(self.stream)

    def prepare(self) -> None:
        """Record the step as a CUDA graph, on a GPU and unless the settings say otherwise. It takes no step.

        Before other threads or streams use the GPU: a recording allows no one else to allocate memory.
        """
        if not self._gpu.records:
            return
        networks = self.generator, self.discriminator
        optimizers = self.generator_optimizer, self.discriminator_optimizer
        with self._gpu.at_work():
            self._real_images.fetch(self.step)
            self._gpu.record(self._take_step, networks, optimizers, self.rng, self.configuration.name)

    def state_dict(self) -> dict:
        """All that the next step depends on, but for the settings and the images. The tensors are the trainer's own."""
        if self.stream is not None:
            self.stream.synchronize()  # whoever reads them does so on another stream
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        return {"step": self.step, "rng": self.rng.get_state(), **parts}

    def load_state_dict(self, state: dict) -> None:
        """Go back to a state; the steps that follow are those that would have followed then."""
        self.step = state["step"]
        self.rng.set_state(state["rng"])
        with self.on_stream():
            for name in PARTS:
                getattr(self, name).load_state_dict(state[name])
        self._gpu.forget()
