"""The training loop of one run: resume, step, evaluate, keep the best, checkpoint, and write the results."""

import multiprocessing
import signal
import sys

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from selfsparse.config import Configuration, Settings
from selfsparse.data.packed import load_packed
from selfsparse.files import read_json
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.frechet import NotFiniteError
from selfsparse.metrics.generated import draw_latents, first_images, measure_fid
from selfsparse.metrics.mechanism import measure_mechanism
from selfsparse.metrics.reference import load_reference
from selfsparse.paths import checkpoint_dir, extractor_dir, packed_dir, reference_dir, result_dir
from selfsparse.training.checkpoint import CheckpointStore, fingerprint
from selfsparse.training.history import PROGRESS_COLUMNS, History
from selfsparse.training.outputs import write_results
from selfsparse.training.trainer import Trainer


class Interrupted(Exception):
    """The run was asked to stop, and has saved its state."""


class StopRequest:
    """Turns SIGINT, SIGTERM, and the death of the parent process, into a flag that the loop reads between steps."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))  # see train_configuration

    def _request(self, number: int, frame: object) -> None:
        self.requested = True

    def check_parent(self) -> None:
        """Ask to stop if the process that started this one is gone: nobody would collect the results."""
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            self.requested = True


def train_run(
    settings: Settings, configuration: Configuration, seed: int, device: torch.device, bar_position: int = 0
) -> History:
    """Train one run to its end, from its last checkpoint where there is one, and write its results.

    Raises:
        Interrupted: on SIGINT or SIGTERM, after the state was saved; the same call goes on from there.
        RunError: another process is at the same run.
    """
    train = configuration.train
    torch.set_num_threads(train.threads)
    # U13: full float32; cuDNN would use TF32 by default.
    torch.backends.cudnn.allow_tf32 = False
    stop = StopRequest()

    packed = load_packed(packed_dir(configuration.dataset_key))
    evaluate = _Evaluation(settings, configuration, device)
    reference_sha256 = read_json(reference_dir(configuration.extractor_key) / "reference.json")["sha256"]
    shape = fingerprint(configuration, seed, device.type, reference_sha256, packed.manifest["sha256"])
    trainer = Trainer(configuration, seed, _on_device(packed.images, device), device)
    history = History()

    with CheckpointStore(checkpoint_dir(configuration.name) / f"seed{seed}", shape) as store:
        state = store.load()
        if state is not None:
            trainer.load_state_dict(state["trainer"])
            history = History.from_state_dict(state["history"])
            history.losses = [losses.to(device) for losses in history.losses]
            _say(f"seed {seed}: goes on from step {trainer.step:,}")
        elif differences := store.differences():
            _say(
                f"seed {seed}: starts anew; an unfinished run exists under other settings:\n  "
                + "\n  ".join(differences)
            )

        def save() -> None:
            store.save({"trainer": trainer.state_dict(), "history": history.state_dict()})

        with _progress_bar(configuration, seed, trainer.step, bar_position) as bar:
            if not history.curve:
                evaluate(trainer, history)
            while trainer.step < train.steps and history.diverged_at is None:
                history.losses.append(trainer.generator_step())
                bar.update()
                at_evaluation = trainer.step % train.evaluate_every == 0 or trainer.step == train.steps
                at_checkpoint = trainer.step % train.checkpoint_every == 0 or trainer.step == train.steps
                if device.type == "cpu" or at_evaluation or at_checkpoint or stop.requested:
                    history.diverged_at = history.first_non_finite(trainer.step)
                if at_evaluation and history.diverged_at is None:
                    try:
                        evaluate(trainer, history)
                    except NotFiniteError:  # the loss was finite, its gradient was not
                        history.diverged_at = trainer.step
                    else:
                        _show(bar, history)
                    stop.check_parent()
                if history.diverged_at is not None:
                    _say(f"seed {seed}: DIVERGED: not finite at step {history.diverged_at:,}; the run stops here")
                    break
                if stop.requested and trainer.step < train.steps:
                    save()
                    raise Interrupted(f"seed {seed}: interrupted, saved at step {trainer.step:,}")
                if at_checkpoint:
                    save()
        save()
        write_results(
            configuration,
            seed,
            trainer,
            history,
            result_dir(configuration.suite, "runs", configuration.name) / f"seed{seed}",
        )
    return history


class _Evaluation:
    """FID, best generator and progress images of a run, at the steps that the settings name."""

    def __init__(self, settings: Settings, configuration: Configuration, device: torch.device) -> None:
        self._every = configuration.train.snapshot_every
        self._batch_size, self._device = settings.fid.batch_size, device
        self._extractor = load_extractor(settings, extractor_dir(configuration.extractor_key), device)
        self._reference = load_reference(reference_dir(configuration.extractor_key), "small")
        self._batch_norm = configuration.train.sampling_batch_norm
        count = configuration.extractor.samples[0]
        seed = configuration.train.evaluate_latent_seed
        self._latents = draw_latents(count, configuration.latent_dim, seed)
        self._probe = draw_latents(configuration.train.probe_latents, configuration.latent_dim, seed)

    def __call__(self, trainer: Trainer, history: History) -> None:
        norms = trainer.gradient_norms() if history.losses else (0.0, 0.0)
        fid, _ = measure_fid(
            trainer.generator,
            self._latents,
            self._extractor,
            self._reference,
            self._batch_size,
            self._device,
            self._batch_norm,
        )
        history.add_point(trainer.step, fid, norms, trainer.generator)
        if trainer.step % self._every == 0:
            images = first_images(
                trainer.generator, self._latents, PROGRESS_COLUMNS, self._batch_size, self._device, self._batch_norm
            )
            batch_size = trainer.configuration.train.batch_size
            snapshot = measure_mechanism(
                trainer.generator, self._probe, trainer.step, history.positive, batch_size, self._device
            )
            history.add_snapshot(images, snapshot)
            if shut := [row.stage for row in snapshot.stages if row.dead_channels == row.channels]:
                _say(
                    f"step {trainer.step:,}: stage {', '.join(map(str, shut))} is zero everywhere: its heads are shut for"
                    " every latent, and the stages before it learn no more (U14)"
                )


def _on_device(images: np.ndarray, device: torch.device) -> Tensor:
    """The dataset as a tensor: on the GPU where it takes at most half of its free memory, else memory-mapped."""
    tensor = torch.from_numpy(images)
    if device.type == "cuda" and tensor.nbytes <= torch.cuda.mem_get_info(device)[0] // 2:
        return tensor.to(device)
    return tensor


def _progress_bar(configuration: Configuration, seed: int, initial: int, position: int) -> tqdm:
    terminal = sys.stderr.isatty()
    return tqdm(
        total=configuration.train.steps,
        initial=initial,
        desc=f"{configuration.name} seed {seed}",
        unit="step",
        position=position if terminal else None,
        mininterval=0.5 if terminal else 20,
        dynamic_ncols=True,
    )


def _show(bar: tqdm, history: History) -> None:
    point = history.curve[-1]
    bar.set_postfix_str(
        f"D {point.discriminator_loss:.3g} G {point.generator_loss:.3g} FID {point.fid:.4g} best {history.best_fid:.4g}",
        refresh=False,
    )


def _say(message: str) -> None:
    tqdm.write(message, file=sys.stderr)
