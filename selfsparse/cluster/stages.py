"""The stages of a checkout as DVC sees them: their order, which are up to date, and how a result travels through a remote.

A stage's result travels as its outputs and its entry in DVC's run cache, which says: this command, on inputs with these
hashes, made these outputs. One entry is looked up at a time, where `dvc fetch --run-cache` copies all there are.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from copy import deepcopy
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfsparse.errors import UserError, WriteError
from selfsparse.files import atomic_path
from selfsparse.paths import latency_file, provenance_file

if TYPE_CHECKING:
    from dvc.stage import Stage

# What is noted of an output results/<suite>/<kind>/<configuration> outside of it, as it differs from run to run.
BESIDE = {"runs": provenance_file, "sparsity": latency_file}
REMOTE = "cluster"  # the name of the remote in DVC's settings of a process; no file is touched


class StageFailedError(Exception):
    """A stage's command ended with another exit code than 0; negative, or above 128, where a signal ended it."""

    def __init__(self, stage: str, exit_code: int) -> None:
        super().__init__(f"{stage} ended with exit code {exit_code}")
        self.stage, self.exit_code = stage, exit_code

    @property
    def killed(self) -> bool:
        """Whether a signal ended the command, and not the command itself."""
        return self.exit_code < 0 or self.exit_code > 128


