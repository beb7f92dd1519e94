"""The first steps of a run, noted so that it can be seen later whether edited code still takes the same ones."""

import hashlib
from typing import Any

from torch import Tensor

from selfsparse.training.trainer import LOSSES, Trainer

FIRST_STEPS = 20


def first_step(trainer: Trainer, losses: Tensor) -> dict[str, Any]:
    """Return the step just taken, its losses (3,) and the SHA-256 of all weights after it, of both networks."""
    digest = hashlib.sha256()
    for network in (trainer.generator, trainer.discriminator):
        for name, value in network.state_dict().items():
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    # As text: JSON has no infinity, by which a run may end.
    values = {name: repr(value) for name, value in zip(LOSSES, losses.tolist(), strict=True)}
    return {"step": trainer.step, "weights": digest.hexdigest(), **values}
