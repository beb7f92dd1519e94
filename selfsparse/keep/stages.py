"""Which stages an edit has made stale, in the order in which DVC would run them, and what becomes of each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from selfsparse.config import Settings
from selfsparse.errors import UserError
from selfsparse.inputs import write_inputs
from selfsparse.paths import project_root

if TYPE_CHECKING:
    from dvc.stage import Stage


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
    from selfsparse.keep.checks import CHECKS
    from selfsparse.stages import Project, name_of

    root = project_root()
    write_inputs(settings, root / "data" / "inputs")
    project = Project(root)
    with project.locked():
        stages = {}
        for target in targets or settings.suites:
            found = project.upstream(f"report@{target}" if target in settings.suites else target)
            stages |= {name_of(s): s for s in (found if target in settings.suites else found[-1:])}
        stages = {name: stage for name, stage in stages.items() if name.partition("@")[0] in CHECKS}
        if not stages:
            raise UserError(
                f"{', '.join(targets)}: nothing to keep. Of {', '.join(CHECKS)} the results can be kept; all else runs in"
                " seconds: dvc repro"
            )
        needs, left, kept = project.needs(list(stages.values())), set(), 0
        for name, stage in sorted(stages.items(), key=lambda item: list(CHECKS).index(item[0].partition("@")[0])):
            if not all(out.hash_info for out in stage.outs) or not stage.changed():
                continue
            try:
                if stale := needs[name] & left:
                    raise NotKeptError(f"it is made from {', '.join(sorted(stale))}")
                _check_there(stage)
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


def _check_there(stage: "Stage") -> None:
    for out in stage.outs:
        if status := out.status():
            what = ", ".join(f"{path} is {state}" for path, state in status.items())
            raise NotKeptError(
                f"dvc.lock has another result ({what}); bring that back with: dvc checkout {stage.addressing}"
            )
