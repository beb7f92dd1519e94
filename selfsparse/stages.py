"""The stages of a checkout as DVC sees them: their order, which are up to date, and how a result travels through a remote.

All is done by what DVC's commands call: `dvc repro --single-item --pull`, `dvc push --run-cache`, `dvc pull`, `dvc commit`. The
commands themselves would read the pipeline anew for each stage.
"""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfsparse.errors import UserError
from selfsparse.files import atomic_path, write_text
from selfsparse.paths import latency_file, provenance_file

if TYPE_CHECKING:
    from dvc.stage import Stage

# What is noted of an output results/<suite>/<kind>/<configuration> outside of it, as it differs from run to run.
BESIDE = {"runs": provenance_file, "sparsity": latency_file}
REMOTE = "cluster"  # the name of the remote in DVC's settings of a process; no file is touched
Records = dict[str, dict[str, Any]]  # by stage, what dvc.lock says of it
HEAD = "schema: '2.0'\nstages:\n"  # of dvc.lock; a stage's name and its lines follow
STAGE = re.compile(r"  ([\w@.-]+):\n(?:    .*\n)+")
STAGES = re.compile(rf"(?:{STAGE.pattern})*")


class StageFailedError(Exception):
    """A stage did not come to its end; `exit_code` is that of its command, 0 where that was not the reason."""

    def __init__(self, stage: str, exit_code: int, reason: object) -> None:
        super().__init__(f"{stage} ended with exit code {exit_code}" if exit_code else f"{stage}: {reason}")
        self.exit_code = exit_code
        self.killed = exit_code < 0 or exit_code > 128


