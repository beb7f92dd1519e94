"""Where a result comes from: commit, settings, versions, device and time."""

import hashlib
import json
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from selfsparse.config import Configuration
from selfsparse.errors import printable, warn
from selfsparse.paths import project_root
from selfsparse.processes import usable_cpus

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
        "device": device_name(device),
        "cpu_cores": usable_cpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def device_name(device: str) -> str:
    """Return what kind of processor `cuda` or `cpu` is here."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    name = next(
        (line.split(":", 1)[1].strip() for line in names if line.startswith("model name")), platform.processor()
    )
    return f"CPU ({name or platform.machine()})"


def _code() -> tuple[str | None, bool | None]:
    """Return the commit, and whether tracked files differ from it; None and a warning where git does not say."""
    try:
        commit = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results", ":!dvc.lock")
    except (OSError, subprocess.CalledProcessError) as error:
        reason = " ".join((getattr(error, "stderr", None) or str(error)).split())
        warn(f"the provenance has no commit, as git does not name one: {printable(reason)[:400]}")
        return None, None
    return commit, bool(changes)


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=True)
    return result.stdout.strip()


def commit_text(provenance: dict[str, Any], digits: int = 10, quote: str = "") -> str:
    """Return the commit of a provenance, in quotes, or `unknown` where git named none, and whether there were changes."""
    commit = (provenance.get("git_commit") or "")[:digits]
    return (quote + commit + quote if commit else "unknown") + (
        " and changes" if provenance.get("uncommitted_changes") else ""
    )
