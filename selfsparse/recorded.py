"""A stage's last result, put back: DVC removes outputs before a stage runs, which may need a part of them, or fail.

DVC's own `persist: true` would leave them there, but takes a stage out of the run cache, by which a result comes back when a
setting does, and travels between machines. So a stage takes from the cache what dvc.lock names. It does so itself, as a
`dvc checkout` would wait for the stage, and takes seconds to read the pipeline.
"""

import json
import os
import re
import shutil
from pathlib import Path

from selfsparse.paths import project_root


def put_back(output: Path) -> bool:
    """Put the folder that dvc.lock names back in its place, where it is gone and the cache holds all of it.

    Returns:
        Whether it was put back; where not, nothing has changed.
    """
    root = project_root()
    if output.exists() or not (root / ".dvc").is_dir():
        return False
    recorded = _recorded(root, output.relative_to(root).as_posix())
    if recorded is None or not recorded.endswith(".dir"):
        return False
    cache = _cache(root)
    try:
        entries = json.loads(_object(cache, recorded).read_text(encoding="utf-8"))
        files = {entry["relpath"]: _object(cache, entry["md5"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if not all(path.is_file() for path in files.values()):
        return False
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")  # .dvcignore names such
    try:
        for name, source in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source.resolve(), partial / name)
            except OSError:  # another disk, or one that has no links
                shutil.copyfile(source, partial / name)
        partial.rename(output)
    except OSError:  # no room, say: what needs it makes it anew, and says so
        return False
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return True


def _recorded(root: Path, output: str) -> str | None:
    """The hash that dvc.lock has of an output; as DVC writes the file, without reading it as YAML, which takes seconds."""
    lock = root / "dvc.lock"
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    for outs in re.findall(r"^    outs:\n((?:    [- ] .*\n)+)", text, re.MULTILINE):
        if found := re.search(
            rf"^    - path: {re.escape(output)}\n(?:      .*\n)*?      md5: (\S+)$", outs, re.MULTILINE
        ):
            return found[1]
    return None


def _cache(root: Path) -> Path:
    from dvc.config import Config

    return Path(Config(str(root / ".dvc"))["cache"].get("dir") or root / ".dvc" / "cache")


def _object(cache: Path, md5: str) -> Path:
    return cache / "files" / "md5" / md5[:2] / md5[2:]
