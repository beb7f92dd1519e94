"""The training steps of one run: what Sec. 4.2 calls a generator step. No files, no printing."""

from contextlib import AbstractContextManager, ExitStack, nullcontext

import torch
from torch import Tensor, nn

from selfsparse.adam import Adam
from selfsparse.config import Configuration
from selfsparse.device import float32_precision, is_out_of_memory
from selfsparse.errors import RunError
from selfsparse.models.build import build_discriminator, build_generator, initialise
from selfsparse.training.batches import ShuffledBatches
from selfsparse.training.capture import CapturedStep
from selfsparse.training.explicit import ExplicitDiscriminator
from selfsparse.training.objective import discriminator_loss, generator_loss, sample_on_lines
from selfsparse.training.real_images import real_images

MOST_AHEAD = 32  # steps of which a GPU is given no more than twice as many ahead: an interruption waits for those
LOSSES = ("discriminator_loss", "generator_loss", "gradient_penalty")


class Trainer:
    """Generator, discriminator, their optimizers and everything random of one run.

    On a GPU all its work is done on a stream of its own, so that several trainers can share the GPU; after `prepare`, each
    step there is one launch of a CUDA graph, with the same numbers as without, up to rounding.

    Args:
        configuration: resolved settings.
        seed: of initialisation, latents, lines and the order of images.
        images: uint8 (N, C, H, W); they may lie on the device, or in a memory-mapped file.
        device: where the networks train.
    """

    def __init__(self, configuration: Configuration, seed: int, images: Tensor, device: torch.device) -> None:
        train = configuration.train
        self.configuration, self.seed, self.device = configuration, seed, device
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._mark = torch.cuda.Event() if device.type == "cuda" else None
        self._format = torch.channels_last if train.channels_last else torch.contiguous_format
        self._capture = device.type == "cuda" and train.cuda_graph
        self._captured: CapturedStep | None = None
        rng = torch.Generator().manual_seed(seed)
        with self.on_stream():
            self.generator = build_generator(configuration)
            self.discriminator = build_discriminator(configuration)
            for network in (self.generator, self.discriminator):
                initialise(network, train.initialisation, rng)
                network.to(device, memory_format=self._format)
            self.generator_optimizer = self._adam(self.generator, train.generator_lr)
            self.discriminator_optimizer = self._adam(self.discriminator, train.discriminator_lr)
            # On a CPU the discriminator's gradients are written out; elsewhere, and for other networks, PyTorch finds them.
            self._explicit = None
            if device.type == "cpu" and configuration.network.architecture == "dcgan" and train.precision != "bf16":
                self._explicit = ExplicitDiscriminator(self.discriminator)
            batches = ShuffledBatches(len(images), train.batch_size, seed)
            self._real_images = real_images(images, batches, train.discriminator_steps, device)
        # Latents and lines have a stream of their own, so that they do not depend on the networks' sizes.
        # Seeds are below 2**31, and the CPU generator reads the lowest 32 bits of its seed alone.
        self.rng = torch.Generator(device).manual_seed(seed + 2**31)
        self.step = 0

    def _adam(self, network: nn.Module, lr: float) -> Adam:
        betas = self.configuration.train.betas
        return Adam(network.parameters(), lr=lr, betas=betas, fused=True, capturable=self._capture)

    def on_stream(self) -> AbstractContextManager:
        """What touches this trainer's tensors on a GPU belongs inside; nothing on a CPU."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def _context(self) -> AbstractContextManager:
        if self.stream is None:
            return nullcontext()
        stack = ExitStack()
        stack.enter_context(self.on_stream())
        stack.enter_context(float32_precision(self.configuration.train.precision))
        return stack

    def prepare(self) -> None:
        """Record the step as a CUDA graph, on a GPU and unless the settings say otherwise. It takes no step.

        Before other threads or streams use the GPU: a recording allows no one else to allocate memory.
        """
        if not self._capture or self._captured is not None:
            return
        with self._context():
            self._real_images.restart()
            self._real_images.before(self.step)
            try:
                self._captured = CapturedStep(
                    self._take_step,
                    (self.generator, self.discriminator),
                    (self.generator_optimizer, self.discriminator_optimizer),
                    self._real_images.state,
                    self.rng,
                    self.stream,
                )
            except RuntimeError as error:
                cause: BaseException = error  # the end of a recording that failed only says that it has failed
                while cause.__context__ is not None:
                    cause = cause.__context__
                if is_out_of_memory(cause):
                    raise cause from None
                raise RunError(
                    f"{self.configuration.name}: the training step could not be recorded as a CUDA graph:"
                    f" {' '.join(str(cause).split())[:300]}\n"
                    "Set train.cuda_graph: false in params.yaml to launch its parts one by one, which is slower."
                ) from error
            self._real_images.restart()

    def generator_step(self) -> Tensor:
        """Take `discriminator_steps` steps of the discriminator and one of the generator (Sec. 4.2).

        Returns:
            The means of LOSSES (3,), on the device; the caller decides when to read them.
        """
        with self._context():
            self._real_images.before(self.step)
            losses = self._take_step() if self._captured is None else self._captured()
            self._real_images.after()
            self.step += 1
            if self.stream is not None and self.step % MOST_AHEAD == 0:
                self._mark.synchronize()
                self._mark.record()
        return losses

    def _take_step(self) -> Tensor:
        """The step itself: the same code runs at once on a CPU, and is recorded on a GPU. It never waits for a value."""
        losses = [self._discriminator_step(i) for i in range(self.configuration.train.discriminator_steps)]
        discriminator_mean, penalty_mean = torch.stack(losses).mean(0)
        # The generator's gradient passes through the discriminator, whose own gradient nobody reads.
        self.discriminator.requires_grad_(False)
        loss = generator_loss(self._scores, self._fake())
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        self.discriminator.requires_grad_(True)
        return torch.stack([discriminator_mean, loss.detach(), penalty_mean])

    def _discriminator_step(self, i: int) -> Tensor:
        real = self._real(i)
        with torch.no_grad():  # no graph of the generator: this step leaves it alone
            fake = self._fake()
        train = self.configuration.train
        if self._explicit is not None:
            points = sample_on_lines(real, fake, self.rng) if train.penalty_weight else None
            loss = self._explicit.backward(real, fake, points, train.penalty_weight, train.penalty_centre, train.loss)
            self.discriminator_optimizer.step()
            return torch.stack([loss.loss, loss.penalty])
        loss = discriminator_loss(
            self._scores,
            real,
            fake,
            self.rng,
            penalty_weight=train.penalty_weight,
            penalty_centre=train.penalty_centre,
            loss=train.loss,
            one_pass=self.configuration.network.architecture != "sagan",
        )
        self.discriminator_optimizer.zero_grad()
        # Not with respect to the points of the penalty, which are leaves as well.
        loss.loss.backward(inputs=list(self.discriminator.parameters()))
        self.discriminator_optimizer.step()
        return torch.stack([loss.loss.detach(), loss.penalty])

    def _real(self, i: int) -> Tensor:
        """The i-th batch of real images of this step (batch_size, C, H, W), scaled to [-1, 1] (U38)."""
        batch = self._real_images.batch(i)
        return batch.to(torch.float32, memory_format=self._format).div_(127.5).sub_(1)

    def _fake(self) -> Tensor:
        """Images (batch_size, C, H, W) of fresh latents."""
        train = self.configuration.train
        z = torch.randn(train.batch_size, self.configuration.latent_dim, generator=self.rng, device=self.device)
        return self._forward(self.generator, z)

    def _scores(self, images: Tensor) -> Tensor:
        if self._explicit is not None:
            return self._explicit.scores(images)
        return self._forward(self.discriminator, images)

    def _forward(self, network: nn.Module, x: Tensor) -> Tensor:
        """A forward pass under the precision of the settings; weights and outputs are float32 under each.

        A context for each pass: autocast keeps the weights it has cast, and those of a pass without gradient have none.
        """
        if self.configuration.train.precision != "bf16":
            return network(x)
        with torch.autocast(self.device.type, torch.bfloat16):
            return network(x).float()

    def gradient_norms(self) -> Tensor:
        """L2 norms (2,) of the last step's gradients, on the device: discriminator, generator."""
        with self.on_stream():
            norms = [
                nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
                for network in (self.discriminator, self.generator)
            ]
            return torch.stack(norms)

    def state_dict(self) -> dict:
        """All that the next step depends on, but for the settings and the images. The tensors are the trainer's own."""
        if self.stream is not None:
            self.stream.synchronize()  # whoever reads them does so on another stream
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
        with self.on_stream():
            for name in ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer"):
                getattr(self, name).load_state_dict(state[name])
            self._real_images.restart()
        self._captured = None  # it writes into the optimizers' old state; `prepare` records it anew
