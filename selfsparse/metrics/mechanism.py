"""What the paper says happens inside a generator while it trains (Sec. 3.2, Hypothesis 1), measured at one moment."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from selfsparse.models.sampling import sampling
from selfsparse.results.rows import StageMechanism


@dataclass(frozen=True)
class Snapshot:
    """A generator at one step.

    Attributes:
        stages: one row per stage.
        positive: which coefficients are above zero, `alpha_<t>` (N, C) and `beta_<t>` (N, H, W), bool.
        coefficients: alpha_<t> (C,) and beta_<t> (H, W) of the first latent, float32.
    """

    stages: list[StageMechanism]
    positive: dict[str, Tensor]
    coefficients: dict[str, Tensor]


@torch.no_grad()
def measure_mechanism(
    generator: nn.Module,
    latents: Tensor,
    step: int,
    before: dict[str, Tensor] | None,
    batch_size: int,
    device: torch.device,
    settled: dict[str, Tensor] | None = None,
) -> Snapshot:
    """Measure every stage over the probe latents (N, latent_dim), in batches as large as those of training.

    Args:
        before: `positive` of the snapshot before; None at the first.
        settled: `positive` at the step of SETTLING_SHARE; None up to it.
    """
    parts: list[list[dict[str, Tensor]]] = []
    normalised: list[Tensor] = []
    hooks = [
        stage.norm.register_forward_hook(lambda module, inputs, output: normalised.append(output))
        for stage in generator.stages
        if hasattr(stage, "norm")
    ]
    try:
        with sampling(generator, "batch"):
            for part in latents.split(batch_size):
                normalised.clear()
                outputs = generator.sastm_outputs(part.to(device))
                after = normalised if hooks else [None] * len(outputs)
                parts.append([_sums(output, s) for output, s in zip(outputs, after, strict=True)])
    finally:
        for hook in hooks:
            hook.remove()
    positive, coefficients = _coefficients(parts)
    rows = []
    for i, stage in enumerate(generator.stages):
        sums = [part[i] for part in parts]
        weight = stage.deconv.weight if hasattr(stage, "deconv") else stage.residual[-1].weight
        t = i + 1
        rows.append(
            StageMechanism(
                step=step,
                stage=t,
                size=int(sums[0]["size"]),
                channels=len(sums[0]["alive"]),
                **{f"{name}_zero": _zero(positive, f"{name}_{t}") for name in ("alpha", "beta")},
                **{f"{name}_changed": _changed(positive, before, f"{name}_{t}") for name in ("alpha", "beta")},
                **{f"{name}_differs": _changed(positive, settled, f"{name}_{t}") for name in ("alpha", "beta")},
                dead_channels=int((~torch.stack([s["alive"] for s in sums]).any(dim=0)).sum()),
                xi=float(sum(s["xi"] for s in sums) / len(latents)),
                negative_given_positive=_ratio(sums, "negative_and_positive", "positive"),
                zero_gradient=_ratio(sums, "not_above_zero", "count"),
                weight_negative=float((weight < 0).double().mean()),
                weight_mean=float(weight.double().mean()),
            )
        )
    return Snapshot(rows, positive, coefficients)


def _sums(output, s: Tensor | None) -> dict[str, Tensor]:
    """What one batch adds to a stage's row; s (N, C, H, W) is its batch norm's output."""
    x = output.x
    found = {
        "size": torch.tensor(x.shape[-1]),
        "alive": (x != 0).any(dim=3).any(dim=2).any(dim=0).cpu(),
        "xi": (x == 0).double().mean(dim=(1, 2, 3)).sum().cpu(),
    }
    if s is not None:
        above = x > 0
        found |= {
            "positive": above.sum().cpu(),
            "negative_and_positive": (above & (s < 0)).sum().cpu(),
            "not_above_zero": (s <= 0).sum().cpu(),
            "count": torch.tensor(s.numel()),
        }
    for name in ("alpha", "beta"):
        value = getattr(output, name)
        if value is not None:
            found |= {f"{name}_positive": (value > 0).cpu(), f"{name}_first": value[0].float().cpu()}
    return found


def _coefficients(parts: list[list[dict[str, Tensor]]]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    positive, first = {}, {}
    for i, stage in enumerate(parts[0]):
        for name in ("alpha", "beta"):
            if f"{name}_positive" in stage:
                positive[f"{name}_{i + 1}"] = torch.cat([part[i][f"{name}_positive"] for part in parts])
                first[f"{name}_{i + 1}"] = stage[f"{name}_first"]
    return positive, first


def _zero(positive: dict[str, Tensor], key: str) -> float | None:
    return float((~positive[key]).double().mean()) if key in positive else None


def _changed(positive: dict[str, Tensor], before: dict[str, Tensor] | None, key: str) -> float | None:
    if before is None or key not in positive:
        return None
    return float((positive[key] != before[key]).double().mean())


def _ratio(sums: list[dict[str, Tensor]], part: str, whole: str) -> float | None:
    if whole not in sums[0]:
        return None
    total = float(sum(s[whole] for s in sums))
    return float(sum(s[part] for s in sums)) / total if total else None
