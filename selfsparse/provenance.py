"""Where a result comes from: commit, settings, versions, device and time."""

import hashlib
import json
import platform
import subprocess
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selfsparse.config import Configuration
from selfsparse.errors import printable, warn
from selfsparse.files import read_json, reading, write_json
from selfsparse.paths import project_root, provenance_file
from selfsparse.processes import usable_cpus

SOURCES = ("--", ".", ":!results", ":!dvc.lock")  # for git status: all but what a suite changes
PACKAGES = ("torch", "torchvision", "torch-fidelity", "numpy", "scipy", "pillow", "scikit-learn", "dvc")


def collect_provenance(configuration: Configuration, device: str, seconds: float) -> dict[str, Any]:
    """Return the provenance of a configuration's runs; `seconds` is the wall time of all its seeds together, over all attempts.

    The host's name and paths are left out: they identify a person's machine, not the result.
    """
    settings = configuration.model_dump(mode="json")
    commit, changes = _code()
    return {
        "git_commit": commit,
        "uncommitted_changes": changes,
        "settings_sha256": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        "settings": settings,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds, 1),
        **machine(device, PACKAGES),
    }


def machine(device: str, packages: Iterable[str]) -> dict[str, Any]:
    """Return processor, cores, system and versions; no name of a machine or person."""
    return {
        "device": device_name(device),
        "cpu_cores": usable_cpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def note_training(configuration: Configuration, device: str, seconds: float, seeds: Iterable[int]) -> None:
    """Write a configuration's provenance after the training of some of its seeds; what is noted of the others stays.

    Args:
        device: `cuda` or `cpu`.
        seconds: wall time of these seeds together, over all attempts; the sum counts those of the others too.
    """
    new, seeds = collect_provenance(configuration, device, seconds), set(seeds)
    each = {name: new[name] for name in ("git_commit", "uncommitted_changes", "finished", "device", "torch")}
    before = read_provenance(configuration.suite, configuration.name)
    runs = {seed: before.get("runs", {}).get(str(seed)) for seed in configuration.train.seeds}
    runs |= dict.fromkeys(seeds, each)
    if seeds < set(configuration.train.seeds):
        new["seconds"] = round(new["seconds"] + before.get("seconds", 0.0), 1)
    write_json(provenance_file(configuration.suite, configuration.name), {**new, "runs": runs})


def note_kept(configuration: Configuration, device: str, how: str) -> None:
    """Add to a configuration's provenance that later code was found to train the same, and how that was seen.

    Args:
        device: `cuda` or `cpu`, on which it was looked at.
    """
    path = provenance_file(configuration.suite, configuration.name)
    before = read_provenance(configuration.suite, configuration.name)
    now = collect_provenance(configuration, device, 0.0)
    entry = {name: now[name] for name in ("git_commit", "uncommitted_changes", "finished", "device")}
    write_json(path, {**before, "kept_under": [*before.get("kept_under", []), {**entry, "how": how}]})


def read_provenance(suite: str, configuration: str) -> dict[str, Any]:
    """Return what `note_training` has written; nothing where a configuration has not been trained."""
    path = provenance_file(suite, configuration)
    if not path.is_file():
        return {}
    with reading(path, f"train@{configuration}", in_git=True):
        return dict(read_json(path))


def device_name(device: str) -> str:
    """Return what kind of processor `cuda` or `cpu` is here."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in names if line.startswith("model name")]
    return f"CPU ({next(iter(models), platform.processor()) or platform.machine()})"


def _code() -> tuple[str | None, bool | None]:
    """Return the commit, and whether tracked files differ from it; None and a warning where git does not say."""
    try:
        root = project_root()
        git(root, "ls-files", "--error-unmatch", "params.yaml")  # else it may be another project's, around this folder
        return git(root, "rev-parse", "HEAD"), bool(
            git(root, "status", "--porcelain", "--untracked-files=no", *SOURCES)
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = " ".join((getattr(error, "stderr", None) or str(error)).split())
        warn(f"the provenance has no commit, as git does not name one: {printable(reason)[:400]}")
        return None, None


def git(folder: Path, *arguments: str) -> str:
    """Return what a git command prints; CalledProcessError where it fails, with `stderr`."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.rstrip()


def commit_text(provenance: dict[str, Any], digits: int = 10, quote: str = "") -> str:
    """Return the commit of a provenance, in quotes, or `unknown` where git named none, and whether there were changes."""
    commit = (provenance.get("git_commit") or "")[:digits]
    changes = " and changes" if provenance.get("uncommitted_changes") else ""
    return (quote + commit + quote if commit else "unknown") + changes


def noted(entries: Iterable[dict[str, Any]], what: str | Callable[[dict[str, Any]], Any]) -> str:
    """Return what provenances say of something, each thing once: `Intel Xeon, NVIDIA H200`; what they do not have is left out.

    Args:
        what: a name in them, or what reads it from one.
    """
    found = (entry.get(what) if isinstance(what, str) else what(entry) for entry in entries)
    return ", ".join(dict.fromkeys(str(value) for value in found if value is not None))
