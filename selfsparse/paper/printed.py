"""What the paper prints and claims: every table of both versions by name, and the claims C1 to C45.

v1 is the first version (arXiv, 2021), v2 the journal version (2022). tables.csv lists the tables, with their numbers in
both versions and the file that holds each; no value stands in two files.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from selfsparse.paper import read_csv, read_yaml

TABLES, TEXT = "tables", "text"  # the two readings of the betas on STL-10 (U6)
BETAS_VARIATION = "betas_05_0999"

Kind = Literal["ordering", "effect size", "mechanism", "proof", "arithmetic", "visual", "statement"]


def _as_tuple(value: Any) -> tuple:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


class Selector(BaseModel):
    """Configurations by their fields: all combinations of the values; a variation is a name's part after the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    resolution: Annotated[tuple[int, ...], BeforeValidator(_as_tuple)]
    model: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    variation: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ("",)

    def fields(self, reading: str = TABLES) -> Iterator[tuple[str, int, str, str]]:
        """Yield (dataset, resolution, model, variation); the reading `text` exchanges the betas on STL-10 (U6)."""
        for dataset, resolution, variation, model in product(self.dataset, self.resolution, self.variation, self.model):
            if reading == TEXT and dataset == "stl10" and variation in ("", BETAS_VARIATION):
                variation = "" if variation else BETAS_VARIATION
            yield dataset, resolution, model, variation


class Claim(BaseModel):
    """One claim of the paper and how its verdict comes about; claims.yaml describes the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^C[1-9]\d*$")
    statement: str
    v1: str = ""
    v2: str = ""
    printed: dict[str, float | str] = {}
    kind: Kind
    measure: str
    configurations: tuple[Selector, ...] = ()
    readings: tuple[Literal["tables", "text"], ...] = ("tables",)
    rule: str
    parameters: dict[str, Any] = {}
    stand_in_allowed: bool = False
    note: str = ""

    def fields(self, reading: str = TABLES) -> list[tuple[str, int, str, str]]:
        """Return (dataset, resolution, model, variation) of every configuration that the claim needs."""
        return list(dict.fromkeys(found for selector in self.configurations for found in selector.fields(reading)))

    def names(self, reading: str = TABLES) -> list[str]:
        """Return the names of these configurations as suite `paper` has them.

        The order is that of every reading: the printed FID of names()[i] belongs to our names("text")[i] under `text`.
        """
        return ["-".join(str(part) for part in found if part != "") for found in self.fields(reading)]


class Claims(BaseModel):
    """All claims, the words of their rules, the two readings of U6, and the datasets that cannot be had.

    terms says which configurations a claim is scored on; parts names the claim that each part of the paper begins with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    readings: dict[str, str]
    terms: dict[str, str] = {}
    unavailable: dict[str, str]
    parts: dict[str, str] = {}
    rules: dict[str, str]
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _rules_are_known(self) -> "Claims":
        unknown = [f"{c.id}: {c.rule}" for c in self.claims if c.rule not in self.rules]
        if unknown:
            raise ValueError(f"no such rule: {', '.join(unknown)}")
        return self

    def __getitem__(self, claim: str) -> Claim:
        """Return a claim by its id."""
        return {c.id: c for c in self.claims}[claim]

    def by_part(self) -> dict[str, list[Claim]]:
        """Return the claims by the part of the paper that they belong to, in order."""
        titles = {first: title for title, first in self.parts.items()}
        found: dict[str, list[Claim]] = {}
        title = ""
        for claim in self.claims:
            title = titles.get(claim.id, title)
            found.setdefault(title, []).append(claim)
        return found

    def __iter__(self) -> Iterator[Claim]:  # type: ignore[override]
        return iter(self.claims)


def printed_tables() -> pd.DataFrame:
    """Return the index of the printed tables: v1, v2, title, file, configurations, image, latent, indexed by name.

    v1 and v2 are the numbers in the two versions, empty where a version lacks the table. image and latent are what a
    caption or a table says about image size and width of z.
    """
    return read_csv("tables.csv", keep_default_na=False).set_index("name")


def printed_table(name: str) -> pd.DataFrame:
    """Return a printed table, rows in printed order; those of configurations and of sparsity with the names as column.

    Raises:
        KeyError: for a name that tables.csv does not have.
    """
    entry = printed_tables().loc[name]
    table = read_csv(entry["file"], keep_default_na=False)
    if not entry["configurations"]:
        return table.copy()
    return table.set_index("name").loc[entry["configurations"].split()].reset_index()


@cache
def text_number(name: str) -> float:
    """Return a number of the running text, by its name in tables/text_numbers.csv."""
    return float(printed_table("text_numbers").set_index("name").loc[name, "value"])


@cache
def claims() -> Claims:
    """Return the paper's claims C1 to C45."""
    return Claims.model_validate(read_yaml("claims.yaml"))
