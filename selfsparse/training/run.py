"""One run: a trainer with its history, its checkpoints and its bar; it goes from step to step, and stops by itself."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from selfsparse.config import Configuration
from selfsparse.errors import NotFiniteError
from selfsparse.made_from import note
from selfsparse.paths import checkpoint_dir
from selfsparse.training.checkpoint import CheckpointStore
from selfsparse.training.evaluation import Evaluation, Pending
from selfsparse.training.history import History, first_non_finite
from selfsparse.training.outputs import write_results
from selfsparse.training.trace import FIRST_STEPS, first_step
from selfsparse.training.trainer import Trainer


class Run:
    """A run from its last checkpoint, where there is one, to its results. Use it as a context manager: it holds a lock.

    An evaluation may be under way while the run goes on. It is waited for before the next one, before a state is saved and
    at the end, so that a state always holds the evaluations of all steps up to its own.

    Args:
        shape: the run's fingerprint.
        images: uint8 (N, C, H, W), on the device or memory-mapped.
        results: the folder in which the run's own folder is written, seed<seed>.
        evaluation: measures the generator; runs of one configuration may share it.
        overlaps: whether evaluations are waited for as late as possible, and losses read as rarely; else at each step.
        bar_position: line of the progress bar on a terminal.
        stopped: whether to give up where another process is at this run.
    """

    def __init__(
        self,
        configuration: Configuration,
        seed: int,
        shape: dict[str, Any],
        images: Tensor,
        device: torch.device,
        results: Path,
        evaluation: Evaluation,
        *,
        overlaps: bool,
        bar_position: int,
        stopped: Callable[[], bool],
        until: int | None = None,
    ) -> None:
        self.configuration, self.seed = configuration, seed
        self._last = until or configuration.train.steps
        self.folder = results / f"seed{seed}"
        self.trainer = Trainer(configuration, seed, images, device)
        self.history = History()
        self._evaluation, self._overlaps, self._bar_position = evaluation, overlaps, bar_position
        self._saved_at: int | None = None
        self._shape = shape
        self._pending: tuple[Pending, list[Tensor], Tensor] | None = None  # with its interval's losses and last norms
        self._store = CheckpointStore(checkpoint_dir(configuration.name) / f"seed{seed}", shape, stopped)

    def __enter__(self) -> "Run":
        self._store.__enter__()
        try:
            self._resume()
            self._bar = _progress_bar(self.configuration, self.seed, self.trainer.step, self._bar_position)
        except BaseException:
            self._store.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()
        self._store.__exit__()

    def _resume(self) -> None:
        state = self._store.load()
        if state is not None:
            self.trainer.load_state_dict(state["trainer"])
            self._saved_at = self.trainer.step
            self.history = History.from_state_dict(state["history"])
            with self.trainer.on_stream():
                self.history.losses = [losses.to(self.trainer.device) for losses in self.history.losses]
            say(f"seed {self.seed}: goes on from step {self.trainer.step:,}")
        elif differences := self._store.differences():
            say(
                f"seed {self.seed}: starts anew; an unfinished run exists under other settings:\n  "
                + "\n  ".join(differences)
            )

    @property
    def finished(self) -> bool:
        """Whether there is no step left to take: the last one is taken, or the run has diverged."""
        return self.trainer.step >= self._last or self.history.diverged_at is not None

    def begin(self) -> None:
        """Measure the untrained generator, unless the run goes on from a state (U47)."""
        with self.trainer.on_stream():
            if not self.history.curve:
                self._evaluate()

    def advance(self) -> None:
        """Take one generator step, and do what is due at it: evaluate, save."""
        train, trainer, history = self.configuration.train, self.trainer, self.history
        with trainer.on_stream():
            history.losses.append(trainer.generator_step())
            if trainer.step <= FIRST_STEPS:
                history.replay.append(first_step(trainer, history.losses[-1]))
            self._bar.update()
            if not self._overlaps:
                self._check_losses(history.losses, trainer.step)
            if trainer.step == self._evaluation.settling_step:
                history.settled = self._evaluation.signs(trainer.generator)
            if is_due(trainer.step, train.evaluate_every, self._last) and history.diverged_at is None:
                self._evaluate()
            if is_due(trainer.step, train.checkpoint_every, self._last) and history.diverged_at is None:
                self.save()

    def _evaluate(self) -> None:
        """Begin an evaluation; wait for the one before, and for this one too unless evaluations overlap with training."""
        self._collect()
        if self.history.diverged_at is not None:
            return
        losses = self.history.take_losses()
        norms = self.trainer.gradient_norms() if losses else torch.zeros(2)
        self._pending = self._evaluation.begin(self.trainer), losses, norms
        if not self._overlaps:
            self._collect()

    def _collect(self) -> None:
        """Wait for the evaluation that is under way, if one is, and note what it found."""
        if self._pending is None:
            return
        (pending, losses, norms), self._pending = self._pending, None
        self._check_losses(losses, pending.step)
        if self.history.diverged_at is not None:
            return
        try:
            fid = pending.fid()
        except NotFiniteError:  # the loss was finite, its gradient was not
            self._diverge(pending.step)
            return
        history = self.history
        history.add_point(pending.step, fid, losses, tuple(norms.tolist()), pending.generator)
        if look := self._evaluation.snapshot(pending.generator, pending.step, history.positive, history.settled):
            history.add_snapshot(*look)
            if shut := [row.stage for row in look[1].stages if row.dead_channels == row.channels]:
                say(
                    f"step {pending.step:,}: stage {', '.join(map(str, shut))} is zero everywhere: its heads are shut for"
                    " every latent, and the stages before it learn no more (U14)"
                )
        if losses:
            _show(self._bar, history)

    def _check_losses(self, losses: list[Tensor], step: int) -> None:
        """Read losses, the last of which is of `step`, and notice a divergence."""
        bad = first_non_finite(losses, step)
        if bad is not None:
            self._diverge(bad)

    def _diverge(self, step: int) -> None:
        self.history.diverged_at = step
        last = "none was saved" if self._saved_at is None else f"of step {self._saved_at:,}"
        say(
            f"seed {self.seed}: DIVERGED: not finite at step {step:,}; the run stops here. Last checkpoint: {last};"
            f" best generator: of step {self.history.best_step:,}, in {self.folder / 'best.safetensors'}"
        )

    def save(self) -> None:
        """Write a state to resume from, with every evaluation up to its step in it."""
        with self.trainer.on_stream():
            self._collect()
            if self.history.diverged_at is None:
                self._check_losses(self.history.losses, self.trainer.step)
            self._store.save({"trainer": self.trainer.state_dict(), "history": self.history.state_dict()})
            self._saved_at = self.trainer.step

    def finish(self) -> None:
        """Save the last state and write the results. What was found last may be that the run has diverged."""
        self.save()
        write_results(self.configuration, self.seed, self.trainer, self.history, self.folder)
        note(self.folder, self._shape)


def is_due(step: int, every: int, last: int) -> bool:
    """Whether what is done every so many steps, and at the last one, is to be done at a step."""
    return step % every == 0 or step == last


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


def say(message: str) -> None:
    """Write a line to stderr that no progress bar overwrites."""
    tqdm.write(message, file=sys.stderr)
