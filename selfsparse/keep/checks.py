"""Does today's code make a result as it is? Of each kind of stage: what is recomputed, in a copy of the project, and compared."""

import os
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selfsparse.config import Settings
from selfsparse.device import any_device, choose_device
from selfsparse.files import hash_file, read_json
from selfsparse.keep.stages import NotKeptError
from selfsparse.made_from import FILE, damaged, differences, is_code, note
from selfsparse.paths import extractor_dir, packed_dir, project_root, provenance_file, reference_dir, result_dir
from selfsparse.provenance import note_kept

DATA, EXTRACTORS, REFERENCES = "data/packed", "data/extractors", "data/references"
Shapes = dict[int, dict[str, Any]]


@contextmanager
def copy_of_project(settings: Settings, *read: str) -> Iterator[None]:
    """Be in a folder that is the project for what is read, and none for what is made."""
    root = project_root()
    (root / ".checkpoints").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="keep", dir=root / ".checkpoints") as name:
        for path in ("params.yaml", "dvc.yaml", settings.raw_data, *read):
            if not os.path.isabs(os.path.expanduser(path)) and (root / path).exists():
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / path).symlink_to(root / path)
        with chdir(name):
            yield


def _all_of(folder_of: Callable[[str], Path], kind: str, *read: str) -> Callable[[Settings, str], str]:
    """A check that makes the whole of a result again."""

    def check(settings: Settings, name: str) -> str:
        from importlib import import_module

        kept = folder_of(name)
        with copy_of_project(settings, *read):
            import_module(f"pipeline.{kind}").main(settings, name)
            compare_files(kept, folder_of(name))
        return "made again, it is the same to the byte"

    return check


def compare_files(kept: Path, again: Path) -> None:
    """Raise NotKeptError where two folders do not hold the same files; what they are made from aside."""
    hashes = [
        {
            p.relative_to(folder).as_posix(): hash_file(p)
            for p in sorted(folder.rglob("*"))
            if p.is_file() and p.name != FILE
        }
        for folder in (kept, again)
    ]
    if found := sorted(
        name for name in hashes[0].keys() | hashes[1].keys() if hashes[0].get(name) != hashes[1].get(name)
    ):
        raise NotKeptError(f"made again, {', '.join(found)} of {kept.name} differ{'s' * (len(found) == 1)}")


def check_training(settings: Settings, name: str) -> str:
    """Take the first steps of every run again."""
    from selfsparse.keep.replay import compare_runs
    from selfsparse.training.fingerprint import fingerprint

    c = settings.configuration(name)
    device = choose_device(c.train.device, c.suite)
    shapes = {seed: fingerprint(settings, c, seed, device) for seed in c.train.seeds}
    kept = result_dir(c.suite, "runs", name)
    edited = _edited(kept, shapes)
    how = "made by today's code"
    if edited:
        noted = provenance_file(c.suite, name).relative_to(project_root()).as_posix()
        with copy_of_project(settings, DATA, EXTRACTORS, REFERENCES, noted):
            how = compare_runs(settings, c, edited, device, kept)
        note_kept(c, device, how)
    _note(kept, shapes, edited)
    return how


def check_measures(settings: Settings, name: str) -> str:
    """Measure one run again: its FIDs, and its sparsity."""
    from selfsparse.compact.measure import measure_configuration_sparsity, sparsity_shape
    from selfsparse.metrics.final_fid import fid_shape, measure_configuration_fid

    c, device, found = settings.configuration(name), any_device(), []
    runs = result_dir(c.suite, "runs", name)
    for kind, shape, measure in (
        ("fid", fid_shape, measure_configuration_fid),
        ("sparsity", sparsity_shape, measure_configuration_sparsity),
    ):
        shapes = {seed: shape(settings, c, seed, device) for seed in c.train.seeds}
        kept = result_dir(c.suite, kind, name)
        edited = _edited(kept, shapes)
        if edited:
            finished = [s for s in edited if read_json(runs / f"seed{s}/run.json")["status"] == "finished"]
            seed = (finished or edited)[0]
            alone = c.model_copy(update={"train": c.train.model_copy(update={"seeds": (seed,)})})
            with copy_of_project(settings, EXTRACTORS, REFERENCES, runs.relative_to(project_root()).as_posix()):
                measure(settings, alone, device)
                compare_files(kept / f"seed{seed}", result_dir(c.suite, kind, name) / f"seed{seed}")
            found.append(f"{kind} of seed {seed} measured again is the same to the byte")
        _note(kept, shapes, edited)
        measure(settings, c, device)  # keeps every seed, and joins their tables as today's code does
    return "; ".join(found) or "made by today's code"


def _edited(kept: Path, shapes: Shapes) -> list[int]:
    """Return the seeds that other code has made than today's; raise NotKeptError where anything else differs."""
    edited = []
    for seed, shape in shapes.items():
        folder = kept / f"seed{seed}"
        if (reason := damaged(folder)) is not None:
            raise NotKeptError(f"seed {seed}: {reason}")
        found = differences(read_json(folder / FILE)["shape"], shape)
        if others := [text for text in found if not is_code(text)]:
            raise NotKeptError(f"seed {seed}: more than code has changed: {', '.join(others)}")
        if found:
            edited.append(seed)
    return edited


def _note(kept: Path, shapes: Shapes, edited: list[int]) -> None:
    for seed in edited:
        note(kept / f"seed{seed}", shapes[seed])


# In the order of the pipeline.
CHECKS: dict[str, Callable[[Settings, str], str]] = {
    "data": _all_of(packed_dir, "data"),
    "extractor": _all_of(extractor_dir, "extractor", DATA),
    "reference": _all_of(reference_dir, "reference", DATA, EXTRACTORS),
    "train": check_training,
    "measure": check_measures,
}
