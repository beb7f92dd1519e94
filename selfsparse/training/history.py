"""What a run remembers: its curves, its best generator, and images of its progress."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from selfsparse.metrics.mechanism import Snapshot
from selfsparse.results.rows import CurvePoint, StageMechanism

PROGRESS_COLUMNS = 10


@dataclass
class History:
    """A run's record, saved with every checkpoint so that a resumed run's is complete.

    Attributes:
        curve: one point per evaluation, from step 0.
        losses: the steps since the last evaluation, each (3,); see trainer.LOSSES.
        best_step, best_fid, best_generator: the generator of the lowest FID so far, as the paper keeps it (U42).
        progress: uint8 (PROGRESS_COLUMNS, C, H, W) of the same latents, at each snapshot.
        mechanism: the rows of mechanism.csv, one per snapshot and stage.
        coefficients: alpha and beta of the first latent, at each snapshot.
        positive: which coefficients of the probe latents were above zero at the last snapshot.
        settled: the same at the step of SETTLING_SHARE, once it is taken.
        diverged_at: the step whose loss was not finite.
        replay: the first steps, as `run.first_step` notes each: by these it is seen whether edited code trains as before.
    """

    curve: list[CurvePoint] = field(default_factory=list)
    losses: list[Tensor] = field(default_factory=list)
    best_step: int = -1
    best_fid: float = float("inf")
    best_generator: dict[str, Tensor] = field(default_factory=dict)
    progress: list[Tensor] = field(default_factory=list)
    mechanism: list[StageMechanism] = field(default_factory=list)
    coefficients: list[dict[str, Tensor]] = field(default_factory=list)
    positive: dict[str, Tensor] | None = None
    settled: dict[str, Tensor] | None = None
    diverged_at: int | None = None
    replay: list[dict[str, Any]] = field(default_factory=list)

    def add_point(
        self, step: int, fid: float, losses: list[Tensor], norms: tuple[float, float], generator: torch.nn.Module
    ) -> None:
        """Add the FID at a step, and what happened in the interval before; keep the generator if it is the best so far."""
        means: list[float | None] = [None] * 5
        if losses:
            means = [*torch.stack(losses).double().mean(0).tolist(), *norms]
        self.curve.append(CurvePoint(step, fid, *means))
        if fid < self.best_fid:
            self.best_step, self.best_fid = step, fid
            self.best_generator = {k: v.detach().cpu().clone() for k, v in generator.state_dict().items()}

    def add_snapshot(self, images: Tensor, snapshot: Snapshot) -> None:
        """Keep a look inside the generator: images of the progress sheet, and what its stages do."""
        self.progress.append(images)
        self.mechanism += snapshot.stages
        self.coefficients.append(snapshot.coefficients)
        self.positive = snapshot.positive

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors only, so that a checkpoint loads without executing code."""
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        rows = {name: [asdict(row) for row in state[name]] for name in ("curve", "mechanism")}
        return {**state, **rows, "losses": [v.cpu() for v in self.losses]}

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> "History":
        """The reverse of state_dict."""
        curve = [CurvePoint(**row) for row in state["curve"]]
        return cls(**{**state, "curve": curve, "mechanism": [StageMechanism(**row) for row in state["mechanism"]]})


def first_non_finite(losses: list[Tensor], step: int) -> int | None:
    """Return the first of these steps, the last of which is `step`, whose losses (3,) are not finite."""
    if not losses:
        return None
    bad = (~torch.stack(losses).isfinite().all(dim=1)).nonzero()
    return step - len(losses) + 1 + int(bad[0]) if len(bad) else None