class WouldRunError(Exception):
    """A stage that has no result here or in the remote, and that must not run here."""


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
        from dvc.utils.serialize import LOADERS

        LOADERS[".yaml"] = _load_yaml  # in this process
        config: dict[str, Any] = {"core": {"remote": REMOTE}, "remote": {REMOTE: remote}} if remote else {}
        if cache:
            config["cache"] = {"dir": str(cache)}
        self._repo = Repo(str(root), config=config, _wait_for_lock=True)
        self._useless: set[str] = set()  # entries of the remote's run cache whose outputs it does not have
        self._unwritten: list[Stage] = []  # brought up, and not in dvc.lock yet

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other DVC processes out of this checkout, but while a stage's command runs; and be in its folder, as DVC has to.

        What was brought up meanwhile is in dvc.lock afterwards, and before a command runs here. What a process restored that is
        killed before, it finds in the cache again.
        """
        from dvc.repo import lock_repo

        with lock_repo(self._repo), chdir(self._repo.root_dir):
            try:
                yield
            except BaseException:
                with suppress(OSError, WriteError):  # that error counts
                    self._write()
                raise
            self._write()

    def upstream(self, *targets: str) -> list["Stage"]:
        """Return these stages and all that they need, each after what it needs itself.

        Raises:
            UserError: dvc.yaml has no such stage.
        """
        from dvc.repo.reproduce import get_active_graph, plan_repro

        graph = get_active_graph(self._repo.index.graph)
        named = {name_of(stage): stage for stage in graph}
        if missing := [target for target in targets if target not in named]:
            raise UserError(f"dvc.yaml: there is no stage {', '.join(missing)}")
        return plan_repro(graph, [named[target] for target in targets])

    def needs(self, stages: Sequence["Stage"]) -> dict[str, set[str]]:
        """Return for each of these stages which of the others it needs directly."""
        names = {name_of(stage) for stage in stages}
        graph = self._repo.index.graph
        return {name_of(s): {name_of(d) for d in graph.successors(s)} & names for s in stages}

    def bring_up(self, stage: "Stage", *, may_run: bool) -> str:
        """Make a stage's outputs those of its inputs, which have to be up to date themselves, and note them in dvc.lock.

        Returns:
            "current" where they were, "restored" where the cache or the remote had them, "ran" otherwise.

        Raises:
            StageFailedError: its command failed.
            WouldRunError: it would have to run, and `may_run` is false.
            TransferError: the remote does not answer.
        """
        if not stage.changed():
            return "current"
        if self._restore(stage):
            self._fetch_beside(stage)
            return "restored"
        if not may_run:
            raise WouldRunError(
                f"{name_of(stage)}: neither the cache nor the remote holds its result ({_reason(stage)})"
            )
        self._run(stage)
        return "ran"

    def record(self, stage: "Stage") -> dict[str, Any]:
        """Return what dvc.lock says of a stage that is up to date."""
        from dvc.stage.serialize import to_single_stage_lockfile

        return to_single_stage_lockfile(stage)

    def adopt(self, stage: "Stage", record: dict[str, Any]) -> None:
        """Take a stage's result to be what a record says, as if dvc.lock said so; dvc.lock itself stays as it is."""
        from dvc.stage.loader import StageLoader

        stage.cmd_changed = record["cmd"] != stage.cmd
        for out in stage.outs:
            out.obj, out.files = None, None  # the list of a folder's files, as it was
        StageLoader.fill_from_lock(stage, record)

    def keep(self, stage: "Stage") -> None:
        """Note a stage's outputs, as they are, as made from its inputs, as they are: what `dvc commit --force` does."""
        stage.save()
        stage.commit()
        self._note(stage)

    def bring_back(self, stage: "Stage", record: dict[str, Any]) -> None:
        """Have at hand what a stage left before it went out of date, as far as the remote has it: it may need but a part anew."""
        self.adopt(stage, record)
        with suppress(TransferError), _answering(stage):
            self._repo.cloud.pull([out.hash_info for out in stage.outs])
            for objects in stage.get_used_objs(force=True).values():
                self._repo.cloud.pull(objects)
        self._fetch_beside(stage)
        self._note(stage)  # the stage's command finds in dvc.lock what it may take from the cache

    def push_before(self, stage: "Stage") -> None:
        """Put into the remote what a stage left before it went out of date, where it is here."""
        if all(out.hash_info for out in stage.outs) and stage.outs_cached():
            self._push_outputs(stage)

    def _restore(self, stage: "Stage") -> bool:
        """What `dvc repro --pull` does before it runs a command; but what dvc.lock says of old outputs does not count.

        Where several results of the same inputs exist, all machines have to take the same one: that which dvc.lock names,
        then the remote's first by name, and one that this machine alone has last.
        """
        if is_local(stage) or is_head(stage):
            return False  # never in the remote; before DVC runs a command, it looks into the cache itself
        if all(out.hash_info for out in stage.outs) and not stage.changed(allow_missing=True) and self._pull(stage):
            return True
        if not all(dep.exists for dep in stage.deps):
            return False
        # Put back where nothing is found: a stage whose inputs were noted as today's, beside old outputs, seems up to date.
        before = [(item, item.hash_info, item.meta) for item in (*stage.deps, *stage.outs)]
        command_changed, found = stage.cmd_changed, False
        try:
            stage.save_deps()
            found = any(self._take(stage, path, entry) for path, entry in self._entries(stage))
        finally:
            if not found:
                for item, hash_info, meta in before:
                    item.hash_info, item.meta, item.obj = hash_info, meta, None
                stage.cmd_changed = command_changed
        if found:
            self._repo.stage_cache.save(stage)
            stage.save(run_cache=False)
            stage.commit()
            self._note(stage)
        return found

    def _take(self, stage: "Stage", path: str, entry: dict[str, Any]) -> bool:
        """Whether the outputs that an entry of the run cache names can be had; then they are in place."""
        self.adopt(stage, entry)
        if self._pull(stage):
            return True
        self._useless.add(path)
        return False

    def _pull(self, stage: "Stage") -> bool:
        """Get the outputs that dvc.lock names, where the remote has them."""
        from dvc.exceptions import CheckoutError

        if not stage.outs_cached():
            with _answering(stage):
                # The lists of folders' files first: DVC would hide why it has not got one, and ask at a terminal what to do.
                failed = set(self._repo.cloud.pull([out.hash_info for out in stage.outs]).failed)
                for objects in stage.get_used_objs(force=True).values():
                    failed |= self._repo.cloud.pull(objects).failed
            if failed:
                raise TransferError(f"{name_of(stage)}: the remote did not give {len(failed)} of its files")
        if not stage.outs_cached():
            return False
        try:
            stage.checkout(force=True)
        except CheckoutError:
            return False
        return not stage.changed()

    def _run(self, stage: "Stage") -> None:
        from dvc.stage.exceptions import StageCmdFailedError

        self._write()  # other processes may look while the command runs
        try:
            if stage.reproduce():
                self._note(stage)
        except StageCmdFailedError as error:
            raise StageFailedError(name_of(stage), int(re.search(r"exited with (-?\d+)$", str(error))[1])) from None

    def _note(self, stage: "Stage") -> None:
        for dep in stage.deps:
            # Settings that several stages share would be one object in memory, and an alias in dvc.lock.
            dep.hash_info = deepcopy(dep.hash_info)
        self._unwritten.append(stage)

    def _write(self) -> None:
        """Write what was noted into dvc.lock, at once: DVC reads and writes the whole file to change an entry, in seconds."""
        from dvc.dvcfile import Lockfile, load_file

        class Partial(Lockfile):
            relpath = "dvc.lock"  # in what DVC says of it

        for path, same_file in groupby(self._unwritten, lambda stage: stage.path):
            file = load_file(self._repo, path)
            known = file.lockfile_contents.get("stages", {})
            if new := [stage for stage in same_file if known.get(stage.name) != self.record(stage)]:
                lock = Path(path).with_suffix(".lock")
                with atomic_path(lock) as partial:
                    if lock.exists():
                        shutil.copyfile(lock, partial)
                    Partial(self._repo, str(partial)).dump_stages(new)
        self._unwritten = []

    def push(self, stage: "Stage") -> None:
        """Put a stage's outputs into the remote, and then its entry of the run cache: who finds the entry finds them all.

        Raises:
            TransferError: not all of it is there now.
        """
        self._push_outputs(stage)
        self._repo.stage_cache.save(stage)  # a stage that ran without the run cache has no entry yet
        self._push_entry(stage)

    def _push_outputs(self, stage: "Stage") -> None:
        """Put a stage's outputs into the remote, and what is said of them beside these."""
        outputs = {info for objects in stage.get_used_objs().values() for info in objects}
        with _answering(stage):
            failed = self._repo.cloud.push(outputs).failed if outputs else ()
            for path, there, remote in self._beside(stage):
                if path.is_file():
                    remote.fs.makedirs(remote.fs.parent(there), exist_ok=True)
                    remote.fs.put_file(str(path), there)
        if failed:
            raise TransferError(f"{name_of(stage)}: the remote did not take {len(failed)} of its files")

    def _fetch_beside(self, stage: "Stage") -> None:
        with _answering(stage):
            for path, there, remote in self._beside(stage):
                if remote.fs.exists(there):
                    with atomic_path(path) as partial:
                        remote.fs.get_file(there, str(partial))

    def _beside(self, stage: "Stage") -> Iterator[tuple[Path, str, Any]]:
        """Yield the files with times and hosts that belong to a stage's outputs, each with its place in the remote.

        No hash of DVC's covers them, so they do not come with the outputs; they lie there under that of the output.
        """
        for out in stage.outs:
            parts = Path(out.def_path).parts
            if len(parts) == 4 and parts[2] in BESIDE and out.hash_info:
                remote = self._repo.cloud.get_remote_odb(REMOTE, hash_name="md5-dos2unix")
                path = BESIDE[parts[2]](parts[1], parts[3])
                yield path, remote.fs.join(remote.path, "beside", out.hash_info.value + path.suffix), remote

    def _entries(self, stage: "Stage") -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the runs of this command on these inputs that the remote knows, and then this machine's last one."""
        from dvc.stage.cache import _can_hash

        if not _can_hash(stage):
            return
        yield from self._remote_entries(stage)
        if ours := self._repo.stage_cache._load(stage):
            yield "", ours

    def _remote_entries(self, stage: "Stage") -> list[tuple[str, dict[str, Any]]]:
        """Return path and content of the remote's entries for a stage, by name."""
        from dvc.schema import COMPILED_LOCK_FILE_STAGE_SCHEMA
        from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
        from voluptuous import Invalid

        found = []
        with _answering(stage):
            remote, folder = self._remote_runs(stage)
            paths = sorted(remote.fs.find(folder)) if remote.fs.exists(folder) else []
            for path in paths:
                with remote.fs.open(path, "r", encoding="utf-8") as file:
                    text = file.read()
                try:
                    found.append((path, COMPILED_LOCK_FILE_STAGE_SCHEMA(parse_yaml(text, path))))
                except (YAMLFileCorruptedError, Invalid):
                    continue  # half written
        return found

    def _push_entry(self, stage: "Stage") -> None:
        """Put a stage's entry into the remote, unless another result of the same inputs is there already.

        That one may be in use by now: a second, as from a node that was given up and goes on, would make all that needs it
        out of date.
        """
        from dvc.stage.cache import _can_hash
        from dvc_objects.fs.generic import copy

        if not _can_hash(stage) or any(path not in self._useless for path, _ in self._remote_entries(stage)):
            return
        ours = self._repo.cache.legacy
        with _answering(stage):
            remote, folder = self._remote_runs(stage)
            key, name = remote.fs.name(folder), _entry_name(self.record(stage))
            remote.fs.makedirs(folder, exist_ok=True)
            source = ours.fs.join(ours.path, "runs", key[:2], key, name)
            copy(ours.fs, source, remote.fs, remote.fs.join(folder, name))

    def _remote_runs(self, stage: "Stage") -> tuple[Any, str]:
        """Return the remote's store, and the folder in it of the runs of this command on these inputs."""
        from dvc.stage.cache import _get_stage_hash

        remote, key = self._repo.cloud.get_remote_odb(REMOTE, hash_name="md5-dos2unix"), _get_stage_hash(stage)
        return remote, remote.fs.join(remote.path, "runs", key[:2], key)


