"""The stages of a checkout as DVC sees them: their order, which are up to date, and how a result travels through a remote.

All is done by what DVC's commands call: `dvc repro --single-item`, `dvc push --run-cache`, `dvc fetch`, `dvc commit`. The commands
themselves would read the pipeline anew for each stage.
"""

import io
import re
from collections import OrderedDict
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
    """A stage's command ended with another exit code than 0; negative, or above 128, where a signal ended it."""

    def __init__(self, stage: str, exit_code: int) -> None:
        super().__init__(f"{stage} ended with exit code {exit_code}")
        self.exit_code = exit_code
        self.killed = exit_code < 0 or exit_code > 128


class TransferError(Exception):
    """The remote did not take or give what it should."""


class Project:
    """A checkout with its DVC, and the remote through which results travel.

    Args:
        root: the project's folder.
        remote: settings of the remote, `url` at least; None where nothing is to travel.
        cache: folder of DVC's cache; None for the one that the project names.
    """

    def __init__(self, root: Path, remote: dict[str, Any] | None = None, cache: Path | None = None) -> None:
        from dvc.repo import Repo

        config: dict[str, Any] = {"core": {"remote": REMOTE}, "remote": {REMOTE: remote}} if remote else {}
        if cache:
            config["cache"] = {"dir": str(cache)}
        self.root, self._unwritten = root, Records()
        # The one private name of DVC's, which a test watches.
        self._repo = Repo(str(root), config=config, _wait_for_lock=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other DVC processes out of this checkout, but while a stage's command runs; and be in its folder, as DVC has to.

        What was brought up meanwhile is in dvc.lock afterwards, and before a command runs here.
        """
        from dvc.repo import lock_repo

        with lock_repo(self._repo), chdir(self.root):
            try:
                yield
            finally:
                self._write()

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

    def bring_up(self, stage: "Stage", *, may_run: bool) -> bool:
        """Make a stage's outputs those of its inputs, which have to be up to date themselves, and note them for dvc.lock.

        Returns:
            Whether they are; not where neither the cache nor the remote has them, and `may_run` is false.

        Raises:
            StageFailedError: its command failed.
            TransferError: the remote does not answer.
        """
        if not stage.changed() or self._restore(stage):
            return True
        if may_run:
            self._run(stage)
        return may_run

    def _restore(self, stage: "Stage") -> bool:
        """What `dvc repro --pull` does before it runs a command: of several results of the same inputs dvc.lock's counts."""
        from dvc.exceptions import CheckoutError
        from dvc.stage.cache import RunCacheNotFoundError

        if is_local(stage) or is_head(stage) or not all(dep.exists for dep in stage.deps):
            return False  # never in the remote; before DVC runs a command, it looks into the cache itself
        found = False
        before: list[tuple[Any, Any, Any]] = [(dep, dep.hash_info, dep.meta) for dep in stage.deps]
        stage.remove_outs()  # else DVC asks at a terminal whether it may
        try:
            with _answering(name_of(stage)), suppress(RunCacheNotFoundError):
                self._repo.stage_cache.restore(stage, pull=True)
                found = True
        finally:
            if not found:
                # Noted as today's, beside old outputs, the stage would seem up to date.
                for dep, hash_info, meta in before:
                    dep.hash_info, dep.meta, dep.obj = hash_info, meta, None
                if all(out.hash_info for out in stage.outs):
                    with suppress(CheckoutError, OSError):
                        stage.checkout(force=True)  # the old ones
        if found:
            stage.save()
            stage.commit()
            self._note(stage)
            self._fetch_beside(stage)
        return found

    def _run(self, stage: "Stage") -> None:
        from dvc.stage.exceptions import StageCmdFailedError

        self._write()  # other processes may look while the command runs
        try:
            if stage.reproduce():
                self._note(stage)
        except StageCmdFailedError as error:
            raise StageFailedError(name_of(stage), int(str(error).rpartition(" ")[2])) from None

    def keep(self, stage: "Stage") -> None:
        """Note a stage's outputs, as they are, as made from its inputs, as they are: `dvc commit --force`."""
        self._repo.commit(name_of(stage), force=True)

    def push(self, stage: "Stage", *, run_cache: bool = False) -> None:
        """Put the outputs that dvc.lock names into the remote, and what is noted beside them.

        Args:
            run_cache: whether other machines are to find them by their inputs.

        Raises:
            TransferError: not all of it is there now.
        """
        self._write()
        with _answering(name_of(stage)):
            self._repo.push(name_of(stage), run_cache=run_cache)
            for path, there, fs in self._beside(stage):
                if path.is_file():
                    fs.makedirs(fs.parent(there), exist_ok=True)
                    fs.put_file(str(path), there)

    def fetch_before(self, stage: "Stage") -> None:
        """Have in the cache, as far as the remote has it, what dvc.lock names of a stage that is out of date: it may need a part."""
        with suppress(TransferError):
            self._fetch_beside(stage)
            with _answering(name_of(stage)):
                self._repo.fetch(name_of(stage))

    def fetch_run_cache(self) -> None:
        """Learn which results the remote has by their inputs.

        Raises:
            TransferError: it does not answer.
        """
        with _answering("run cache"):
            self._repo.stage_cache.pull(None)

    def _fetch_beside(self, stage: "Stage") -> None:
        with _answering(name_of(stage)):
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

    def note(self, records: Records) -> None:
        """Let dvc.lock say so, whole at any time."""
        note_records(self.root, records)

    def _note(self, stage: "Stage") -> None:
        from dvc.stage.serialize import to_single_stage_lockfile

        self._unwritten[name_of(stage)] = to_single_stage_lockfile(stage)

    def _write(self) -> None:
        if self._unwritten:
            self.note(self._unwritten)
        self._unwritten = {}


def read_records(root: Path) -> Records:
    """Return what dvc.lock says of its stages."""
    from dvc.utils.serialize import load_yaml

    path = root / "dvc.lock"
    return load_yaml(path).get("stages", {}) if path.is_file() else {}


def write_records(root: Path, records: Records) -> None:
    """Write dvc.lock as DVC does, and at once."""
    write_text(root / "dvc.lock", _as_dvc_writes({"schema": "2.0", "stages": records}))


def note_records(root: Path, records: Records) -> None:
    """Let dvc.lock say so of some stages, whole at any time, to the byte as DVC writes it; of the others it keeps the lines.

    DVC parses and writes all of it, in pure Python: half a second where there are a hundred stages.
    """
    path = root / "dvc.lock"
    text = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    new = _as_dvc_writes({"stages": records}).removeprefix("stages:\n")
    if not text.startswith(HEAD) or not all(STAGES.fullmatch(lines) for lines in (text[len(HEAD) :], new)):
        _modify_records(path, text, records)  # not as DVC leaves it, or without any stage
        return
    parts = {found[1]: found[0] for lines in (text[len(HEAD) :], new) for found in STAGE.finditer(lines)}
    write_text(path, HEAD + "".join(parts.values()))


def _modify_records(path: Path, text: str, records: Records) -> None:
    """Do what DVC does, which keeps comments, and what else there is beside stages."""
    from dvc.utils.serialize import parse_yaml_for_update

    values = parse_yaml_for_update(text, str(path))
    values["stages"] = values.get("stages") or {}
    values["stages"].update(records)
    write_text(path, _as_dvc_writes(values))


def _as_dvc_writes(values: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml, buffer = YAML(), io.StringIO()
    yaml.default_flow_style = False
    yaml.representer.ignore_aliases = lambda data: True  # settings that stages share stand with each
    yaml.representer.add_representer(OrderedDict, type(yaml.representer).represent_dict)
    yaml.dump(values, buffer)
    return buffer.getvalue()


@contextmanager
def _answering(what: str) -> Iterator[None]:
    """Make one error of those that remotes have, each kind its own."""
    try:
        yield
    except Exception as error:
        raise TransferError(f"{what}: the remote fails: {str(error).strip() or type(error).__name__}") from error


def name_of(stage: "Stage") -> str:
    """Return a stage's name in dvc.yaml, wherever the current folder is; DVC's own `addressing` is relative to that."""
    return stage.name or stage.path_in_repo


def is_local(stage: "Stage") -> bool:
    """Whether every machine makes this stage's outputs itself: dvc.yaml says `push: false`, as a licence forbids copies."""
    return any(not out.can_push for out in stage.outs)


def is_head(stage: "Stage") -> bool:
    """Whether a stage runs where the suite was started: its outputs go to git, and no cache can carry them."""
    return any(not out.use_cache for out in stage.outs)