class Project:
    """A checkout with its DVC, and the remote through which results travel.

    Args:
        root: the project's folder.
        remote: settings of the remote, `url` at least; None where nothing is to travel.
    """

    def __init__(self, root: Path, remote: dict[str, Any] | None = None) -> None:
        from dvc.repo import Repo

        config: dict[str, Any] = {"core": {"remote": REMOTE}, "remote": {REMOTE: remote}} if remote else {}
        self.root = root
        # The one private name of DVC's, which a test watches.
        self._repo = Repo(str(root), config=config, _wait_for_lock=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other DVC processes out of this checkout, but while a stage's command runs; and be in its folder, as DVC has to."""
        from dvc.repo import lock_repo

        with lock_repo(self._repo), chdir(self.root):
            yield

    def names(self) -> set[str]:
        """Return the names of all stages."""
        return {name_of(stage) for stage in self._repo.index.stages}

    def upstream(self, *targets: str) -> list["Stage"]:
        """Return these stages and all that they need, each after what it needs itself.

        Raises:
            UserError: dvc.yaml has no such stage.
        """
        import networkx

        graph = self._repo.index.graph
        named = {name_of(stage): stage for stage in graph}
        if missing := [target for target in targets if target not in named]:
            raise UserError(f"dvc.yaml: there is no stage {', '.join(missing)}")
        return list(dict.fromkeys(s for t in targets for s in networkx.dfs_postorder_nodes(graph, named[t])))

    def needs(self, stages: Collection["Stage"]) -> dict[str, set[str]]:
        """Return for each of these stages which of the others it needs directly."""
        names, graph = {name_of(stage) for stage in stages}, self._repo.index.graph
        return {name_of(s): {name_of(n) for n in graph.successors(s)} & names for s in stages}

    def reproduce(self, *names: str, pull: bool = False) -> None:
        """`dvc repro --single-item`, of each of these stages.

        Args:
            pull: whether what they need, and results of the same inputs, come from the remote where they are not here.

        Raises:
            StageFailedError: one of them failed, the remote perhaps.
        """
        from dvc.exceptions import ReproductionError
        from dvc.stage.exceptions import StageCmdFailedError

        for name in names:
            try:
                self._repo.reproduce(name, single_item=True, pull=pull)
            except ReproductionError as error:
                cause = error.__cause__
                exit_code = int(str(cause).rpartition(" ")[2]) if isinstance(cause, StageCmdFailedError) else 0
                raise StageFailedError(name, exit_code, cause) from None

    def keep(self, stage: "Stage") -> None:
        """Note a stage's outputs, as they are, as made from its inputs, as they are: `dvc commit --force`."""
        self._repo.commit(name_of(stage), force=True)

    def bring_up(self, stage: "Stage") -> bool:
        """Have in place what dvc.lock names of a stage, whose inputs are; return whether it is, and made from these inputs.

        Raises:
            UserError: the remote does not answer.
        """
        if stage.changed_stage() or stage.changed_deps() or not all(out.hash_info for out in stage.outs):
            return False
        if stage.changed_outs():
            self.pull(name_of(stage), allow_missing=True)
            self._fetch_beside(stage)
        return not stage.changed_outs()

    def pull(self, *names: str, allow_missing: bool = False) -> None:
        """Put what dvc.lock names of stages in its place.

        Raises:
            UserError: the remote does not answer or, unless that is allowed, lacks something.
        """
        with _answering():
            self._repo.pull(names, force=True, allow_missing=allow_missing)

    def push(self, name: str, *, run_cache: bool = False) -> None:
        """Put the outputs that dvc.lock names into the remote, and what is noted beside them.

        Args:
            run_cache: whether other machines are to find them by their inputs.

        Raises:
            UserError: not all of it is there now.
        """
        with _answering():
            self._repo.push(name, run_cache=run_cache)
            for path, there, fs in self._beside(self._repo.stage.collect(name)[0]):
                if path.is_file():
                    fs.makedirs(fs.parent(there), exist_ok=True)
                    fs.put_file(str(path), there)

    def fetch_before(self, name: str) -> None:
        """Have in the cache, as far as the remote has it, what dvc.lock names of a stage that is out of date: it may need a part."""
        stage = self._repo.stage.collect(name)[0]
        if any(out.hash_info for out in stage.outs):
            with suppress(UserError), _answering():
                self._fetch_beside(stage)
                self._repo.fetch(name)

    def _fetch_beside(self, stage: "Stage") -> None:
        with _answering():
            for path, there, fs in self._beside(stage):
                if fs.exists(there):
                    with atomic_path(path) as partial:
                        fs.get_file(there, str(partial))

    def _beside(self, stage: "Stage") -> Iterator[tuple[Path, str, Any]]:
        """Yield the files with times and hosts that belong to a stage's outputs, each with its place in the remote.

        No hash of DVC's covers them, so they do not come with the outputs; they lie there under that of the output.
        """
        for out in stage.outs:
            parts = Path(out.def_path).parts
            if len(parts) == 4 and parts[2] in BESIDE and out.hash_info:
                remote = self._repo.cloud.get_remote_odb(REMOTE)
                path = BESIDE[parts[2]](parts[1], parts[3])
                yield path, remote.fs.join(remote.path, "beside", out.hash_info.value + path.suffix), remote.fs


def read_records(root: Path) -> Records:
    """Return what dvc.lock says of its stages."""
    from dvc.utils.serialize import load_yaml

    path = root / "dvc.lock"
    return load_yaml(path).get("stages", {}) if path.is_file() else {}


def note_records(root: Path, records: Records) -> None:
    """Let dvc.lock say so of some stages, whole at any time, to the byte as DVC writes it; of the others it keeps the lines.

    DVC parses and writes all of it, in pure Python: half a second where there are a hundred stages.
    """
    from dvc.utils.serialize import dumps_yaml, modify_yaml

    path, records = root / "dvc.lock", json.loads(json.dumps(records))  # settings that stages share stand with each
    text = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    new = dumps_yaml({"stages": records}).removeprefix("stages:\n")
    if not text.startswith(HEAD) or not all(STAGES.fullmatch(lines) for lines in (text[len(HEAD) :], new)):
        with modify_yaml(path) as values:  # not as DVC leaves it, or without any stage
            values.setdefault("schema", "2.0")
            values["stages"] = values.get("stages") or {}
            values["stages"].update(records)
        return
    parts = {found[1]: found[0] for lines in (text[len(HEAD) :], new) for found in STAGE.finditer(lines)}
    write_text(path, HEAD + "".join(parts.values()))


@contextmanager
def _answering() -> Iterator[None]:
    """Make one error of those that remotes have, each kind its own."""
    try:
        yield
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise UserError(
            f"the remote fails: {reason}\nMend that, and run the same command again: it goes on."
        ) from error


def name_of(stage: "Stage") -> str:
    """Return a stage's name in dvc.yaml, wherever the current folder is; DVC's own `addressing` is relative to that."""
    return stage.name or stage.path_in_repo


def is_local(stage: "Stage") -> bool:
    """Whether every machine makes this stage's outputs itself: dvc.yaml says `push: false`, as a licence forbids copies."""
    return any(not out.can_push for out in stage.outs)


def is_head(stage: "Stage") -> bool:
    """Whether a stage runs where the suite was started: its outputs go to git, and no cache can carry them."""
    return any(not out.use_cache for out in stage.outs)
