"""The columns of every CSV file that one stage writes and another reads, and which of them are text."""

from pathlib import Path

import pandas as pd

# fmt: off
COLUMNS = {
    "runs": [
        "configuration", "seed", "status", "steps", "diverged_at", "best_step", "best_fid",
        "generator_parameters", "sastm_parameters", "discriminator_parameters",
    ],
    "curves": [
        "configuration", "seed", "step", "fid", "discriminator_loss", "generator_loss", "gradient_penalty",
        "discriminator_gradient_norm", "generator_gradient_norm",
    ],
    "mechanism": [
        "configuration", "seed", "step", "stage", "size", "channels", "alpha_zero", "beta_zero",
        "alpha_changed", "beta_changed", "alpha_differs", "beta_differs", "dead_channels", "xi", "negative_given_positive", "zero_gradient",
        "weight_negative", "weight_mean",
    ],
    "fid": ["configuration", "seed", "generator", "n_fake", "n_real", "fid", "kid", "kid_std", "precision", "recall"],
    "sparsity": ["configuration", "seed", "stage", "size", "channels", "xi", "zeta", "alpha_zero", "beta_zero"],
    "compact": [
        "configuration", "seed", "kind", "channels", "removed", "heads_removed", "full_parameters",
        "compact_parameters", "full_flops", "compact_flops", "latents", "fresh_latents", "revived",
        "heads_revived", "max_difference", "changed_images",
    ],
    "latency": ["configuration", "seed", "kind", "latency_ratio"],
    "dead_channels": [
        "configuration", "seed", "stage", "size", "channels", "proven", "observed", "nearest", "alpha_never",
        "beta_never", "dead_positions",
    ],
    "correlation": ["dataset", "resolution", "variation", "xi", "baseline_fid", "self_sparse_fid", "reduction_percent"],
}
# fmt: on
TEXT = {"configuration", "status", "generator", "kind", "dataset", "variation"}
NUMBERS = {name for columns in COLUMNS.values() for name in columns} - TEXT
MISSING = ["", "nan"]  # how pandas and Python write a number that is not there


def read_rows(path: Path) -> pd.DataFrame:
    """Read such a file. Text is what stands there: a variation may be called `64`, `null` or `true`."""
    return pd.read_csv(
        path, dtype=dict.fromkeys(TEXT, str), keep_default_na=False, na_values=dict.fromkeys(NUMBERS, MISSING)
    )
