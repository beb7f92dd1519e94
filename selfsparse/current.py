"""`selfsparse status`: are the results of each suite made with the code and the settings as they are?

DVC says of every stage that a suite's report needs what has changed since dvc.lock was written. A result that is not on this disk,
as weights in a fresh clone, is taken as recorded there; so is what was read of it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from selfsparse.config import Settings
from selfsparse.inputs import write_inputs
from selfsparse.paths import project_root, suite_dir
from selfsparse.results.text import many

if TYPE_CHECKING:
    from dvc.stage import Stage

OTHER_CODE, NOT_MADE = "made with other code or settings", "not made yet"
OTHER_INPUTS, NOT_AS_RECORDED = "made from other results than those that are here", "not as recorded in dvc.lock"
MISSING = "not on this disk and taken as recorded"
KINDS = {
    "train": "training",
    "data": "data set",
    "paper_audit": "audit of the paper",
    "generators": "export of generators",
}


def status(settings: Settings) -> int:
    """Say for each suite that has results whether they are current.

    Returns:
        0 where all are, else 1.
    """
    from selfsparse.stages import Project, name_of

    write_inputs(settings, project_root() / "data" / "inputs")
    project, all_current = Project(project_root()), True
    with project.locked():
        published = {name for name in project.names() if name.startswith("generators@")}
        for suite in settings.suites:
            if not (suite_dir(suite) / "summary").is_dir():
                print(f"{suite}: not run")
                continue
            stages = project.upstream(f"report@{suite}", *({f"generators@{suite}"} & published))
            missing = {out.def_path for stage in stages for out in stage.outs if not out.exists}
            found = {name_of(s): reasons for s in stages if (reasons := stale(s, missing))}
            current = not [reasons for reasons in found.values() if reasons - {MISSING}]
            all_current &= current
            print("\n  ".join([f"{suite}: {'current' if current else 'NOT current'}", *_told(found)]))
    return int(not all_current)


def stale(stage: "Stage", missing: Collection[str]) -> set[str]:
    """Return what keeps a stage's results from being those that today's code would make, as DVC has it; nothing where none does.

    Args:
        missing: outputs that are not on this disk.
    """
    if stage.always_changed:
        return set()
    if not all(out.hash_info for out in stage.outs):
        return {NOT_MADE}
    deps, outs, command = stage.changed_entries()
    reasons = {OTHER_CODE} if command else set()
    for dep in deps:
        if dep.startswith("data/inputs/"):
            reasons.add(OTHER_CODE)
        elif not dep.startswith("data/listings/") and not any(
            _within(path, dep) or _within(dep, path) for path in missing
        ):
            reasons.add(OTHER_INPUTS)
    return reasons | {MISSING if out in missing else NOT_AS_RECORDED for out in outs}


def _within(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _told(found: dict[str, set[str]]) -> Iterator[str]:
    """Yield a line for each reason: how many stages of which kind it is true of."""
    by_reason: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, reasons in found.items():
        for reason in sorted(reasons):
            by_reason[reason][name.partition("@")[0]] += 1
    for reason, kinds in by_reason.items():
        told = (KINDS.get(kind, kind) if n == 1 else many(n, KINDS.get(kind, kind)) for kind, n in kinds.items())
        yield f"{', '.join(told)}: {reason}"