def _load_yaml(path: str, fs: Any = None, **options: Any) -> Any:
    """Read params.yaml for DVC, which asks for it some seven times for each stage, and changes nothing in what it gets."""
    from dvc.fs import LocalFileSystem
    from dvc.utils.serialize import load_yaml

    if options or not isinstance(fs, LocalFileSystem):
        return load_yaml(path, fs=fs, **options)
    status = os.stat(path)
    return _parsed(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _parsed(path: str, *_version: int) -> Any:
    from dvc.utils.serialize import load_yaml

    return load_yaml(path)


@contextmanager
def _answering(stage: "Stage") -> Iterator[None]:
    """Make one error of those that remotes have, each kind its own."""
    try:
        yield
    except Exception as error:
        raise TransferError(
            f"{name_of(stage)}: the remote fails: {str(error).strip() or type(error).__name__}"
        ) from error


def _entry_name(record: dict[str, Any]) -> str:
    from dvc.stage.cache import _get_cache_hash

    return _get_cache_hash(record)


def name_of(stage: "Stage") -> str:
    """Return a stage's name in dvc.yaml, wherever the current folder is; DVC's own `addressing` is relative to that."""
    return stage.name or stage.path_in_repo


def is_local(stage: "Stage") -> bool:
    """Whether every machine makes this stage's outputs itself: dvc.yaml says `push: false`, as a licence forbids copies."""
    return any(not out.can_push for out in stage.outs)


def is_head(stage: "Stage") -> bool:
    """Whether a stage runs where the suite was started: its outputs go to git, and no cache can carry them."""
    return any(not out.use_cache for out in stage.outs)


def _reason(stage: "Stage") -> str:
    """What of a stage changed, for a message."""
    deps, outs, command = stage.changed_entries()
    parts = [f"changed inputs: {', '.join(deps)}"] if deps else []
    parts += [f"changed outputs: {', '.join(outs)}"] if outs else []
    return "; ".join(parts + (["changed command"] if command else [])) or "nothing changed"
