"""Which stages an edit has made stale, in the order of the pipeline, and whether today's code makes their results as they are.

Of each kind of stage something is computed again, in a copy of the project, and compared.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selfsparse.config import Settings
from selfsparse.device import any_device, choose_device
from selfsparse.errors import UserError
from selfsparse.files import hash_file, read_json
from selfsparse.inputs import write_inputs
from selfsparse.made_from import FILE, damaged, differences, is_code, note
from selfsparse.paths import extractor_dir, packed_dir, project_root, provenance_file, reference_dir, result_dir
from selfsparse.provenance import note_kept

DATA, EXTRACTORS, REFERENCES = "data/packed", "data/extractors", "data/references"


class NotKeptError(Exception):
    """Why a result cannot be taken for what today's code would make."""


def keep(settings: Settings, targets: Sequence[str], say: Callable[[str], None] = print) -> int:
    """Record the results of stale stages as current where today's code makes the same; leave all others as they are.

    Args:
        targets: names of stages (`train@digits-16-self_sparse`) or of suites, whose stages are meant; none means all suites.
        say: prints a line.

    Returns:
        0 where every stale stage that has a result was kept, else 1.

    Raises:
        UserError: dvc.yaml has no such stage, or none that can be kept.
    """
    from selfsparse.stages import Project, name_of

    write_inputs(settings, project_root() / "data" / "inputs")
    project, left, kept = Project(project_root()), set(), 0
    with project.locked():
        stages = {}
        for target in targets or settings.suites:
            found = project.upstream(f"report@{target}") if target in settings.suites else project.upstream(target)[-1:]
            stages |= {name_of(s): s for s in found if name_of(s).partition("@")[0] in CHECKS}
        if not stages:
            raise UserError(
                f"{', '.join(targets)}: nothing to keep. Of {', '.join(CHECKS)} the results can be kept; all else runs in"
                " seconds: dvc repro"
            )
        needs = project.needs(stages.values())
        for name, stage in sorted(stages.items(), key=lambda item: list(CHECKS).index(item[0].partition("@")[0])):
            if not all(out.hash_info for out in stage.outs) or not stage.changed():
                continue
            try:
                if stale := needs[name] & left:
                    raise NotKeptError(f"it is made from {', '.join(sorted(stale))}")
                if other := ", ".join(
                    f"{path} is {state}" for out in stage.outs for path, state in out.status().items()
                ):
                    back = f"dvc checkout {stage.addressing}"
                    raise NotKeptError(f"dvc.lock has another result ({other}); bring that back with: {back}")
                kind, _, what = name.partition("@")
                how = CHECKS[kind](settings, what)
                project.keep(stage)
            except NotKeptError as error:
                left.add(name)
                say(f"{name}: NOT kept: {error}")
            else:
                kept += 1
                say(f"{name}: kept: {how}")
    say(f"{kept} kept, {len(left)} stale as before" if kept or left else "nothing was stale")
    return int(bool(left))


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


def _made_again(kind: str, folder_of: Callable[[str], Path], *read: str) -> Callable[[Settings, str], str]:
    """A check that makes the whole of a result again."""

    def check(settings: Settings, name: str) -> str:
        kept = folder_of(name)
        with copy_of_project(settings, *read):
            import_module(f"pipeline.{kind}").main(settings, name)
            _compare_files(kept, folder_of(name))
        return "made again, it is the same to the byte"

    return check


def _compare_files(kept: Path, again: Path) -> None:
    """Raise NotKeptError where two folders do not hold the same files; what they are made from aside."""
    before, now = (
        {p.relative_to(f).as_posix(): hash_file(p) for p in f.rglob("*") if p.is_file() and p.name != FILE}
        for f in (kept, again)
    )
    if found := sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        raise NotKeptError(f"made again, {', '.join(found)} of {kept.name} differ{'s' * (len(found) == 1)}")


def _check_training(settings: Settings, name: str) -> str:
    """Take the first steps of every run again."""
    from selfsparse.keep.replay import compare_runs
    from selfsparse.training.fingerprint import fingerprint

    c = settings.configuration(name)
    device = choose_device(c.train.device, c.suite)
    kept = result_dir(c.suite, "runs", name)
    edited = _edited(kept, {seed: fingerprint(settings, c, seed, device) for seed in c.train.seeds})
    how = "made by today's code"
    if edited:
        noted = provenance_file(c.suite, name).relative_to(project_root()).as_posix()
        with copy_of_project(settings, DATA, EXTRACTORS, REFERENCES, noted):
            how = compare_runs(settings, c, list(edited), device, kept)
        note_kept(c, device, how)
    for seed, shape in edited.items():
        note(kept / f"seed{seed}", shape)
    return how


def _check_measures(settings: Settings, name: str) -> str:
    """Measure one run again: its FIDs, and its sparsity."""
    from selfsparse.compact.measure import SPARSITIES
    from selfsparse.metrics.final import measure_configuration
    from selfsparse.metrics.final_fid import FIDS

    c, device, found = settings.configuration(name), any_device(), []
    runs = result_dir(c.suite, "runs", name)
    for measure in (FIDS, SPARSITIES):
        kept = result_dir(c.suite, measure.kind, name)
        edited = _edited(kept, {seed: measure.shape(settings, c, seed, device) for seed in c.train.seeds})
        if edited:
            finished = [s for s in edited if read_json(runs / f"seed{s}/run.json")["status"] == "finished"]
            seed = (finished or list(edited))[0]
            alone = c.model_copy(update={"train": c.train.model_copy(update={"seeds": (seed,)})})
            with copy_of_project(settings, EXTRACTORS, REFERENCES, runs.relative_to(project_root()).as_posix()):
                measure_configuration(settings, alone, device, [measure])
                _compare_files(kept / f"seed{seed}", result_dir(c.suite, measure.kind, name) / f"seed{seed}")
            found.append(f"{measure.kind} of seed {seed} measured again is the same to the byte")
        for seed, shape in edited.items():
            note(kept / f"seed{seed}", shape)
        # Keeps every seed, and joins their tables as today's code does.
        measure_configuration(settings, c, device, [measure])
    return "; ".join(found) or "made by today's code"


def _edited(kept: Path, shapes: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the shapes of those seeds that other code has made; raise NotKeptError where anything else than code differs."""
    edited = {}
    for seed, shape in shapes.items():
        folder = kept / f"seed{seed}"
        if (reason := damaged(folder)) is not None:
            raise NotKeptError(f"seed {seed}: {reason}")
        found = differences(read_json(folder / FILE)["shape"], shape)
        if others := [text for text in found if not is_code(text)]:
            raise NotKeptError(f"seed {seed}: more than code has changed: {', '.join(others)}")
        if found:
            edited[seed] = shape
    return edited


# In the order of the pipeline.
CHECKS: dict[str, Callable[[Settings, str], str]] = {
    "data": _made_again("data", packed_dir),
    "extractor": _made_again("extractor", extractor_dir, DATA),
    "reference": _made_again("reference", reference_dir, DATA, EXTRACTORS),
    "train": _check_training,
    "measure": _check_measures,
}
