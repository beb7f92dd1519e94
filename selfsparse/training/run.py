"""One run: a trainer with its history, its checkpoints and its bar; it goes from step to step, and stops by itself."""

import hashlib
import sys
from collections.abc import Callable
from contextlib import ExitStack
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
from selfsparse.training.trainer import LOSSES, Trainer

FIRST_STEPS = 20  # noted, so that it can be seen later whether edited code still takes the same ones


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
        until: the last step; that of the settings where None.
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
        self.folder = results / f"seed{seed}"
        self.trainer = Trainer(configuration, seed, images, device)
        self.history = History()
        self._last = until or configuration.train.steps
        self._evaluation, self._overlaps, self._bar_position = evaluation, overlaps, bar_position
        self._saved_at: int | None = None
        self._shape = shape
        self._pending: tuple[Pending, list[Tensor], Tensor] | None = None  # with its interval's losses and last norms
        self._store = CheckpointStore(checkpoint_dir(configuration.name) / f"seed{seed}", shape, stopped)

    def __enter__(self) -> "Run":
        with ExitStack() as stack:
            stack.enter_context(self._store)
            self._resume()
            self._bar = stack.enter_context(self._progress_bar())
            self._held = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.close()

    def _resume(self) -> None:
        state = self._store.load()
        if state is not None:
            self.trainer.load_state_dict(state["trainer"])
            self._saved_at = self.trainer.step
            self.history = History.from_state_dict(state["history"])
            with self.trainer.on_stream():
                self.history.losses = [losses.to(self.trainer.device) for losses in self.history.losses]
            self._say(f"goes on from step {self.trainer.step:,}")
        elif differences := self._store.differences():
            self._say("\n  ".join(["starts anew; an unfinished run exists under other settings:", *differences]))

    def _progress_bar(self) -> tqdm:
        terminal = sys.stderr.isatty()
        return tqdm(
            total=self.configuration.train.steps,
            initial=self.trainer.step,
            desc=f"{self.configuration.name} seed {self.seed}",
            unit="step",
            position=self._bar_position if terminal else None,
            mininterval=0.5 if terminal else 20,
            dynamic_ncols=True,
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
                self._check(history.losses, trainer.step)
            if trainer.step == self._evaluation.settling_step:
                history.settled = self._evaluation.signs(trainer.generator)
            if is_due(trainer.step, train.evaluate_every, self._last) and history.diverged_at is None:
                self._evaluate()
            if is_due(trainer.step, train.checkpoint_every, self._last) and history.diverged_at is None:
                self.save()

    def save(self) -> None:
        """Write a state to resume from, with every evaluation up to its step in it."""
        with self.trainer.on_stream():
            self._collect()
            self._check(self.history.losses, self.trainer.step)
            self._store.save({"trainer": self.trainer.state_dict(), "history": self.history.state_dict()})
            self._saved_at = self.trainer.step

    def finish(self) -> None:
        """Save the last state and write the results. What was found last may be that the run has diverged."""
        self.save()
        write_results(self.configuration, self.seed, self.trainer, self.history, self.folder)
        note(self.folder, self._shape)

    def _evaluate(self) -> None:
        """Begin an evaluation; wait for the one before, and for this one too unless evaluations overlap with training."""
        self._collect()
        if self.history.diverged_at is not None:
            return
        losses, self.history.losses = self.history.losses, []
        norms = self.trainer.gradient_norms() if losses else torch.zeros(2)
        self._pending = self._evaluation.begin(self.trainer), losses, norms
        if not self._overlaps:
            self._collect()

    def _collect(self) -> None:
        """Wait for the evaluation that is under way, if one is, and note what it found."""
        if self._pending is None:
            return
        (pending, losses, norms), self._pending = self._pending, None
        history, step = self.history, pending.step
        self._check(losses, step)
        if history.diverged_at is not None:
            return
        try:
            fid = pending.fid()
        except NotFiniteError:  # the loss was finite, its gradient was not
            self._diverge(step)
            return
        history.add_point(step, fid, losses, tuple(norms.tolist()), pending.generator)
        if look := self._evaluation.snapshot(pending.generator, step, history.positive, history.settled):
            history.add_snapshot(*look)
            if shut := [str(row.stage) for row in look[1].stages if row.dead_channels == row.channels]:
                self._say(
                    f"stage {', '.join(shut)} is zero everywhere at step {step:,}: its heads are shut for every latent, and the"
                    " stages before it learn no more (U14)"
                )
        if losses:
            point = history.curve[-1]
            said = f"D {point.discriminator_loss:.3g} G {point.generator_loss:.3g} FID {fid:.4g} best {history.best_fid:.4g}"
            self._bar.set_postfix_str(said, refresh=False)

    def _check(self, losses: list[Tensor], step: int) -> None:
        """Read losses, the last of which is of `step`, and notice a divergence."""
        if self.history.diverged_at is None and (bad := first_non_finite(losses, step)) is not None:
            self._diverge(bad)

    def _diverge(self, step: int) -> None:
        self.history.diverged_at = step
        last = "none was saved" if self._saved_at is None else f"of step {self._saved_at:,}"
        self._say(
            f"DIVERGED: not finite at step {step:,}; the run stops here. Last checkpoint: {last};"
            f" best generator: of step {self.history.best_step:,}, in {self.folder / 'best.safetensors'}"
        )

    def _say(self, message: str) -> None:
        """Write a line to stderr that no progress bar overwrites."""
        tqdm.write(f"seed {self.seed}: {message}", file=sys.stderr)


def is_due(step: int, every: int, last: int) -> bool:
    """Whether what is done every so many steps, and at the last one, is to be done at a step."""
    return step % every == 0 or step == last


def first_step(trainer: Trainer, losses: Tensor) -> dict[str, Any]:
    """Return the step just taken, its losses (3,) and the SHA-256 of all weights after it, of both networks."""
    digest = hashlib.sha256()
    for network in (trainer.generator, trainer.discriminator):
        for name, value in network.state_dict().items():
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    # As text: JSON has no infinity, by which a run may end.
    values = {name: repr(value) for name, value in zip(LOSSES, losses.tolist(), strict=True)}
    return {"step": trainer.step, "weights": digest.hexdigest(), **values}
