"""One result of a configuration, a folder for each seed: only those are made that are not there as they would be made today.

New folders wait beside the states of trainings until all are made. So a stage that is refused, fails or is interrupted leaves its
last result as dvc.lock has it, and what it made counts when it runs again.
"""

import contextlib
import shutil
from pathlib import Path
from typing import Any

from selfsparse.config import Configuration
from selfsparse.made_from import outdated
from selfsparse.paths import result_dir, staging_dir
from selfsparse.recorded import put_back


class KeptSeeds:
    """The seeds of one result, `runs`, `fid` or `sparsity`, of a configuration.

    Args:
        shapes: by seed, everything that shapes its folder.

    Attributes:
        folder: of the result.
        shapes: as given.
        reasons: by seed that has to be made, why.
    """

    def __init__(self, configuration: Configuration, kind: str, shapes: dict[int, dict[str, Any]]) -> None:
        self._name, self.shapes = configuration.name, shapes
        self.folder = result_dir(configuration.suite, kind, configuration.name)
        self.staging = staging_dir(kind, configuration.name)
        found = {seed: outdated(self.folder / f"seed{seed}", shape) for seed, shape in shapes.items()}
        reasons = {seed: reason for seed, reason in found.items() if reason is not None}
        self._staged = {seed for seed in reasons if outdated(self.path(seed), shapes[seed]) is None}
        self.reasons = {seed: reason for seed, reason in reasons.items() if seed not in self._staged}
        for path in self.staging.iterdir() if self.staging.is_dir() else ():
            if path not in map(self.path, self._staged) and not _in_writing(path):
                _remove(path)

    def path(self, seed: int) -> Path:
        """Return the folder in which a seed that has to be made is to be made."""
        return self.staging / f"seed{seed}"

    def there(self, seed: int) -> Path:
        """Return the folder in which a seed's files lie before `finish`, once it was made."""
        return self.path(seed) if seed in self.new else self.folder / f"seed{seed}"

    @property
    def new(self) -> list[int]:
        """Return the seeds whose folders `finish` puts in their place: what an interrupted stage had made is among them."""
        return [seed for seed in self.shapes if seed in self._staged or seed in self.reasons]

    def describe(self, makes: str) -> str:
        """Return one line: what is kept, and what is made for which reason.

        Args:
            makes: "trains", say.
        """
        parts = []
        if kept := [seed for seed in self.shapes if seed not in self.reasons]:
            parts.append(f"keeps seed {', '.join(map(str, kept))}")
        for reason in dict.fromkeys(self.reasons.values()):
            seeds = [str(seed) for seed, other in self.reasons.items() if other == reason]
            parts.append(f"{makes} seed {', '.join(seeds)} ({reason})")
        return f"{self._name}: {'; '.join(parts)}"

    def finish(self) -> list[int]:
        """Put what was made, all that lies in `staging`, in its place, and remove all else but the seeds that were kept.

        Returns:
            The seeds whose folders are gone meanwhile.
        """
        put_back(self.folder)  # another DVC may have been started meanwhile, and have removed it
        there = self.staging.iterdir() if self.staging.is_dir() else ()
        made = [path.name for path in there if not _in_writing(path)]
        for name in made:
            _remove(self.folder / name)
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.move(self.staging / name, self.folder / name)
        wanted = {*made, *(f"seed{seed}" for seed in self.shapes)}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name not in wanted:
                _remove(path)
        with contextlib.suppress(OSError):
            self.staging.rmdir()  # unless another process writes there
        return [seed for seed in self.shapes if not (self.folder / f"seed{seed}").is_dir()]


def _in_writing(path: Path) -> bool:
    """Whether it is a file on its way to its name: of another process at the same stage, or left by one that was killed."""
    return path.name.endswith(".partial")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
