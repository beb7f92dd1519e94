"""FID, best generator and progress images of the runs of a configuration, at the steps that the settings name.

On a CPU an evaluation is done before training goes on. On a GPU it is done beside it: a copy of the generator makes its
images, and they their features, on a stream of their own, while a thread waits for them and computes the distance.
"""

import copy
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from selfsparse.config import Configuration, Settings
from selfsparse.errors import NotFiniteError
from selfsparse.metrics.extractors import iterate_features, load_extractor
from selfsparse.metrics.frechet import RunningGaussian, frechet_distance_tensors
from selfsparse.metrics.generated import first_images, measure_fid
from selfsparse.metrics.mechanism import Snapshot, measure_mechanism
from selfsparse.metrics.reference import load_reference
from selfsparse.models.sampling import draw_latents, generate
from selfsparse.paths import extractor_dir, reference_dir
from selfsparse.results.rows import SETTLING_SHARE
from selfsparse.training.gpu import on_stream
from selfsparse.training.history import PROGRESS_COLUMNS
from selfsparse.training.trainer import Trainer


@dataclass(frozen=True)
class Pending:
    """An evaluation under way.

    Attributes:
        step: the step whose generator is measured.
        generator: that generator; it stays as it is until the next evaluation of the same trainer begins.
        fid: waits for the FID and returns it, or raises NotFiniteError.
    """

    step: int
    generator: nn.Module
    fid: Callable[[], float]


class Evaluation:
    """Measures a trainer's own generator, when its FID is asked for."""

    def __init__(self, settings: Settings, configuration: Configuration, device: torch.device) -> None:
        train = configuration.train
        self._train, self._batch_size, self._device = train, settings.fid.batch_size, device
        count, seed = configuration.extractor.samples[0], train.evaluate_latent_seed
        self._extractor = load_extractor(settings, extractor_dir(configuration.extractor_key), device)
        self._reference = load_reference(reference_dir(configuration.extractor_key), "small")
        self.settling_step = max(1, round(SETTLING_SHARE * train.steps))
        self._latents = draw_latents(count, configuration.latent_dim, seed)
        self._probe = draw_latents(train.probe_latents, configuration.latent_dim, seed)

    def begin(self, trainer: Trainer) -> Pending:
        """Begin to measure the trainer's generator as it is now. Its next step has to wait until the FID is there."""
        return Pending(trainer.step, trainer.generator, lambda: self.fid(trainer.generator))

    def fid(self, generator: nn.Module) -> float:
        """Return the FID of a generator, as it is measured during training."""
        fid, _ = measure_fid(
            generator,
            self._latents,
            self._extractor,
            self._reference,
            self._batch_size,
            self._device,
            self._train.sampling_batch_norm,
        )
        return fid

    def signs(self, generator: nn.Module) -> dict[str, Tensor]:
        """Return which coefficients of the probe latents are above zero, as Snapshot.positive."""
        return measure_mechanism(generator, self._probe, 0, None, self._train.batch_size, self._device).positive

    def snapshot(
        self,
        generator: nn.Module,
        step: int,
        before: dict[str, Tensor] | None,
        settled: dict[str, Tensor] | None = None,
    ) -> tuple[Tensor, Snapshot] | None:
        """A look inside the generator of a step, where the settings want one, and of the last: images, and its stages.

        Args:
            before: History.positive.
            settled: History.settled.
        """
        if step % self._train.snapshot_every and step != self._train.steps:
            return None
        batch_norm = self._train.sampling_batch_norm
        images = first_images(generator, self._latents, PROGRESS_COLUMNS, self._batch_size, self._device, batch_norm)
        found = measure_mechanism(
            generator,
            self._probe,
            step,
            before,
            self._train.batch_size,
            self._device,
            settled if step > self.settling_step else None,  # an evaluation under way may be of a step before
        )
        return images, found


class OverlappedEvaluation(Evaluation):
    """Measures a copy of a trainer's generator while the trainer goes on; one evaluation of each trainer at a time.

    The host waits nowhere: what says whether all images were finite, and the sums of the features, stay on the device
    until the thread fetches them, on a third stream. All runs share the streams and the thread, so that no more than one
    batch of features needs memory at a time. Not yet run on a GPU; on a CPU only the distance is computed beside.
    """

    def __init__(self, settings: Settings, configuration: Configuration, device: torch.device) -> None:
        super().__init__(settings, configuration, device)
        cuda = device.type == "cuda"
        self._features_stream, self._distance_stream = (torch.cuda.Stream(device) if cuda else None for _ in range(2))
        self._on_device = self._latents.to(device)
        real = self._reference.gaussian
        arrays = real.mean, real.covariance, self._reference.factor
        self._real = tuple(torch.from_numpy(array).to(device) for array in arrays)
        self._copies: dict[Trainer, nn.Module] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="distance")
        if cuda:
            torch.cuda.synchronize(device)  # extractor and latents were written on the default stream

    def begin(self, trainer: Trainer) -> Pending:
        """Begin to measure the generator as it is now; the trainer may go on at once.

        The FID of the evaluation of this trainer before has to be there: it read the same copy.
        """
        with trainer.on_stream():
            if trainer not in self._copies:
                self._copies[trainer] = copy.deepcopy(trainer.generator).requires_grad_(False)
            generator = self._copies[trainer]
            for copied, value in zip(
                generator.state_dict().values(), trainer.generator.state_dict().values(), strict=True
            ):
                copied.copy_(value)
        with on_stream(self._features_stream):
            if self._features_stream is not None:
                self._features_stream.wait_stream(trainer.stream)
            running, finite = self._features(generator)
            done = None
            if self._features_stream is not None:
                done = torch.cuda.Event()
                done.record()
        return Pending(trainer.step, generator, self._thread.submit(self._distance, running, finite, done).result)

    def _features(self, generator: nn.Module) -> tuple[RunningGaussian, Tensor]:
        """Launch all that a device does for an FID: images, features, their sums, and whether the images were finite."""
        running, finite = RunningGaussian(), torch.ones((), dtype=torch.bool, device=self._device)
        batch_norm = self._train.sampling_batch_norm
        images = generate(generator, self._on_device, self._batch_size, self._device, batch_norm, finite)
        for features in iterate_features(self._extractor, images, self._device, len(self._on_device), None):
            running.add(features)
        return running, finite

    def _distance(self, running: RunningGaussian, finite: Tensor, done: torch.cuda.Event | None) -> float:
        """What the thread does: wait for the features, and compute their distance from the reference, on the device."""
        if done is not None:
            done.synchronize()
        with on_stream(self._distance_stream):
            if not finite.item():
                raise NotFiniteError("the generated images are not finite")
            fid = frechet_distance_tensors(self._real, running.moments()).item()
        if not math.isfinite(fid):
            raise NotFiniteError("the generated images' features are not finite")
        return fid
