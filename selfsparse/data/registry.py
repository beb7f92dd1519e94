"""Every dataset, as datasets.toml declares it. An entry that misses something fails here, when the settings are read."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Declared:
    """One dataset; datasets.toml says what each key means."""

    title: str
    reader: str
    options: str
    count: int = 0
    room: int = 0
    fixed: bool = False
    what: str = ""
    where: str = ""
    put: str = ""
    size: str = ""
    checked: str = ""
    terms: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


_TABLE = tomllib.loads(Path(__file__).with_name("datasets.toml").read_text(encoding="utf-8"))
DATASETS = {name: Declared(**entry) for name, entry in _TABLE.items()}
