"""What the paper reports, as data."""

from importlib.resources import files

import pandas as pd


def reported() -> pd.DataFrame:
    """Return the paper's configurations with their printed FIDs, one row each, indexed by configuration name.

    Columns: dataset, resolution, channels, model, architecture, appendix_tables, latent_dim, adam_betas,
    paper_fid_mean, paper_fid_std (FID, mean and standard deviation of three trainings), printed_in (tables, figures).
    """
    return _read("configurations.csv").set_index("name")


def reported_sparsity() -> pd.DataFrame:
    """Return the printed xi-bar (Eq. 15) and FID reduction in percent, indexed by configuration name (v2 Table 8)."""
    return _read("sparsity.csv").set_index("configuration")


def reported_pearson() -> pd.DataFrame:
    """Return the printed Pearson coefficients (Eq. 16), indexed by resolution (v2 Sec. 3.6)."""
    return _read("pearson.csv").set_index("resolution")


def _read(name: str) -> pd.DataFrame:
    with (files(__name__) / name).open(encoding="utf-8") as file:
        return pd.read_csv(file)
