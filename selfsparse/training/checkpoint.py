"""States to resume from: outside the pipeline's outputs, under a fingerprint of all that shapes the run.

A folder holds the two newest states, state-<number>.pt, and beside each its checksum, state-<number>.pt.sha256, as
`sha256sum --check` reads it. A state whose checksum does not match is deleted, and the one before it is used.
"""

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from filelock import BaseFileLock

from selfsparse.errors import RunError, warn
from selfsparse.files import atomic_path, hash_file, read_json, write_json, write_text
from selfsparse.made_from import differences
from selfsparse.training.lock import hold

STATES_KEPT = 2  # one damaged on the disk must not cost the run


class CheckpointStore:
    """The state of one run, in `<folder>/<fingerprint>/`; one process at a time holds it.

    Use it as a context manager: it takes the run's lock, as `hold` does, which asks `stopped` while it waits.
    """

    def __init__(self, folder: Path, shape: dict[str, Any], stopped: Callable[[], bool] = lambda: False) -> None:
        self._parent, self._shape, self._stopped = folder, shape, stopped
        digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()
        self._folder = folder / digest[:16]
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> "CheckpointStore":
        name = f"{self._parent.parent.name} {self._parent.name}"
        self._lock = hold(self._folder / "lock", f"this run, {name}", self._stopped).lock
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def load(self) -> dict[str, Any] | None:
        """Return the newest state that is whole, or None where this run has none.

        A damaged one is deleted, with a warning; where none is left, the run starts anew.

        Raises:
            RunError: a whole state holds something else than tensors and plain values.
        """
        states = self._states()
        while states:
            path = states.pop()
            if _is_whole(path):
                try:
                    return torch.load(path, map_location="cpu", weights_only=True)
                except (pickle.UnpicklingError, RuntimeError) as error:  # nothing of ours wrote this
                    reason = f"{path} is no state of a run ({str(error).splitlines()[0]})"
                    raise RunError(f"{reason}; move {path.parent} away to start anew") from None
            instead = f"the run goes on from the one before it, {states[-1].name}" if states else "the run starts anew"
            warn(f"{path} is damaged: it does not match its checksum. It was deleted; {instead}.")
            _delete(path)
        return None

    def save(self, state: dict[str, Any]) -> None:
        """Write the state and drop all but the newest two; an interruption leaves those before.

        Raises:
            WriteError: no room on the disk; the states before are unchanged.
        """
        if not (self._folder / "fingerprint.json").is_file():
            write_json(self._folder / "fingerprint.json", self._shape)
        states = self._states()
        path = self._folder / f"state-{_number(states[-1]) + 1 if states else 1:06}.pt"
        with atomic_path(path) as partial:
            # An open file: by a name, torch would not say why it could not write.
            with open(partial, "wb") as file:
                torch.save(state, file)
            # Before the state has its name: no state is without its checksum.
            write_text(_checksum(path), f"{hash_file(partial)}  {path.name}\n")
        for old in self._states()[:-STATES_KEPT]:
            _delete(old)

    def _states(self) -> list[Path]:
        """The states that are there, the newest last."""
        return sorted(self._folder.glob("state-*.pt"), key=_number)

    def differences(self) -> list[str]:
        """Return, for the most recent state under another fingerprint, which settings differ from this run's."""
        others = [p for p in self._parent.glob("*/fingerprint.json") if p.parent != self._folder]
        newest = max(others, key=lambda path: path.stat().st_mtime, default=None)
        return differences(read_json(newest), self._shape) if newest else []


def _number(state: Path) -> int:
    return int(state.stem.removeprefix("state-"))


def _checksum(state: Path) -> Path:
    return state.with_name(state.name + ".sha256")


def _is_whole(state: Path) -> bool:
    noted = _checksum(state)
    return noted.is_file() and noted.read_text(encoding="utf-8", errors="replace").split()[:1] == [hash_file(state)]


def _delete(state: Path) -> None:
    state.unlink(missing_ok=True)
    _checksum(state).unlink(missing_ok=True)
