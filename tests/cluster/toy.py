"""A toy project with the shape of the real one, whose stages are shell commands; and a cluster of folders on this machine."""

import json
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from dvc.repo import Repo

from selfsparse.cluster import task
from selfsparse.cluster.head import Head
from selfsparse.errors import UserError
from selfsparse.stages import Project, StageFailedError

NAMES = ("a", "b")
LUCK = "luck.txt"  # beside the project as well: what goes into a training besides its inputs, as the time does
RAN = "ran.txt"  # what each stage leaves of every time that its command ran, beside the project


def dvc_yaml(log: Path) -> dict:
    ran = f"echo ${{DVC_STAGE}}$(pwd) >> {log}"
    each = "${item}"

    def stage(cmd: str, deps: list, out, key: str = "outs") -> dict:
        return {"cmd": f"{ran.replace('$', '$')} && {cmd}", "deps": deps, key: [out]}

    train = stage(
        f"mkdir -p results/runs/{each} && test ! -e {log.parent}/fail-{each} && (cat packed.txt settings-{each}.txt {log.parent / LUCK}; echo trained) > results/runs/{each}/net",
        ["packed.txt", f"settings-{each}.txt"], f"results/runs/{each}",
    )  # fmt: skip
    count = f"mkdir -p results/fid && wc -c < results/runs/{each}/net > results/fid/{each}"
    fid = stage(count, [f"results/runs/{each}"], f"results/fid/{each}")
    train["params"] = [f"settings.{each}", "shared"]
    report = {"results/report.txt": {"cache": False}}
    return {
        "stages": {
            "data": stage("cp raw.txt packed.txt", ["raw.txt"], {"packed.txt": {"push": False}}),
            "train": {"foreach": list(NAMES), "do": train},
            "fid": {"foreach": list(NAMES), "do": fid},
            "report": stage("cat results/fid/* > results/report.txt", ["results/fid"], report),
        }
    }


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def make(folder: Path) -> Path:
    """Write and commit the project."""
    folder.mkdir(parents=True)
    (folder.parent / LUCK).touch()
    git(folder, "init", "--quiet")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    (folder / "raw.txt").write_text("pixels\n")
    for name in NAMES:
        (folder / f"settings-{name}.txt").write_text(f"{name}\n")
    text = json.dumps(dvc_yaml(folder.parent / RAN)).replace("${DVC_STAGE}", "$DVC_STAGE ")
    (folder / "dvc.yaml").write_text(text)
    (folder / "params.yaml").write_text("settings: {a: 1, b: 1}\nshared: {steps: 1, rates: [1, 2]}")
    (folder / ".gitignore").write_text("/packed.txt\n")
    (folder / "results/runs").mkdir(parents=True)
    (folder / "results/fid").mkdir(parents=True)
    for part in ("runs", "fid"):
        (folder / f"results/{part}/.gitignore").write_text("".join(f"/{name}\n" for name in NAMES))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "toy")
    return folder


def ran(folder: Path) -> list[tuple[str, str]]:
    """Every command that ran: stage, and the name of the folder that it ran in."""
    log = folder.parent / RAN
    lines = log.read_text().splitlines() if log.exists() else []
    return [(line.split()[0], Path(line.split()[1]).name) for line in lines]


class Folders:
    """A cluster whose nodes are folders with a new clone for each stage, which take turns; stages run in this process."""

    def __init__(self, project: Path, remote: dict, monkeypatch, nodes: int = 2) -> None:
        self.clones = [project.parent / f"node{number}" / f"clone{number}" for number in range(nodes)]
        self._project, self._remote, self._patch, self._turn = project, remote, monkeypatch, 0
        for clone in self.clones:
            clone.parent.mkdir(exist_ok=True)

    def run(self, orders: dict):
        made = {}
        for name, (order, needs) in json.loads(json.dumps(orders, default=sorted)).items():
            record, reason = {}, f"needs {needs}"
            if all(made[needed] for needed in needs):
                known = {**order["known"], **{needed: made[needed] for needed in needs}}
                record, reason = self._run({**order, "known": known})
            made[name] = record
            yield name, record, reason

    def _run(self, order: dict) -> tuple[dict, str]:
        clone = self.clones[self._turn % len(self.clones)]
        self._turn += 1
        shutil.rmtree(clone, ignore_errors=True)
        git(self._project.parent, "clone", "--quiet", str(self._project), str(clone))
        with self._patch.context() as patch:
            patch.chdir(clone)
            try:
                return task.run(clone, **order, remote=self._remote), ""
            except (StageFailedError, UserError) as error:
                return {}, str(error)

    def one(self, stage: str) -> tuple[dict, str]:
        """Run one stage that needs nothing of others."""
        return self._run({"stage": stage, "known": {}})


def reproduce(folder: Path, *targets: str, **options) -> None:
    """`dvc repro` in a folder."""
    with chdir(folder), Repo(str(folder)) as repo:
        repo.reproduce(targets or None, **options)


def clone_of(project: Path, name: str = "other") -> Path:
    """Another clone of a project, beside it, with nothing of what was made from it."""
    git(project.parent, "clone", "--quiet", str(project), str(project.parent / name))
    return project.parent / name


def own_dvc(folder: Path, patch) -> None:
    """Nothing of the user's DVC."""
    for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        patch.setenv(name, str(folder / "dvc_own" / name))
    patch.setenv("DVC_NO_ANALYTICS", "1")


def head(project: Path, remote: dict) -> Head:
    return Head(Project(project, remote), "report")
