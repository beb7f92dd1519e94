"""What the paper reports, as data."""

import math
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from selfsparse.statistics.moments import Moments, moments


class OpenQuestion(BaseModel):
    """A question that the paper leaves open, and our answer; open_questions.yaml describes the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(pattern=r"^U[1-9]\d*$")
    title: str
    short: str
    question: str
    readings: dict[str, str] = Field(min_length=1)
    ours: tuple[str, ...] = Field(min_length=1)
    choice: str
    why: str
    source: str
    parameters: dict[str, Any] = {}
    code: tuple[str, ...] = ()
    change: dict[str, Any] = {}
    target: str = "measure@mnist-32-self_sparse"
    how: str = ""


class OpenQuestions(BaseModel):
    """All open questions: those that steer code or settings, and why the others do not, by their number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: tuple[OpenQuestion, ...]
    not_in_code: dict[str, str]


def reported() -> pd.DataFrame:
    """Return the paper's configurations with their printed FIDs, one row each, indexed by configuration name.

    Columns: dataset, resolution, channels, model, architecture, appendix_tables, latent_dim, adam_betas,
    paper_fid_mean, paper_fid_std (FID, mean and standard deviation of three trainings), printed_in (tables, figures).
    """
    return read_csv("configurations.csv").set_index("name")


def paper_moments(name: str) -> Moments:
    """Return the paper's FID of exactly this configuration, or nothing (n = 0)."""
    paper = reported()
    if name not in paper.index:
        return moments([])
    row = paper.loc[name]
    return Moments(3, float(row["paper_fid_mean"]), float(row["paper_fid_std"]), math.nan, math.nan)


def reported_sparsity() -> pd.DataFrame:
    """Return the printed xi-bar (Eq. 15) and FID reduction in percent, indexed by configuration name (v2 Table 8)."""
    return read_csv("sparsity.csv").set_index("configuration")


@cache
def open_questions() -> OpenQuestions:
    """Return what the paper leaves open (U1 to U62), with our choices and the settings that change them."""
    return OpenQuestions.model_validate(read_yaml("open_questions.yaml"))


def read_yaml(name: str) -> Any:
    """Return what a YAML file of this folder holds."""
    return YAML(typ="safe").load((files("selfsparse.paper") / name).read_text(encoding="utf-8"))


@cache
def read_csv(path: str, **options: Any) -> pd.DataFrame:
    """Return a file of this folder; what is returned is shared, so change a copy."""
    with files("selfsparse.paper").joinpath(*path.split("/")).open(encoding="utf-8") as file:
        return pd.read_csv(file, **options)
