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

import selfsparse
from selfsparse.config import Configuration, Settings
from selfsparse.errors import RunError, warn
from selfsparse.files import atomic_path, hash_file, read_json, write_json, write_text
from selfsparse.training.lock import hold

STATES_KEPT = 2  # one damaged on the disk must not cost the run
# What only says how fast or how often; a run may go on under other values of these.
NOT_SHAPING = {"device", "parallel_seeds", "checkpoint_every", "seeds"}
# The code that shapes a run, in selfsparse/; dvc.yaml names the same as deps of `train`.
CODE = (
    "models/*.py", "training/*.py", "metrics/frechet.py", "metrics/generated.py", "metrics/mechanism.py",
    "metrics/extractors.py", "metrics/inception.py", "metrics/lenet.py", "device.py",
)  # fmt: skip


def fingerprint(
    settings: Settings,
    configuration: Configuration,
    seed: int,
    device_type: str,
    reference_sha256: str,
    images_sha256: str,
) -> dict[str, Any]:
    """Return everything that shapes a run, as a flat dictionary of plain values."""
    shape = configuration.model_dump(mode="json", exclude={"train", "name", "suite", "network_name", "source"})
    shape["train"] = configuration.train.model_dump(mode="json", exclude=NOT_SHAPING)
    flat = {"seed": seed, "device": device_type, "torch": torch.__version__, "code": _code_hash()}
    flat |= {"reference": reference_sha256, "images": images_sha256}
    # Of the FIDs during training, which choose the best generator.
    flat["fid.precision"] = settings.fid.precision
    if configuration.train.sampling_batch_norm == "batch":  # else an image does not depend on those beside it (U18)
        flat["fid.batch_size"] = settings.fid.batch_size
    return flat | _flatten(shape)


def _flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, item in value.items():
        flat |= _flatten(item, f"{prefix}{key}.") if isinstance(item, dict) else {prefix + key: item}
    return flat


def _code_hash() -> str:
    """The code that shapes a run: an edited step never goes on from a state that the old one made."""
    package = Path(selfsparse.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for part in CODE for p in package.glob(part)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


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
        self._lock = hold(
            self._folder / "lock", f"this run, {self._parent.parent.name} {self._parent.name}", self._stopped
        )
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
                return _load(path)
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
        if not others:
            return []
        other = read_json(max(others, key=lambda path: path.stat().st_mtime))
        keys = sorted(k for k in self._shape.keys() | other.keys() if self._shape.get(k) != other.get(k))
        return [f"{key}: {other.get(key)} -> {self._shape.get(key)}" for key in keys]


def _number(state: Path) -> int:
    return int(state.stem.removeprefix("state-"))


def _checksum(state: Path) -> Path:
    return state.with_name(state.name + ".sha256")


def _is_whole(state: Path) -> bool:
    checksum = _checksum(state)
    return checksum.is_file() and checksum.read_text(encoding="utf-8", errors="replace").split()[:1] == [
        hash_file(state)
    ]


def _load(state: Path) -> dict[str, Any]:
    try:
        return torch.load(state, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:  # its checksum is right: nothing of ours wrote this
        reason = str(error).splitlines()[0]
        raise RunError(f"{state} is no state of a run ({reason}); move {state.parent} away to start anew") from None


def _delete(state: Path) -> None:
    state.unlink(missing_ok=True)
    _checksum(state).unlink(missing_ok=True)
