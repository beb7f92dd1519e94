"""The files that a finished run leaves: weights, curves, progress sheet, and what became of it."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from selfsparse.config import Configuration
from selfsparse.files import atomic_path, write_csv, write_json
from selfsparse.metrics.generated import tile
from selfsparse.models.build import count_parameters, count_sastm_parameters
from selfsparse.results.rows import CurvePoint, RunRow, StageMechanism, columns
from selfsparse.training.fingerprint import NOT_SHAPING
from selfsparse.training.history import PROGRESS_COLUMNS, History
from selfsparse.training.trainer import Trainer


def write_results(configuration: Configuration, seed: int, trainer: Trainer, history: History, folder: Path) -> None:
    """Write run.json, curves.csv, mechanism.csv, coefficients.npz, best and last.safetensors, progress.png, replay.json of one run.

    coefficients.npz holds alpha_<t> (S, C) and beta_<t> (S, H, W) of one latent at the S snapshots.

    A run that diverged has no last generator: its weights are not finite.
    """
    _write_weights(folder / "best.safetensors", history.best_generator, configuration)
    diverged = history.diverged_at is not None
    if not diverged:
        _write_weights(folder / "last.safetensors", trainer.generator.state_dict(), configuration)
    write_csv(folder / "curves.csv", columns(CurvePoint), list(map(asdict, history.curve)))
    write_csv(folder / "mechanism.csv", columns(StageMechanism), list(map(asdict, history.mechanism)))
    with atomic_path(folder / "coefficients.npz") as partial, open(partial, "wb") as file:
        names = history.coefficients[0]
        np.savez_compressed(file, **{n: torch.stack([c[n] for c in history.coefficients]).numpy() for n in names})
    with atomic_path(folder / "progress.png") as partial:
        tile(torch.cat(history.progress), PROGRESS_COLUMNS).save(partial, format="PNG")
    write_json(folder / "replay.json", history.replay[: history.diverged_at])  # which may be found out steps later
    run = RunRow(
        configuration=configuration.name,
        seed=seed,
        status="diverged" if diverged else "finished",
        steps=trainer.step if history.diverged_at is None else history.diverged_at,
        diverged_at=history.diverged_at,
        best_step=history.best_step,
        best_fid=history.best_fid,
        generator_parameters=count_parameters(trainer.generator),
        sastm_parameters=count_sastm_parameters(trainer.generator),
        discriminator_parameters=count_parameters(trainer.discriminator),
    )
    write_json(folder / "run.json", asdict(run))


def _write_weights(path: Path, state: dict[str, Tensor], configuration: Configuration) -> None:
    """Write weights whose header says what builds their network: selfsparse.hub loads such a file by itself."""
    shaping = configuration.model_dump_json(exclude={"train": NOT_SHAPING})  # equal runs leave equal files
    metadata = {"configuration": shaping}  # one entry: of several, the order is random
    with atomic_path(path) as partial:
        save_file({name: value.contiguous() for name, value in state.items()}, partial, metadata)
