"""What a GPU that is lent for some minutes is used for: the CUDA tests, the table of benchmarks.cuda, then trainings.

    python -m benchmarks.gpu_session FOLDER --minutes 12 [--go-on-from EARLIER]
    python -m benchmarks.gpu_session FOLDER

Prints its plan, and stops by itself in time. FOLDER gets the tests' report, the table's figures and, in pieces of at most
16 MiB, the states and results of the trainings, each renewed once its part is over. With EARLIER, the folder of a session
before, on any clone of the same commit, parts that are done are passed by and trainings go on from their last states. Without --minutes, the files of
a session's FOLDER are put in their places, and nothing is run.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from selfsparse.cli import guarded
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, read_json, write_json
from selfsparse.paths import project_root

PIECE = 16 * 2**20  # bytes
RESERVE = 60.0  # seconds: for trainings to save their states, and for the pieces
PATIENCE = 40.0  # of it, until a command that was told to stop is killed
PARTS = ("tests", "table", "training")
# Of the time, and the most seconds that are of use; trainings get the rest.
SHARES = {"tests": (0.2, 180.0), "table": (0.5, 420.0)}
MANIFEST = "session.json"
Clock = Callable[[], float]


def plan(seconds: float, parts: Sequence[str], done: Sequence[str] = ()) -> dict[str, float]:
    """Return the most seconds that each part which is not done gets; trainings also get what those before leave."""
    left = set(parts) - set(done)
    found = {part: min(seconds * share, most) for part, (share, most) in SHARES.items() if part in left}
    return found | ({"training": seconds - sum(found.values())} if "training" in parts else {})


def carried(suite: str) -> Iterator[Path]:
    """Yield the files that a suite's trainings go on from, or have left: what changes least first, of states the newest."""
    from selfsparse.config import load_settings
    from selfsparse.paths import checkpoint_dir, extractor_dir, provenance_file, reference_dir, result_dir, staging_dir

    configurations = load_settings().suite(suite)
    roots = [
        folder(key)
        for key in dict.fromkeys(c.extractor_key for c in configurations)
        for folder in (extractor_dir, reference_dir)
    ]
    roots += [result_dir(suite, "runs", c.name) for c in configurations]
    roots += [provenance_file(suite, c.name) for c in configurations]
    roots += [folder for c in configurations for folder in (staging_dir("runs", c.name), checkpoint_dir(c.name))]
    for path in (path for root in roots for path in (root, *sorted(root.rglob("*"))) if path.is_file()):
        newest = max(path.parent.glob("state-*.pt"), default=path).name
        old = path.name.startswith("state-") and not path.name.startswith(newest)
        if not old and path.name != "lock" and path.suffix != ".partial":
            yield path


def split(files: Iterable[Path], folder: Path, done: Sequence[str]) -> list[Path]:
    """Write files of the project as pieces, and last the manifest, which alone says what counts; older pieces then go."""
    pieces = []
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as tar:
            for path in files:
                tar.add(path, path.relative_to(project_root()))
        whole.seek(0)
        while block := whole.read(PIECE):
            digest = hashlib.sha256(block).hexdigest()
            pieces.append({"name": f"piece-{len(pieces):03}-{digest[:12]}", "sha256": digest})
            with atomic_path(folder / pieces[-1]["name"]) as partial:
                partial.write_bytes(block)
    write_json(folder / MANIFEST, {"done": list(done), "pieces": pieces})
    written = [folder / piece["name"] for piece in pieces]
    for old in set(folder.glob("piece-*")) - set(written):
        old.unlink()
    return written


def join(folder: Path) -> list[str]:
    """Put the files of a session's pieces in their places; return the parts that were done.

    Raises:
        DataError: a piece is missing or damaged; nothing was changed then.
    """
    if not (folder / MANIFEST).is_file():
        raise DataError(f"{folder / MANIFEST} is missing; name the folder that a session wrote, with all its files")
    manifest = read_json(folder / MANIFEST)
    with tempfile.TemporaryFile() as whole:
        for piece in manifest["pieces"]:
            path = folder / piece["name"]
            block = path.read_bytes() if path.is_file() else None
            if block is None or hashlib.sha256(block).hexdigest() != piece["sha256"]:
                problem = "is missing" if block is None else "does not match its hash"
                raise DataError(f"{path} {problem}; copy it again from where the session wrote it")
            whole.write(block)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as tar:
            tar.extractall(project_root(), filter="data")
    return manifest["done"]


def run(module: str, *arguments: str, until: float, clock: Clock) -> int | None:
    """Run `python -m module` until a time; None where it was over before the command, which then has stopped in order."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=project_root(), start_new_session=True)
    try:
        while process.poll() is None and clock() < until:
            time.sleep(0.05)
        return process.returncode
    finally:  # the time is over, or Ctrl-C
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:  # of a training the last state counts
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def commands_of(part: str, suite: str, seconds: float, folder: Path) -> Iterator[Sequence[str]]:
    """Yield what a part runs; of trainings also the stages before, but for those whose outputs lie here."""
    from selfsparse.config import load_settings
    from selfsparse.paths import extractor_dir, packed_dir, reference_dir

    if part == "tests":
        report = f"--junitxml={folder.resolve() / 'cuda_tests.xml'}"
        yield "pytest", "-q", "-m", "cuda", "--continue-on-collection-errors", report
    elif part == "table":
        yield "benchmarks.cuda", "--seconds", f"{0.8 * seconds:.0f}"  # besides, it builds networks and records graphs
    else:
        configurations = load_settings().suite(suite)
        made = {("data", c.dataset_key): packed_dir(c.dataset_key) / "manifest.json" for c in configurations}
        for c in configurations:
            made["extractor", c.extractor_key] = extractor_dir(c.extractor_key) / "extractor.json"
            made["reference", c.extractor_key] = reference_dir(c.extractor_key) / "reference.json"
        yield from ((f"pipeline.{stage}", key) for (stage, key), path in made.items() if not path.is_file())
        yield from (("pipeline.train", c.name) for c in configurations)


def session(
    folder: Path, minutes: float, suite: str, parts: Sequence[str], earlier: Path | None, clock: Clock = time.monotonic
) -> int:
    """Run what fits; return 0, also where the time was over, or 1 where a command failed.

    Raises:
        DataError: a piece of the earlier session is missing or damaged.
    """
    begun = clock()
    end = begun + 60 * minutes - RESERVE
    done = join(earlier) if earlier else []
    shares = plan(60 * minutes - RESERVE, parts, done)
    print(f"{minutes:g} minutes, the last {RESERVE:.0f} s of them for saving:")
    for part, seconds in shares.items():
        rest = " and what is left of the time before" if part == "training" else ""
        print(f"  {part + (f' of {suite}' if rest else ''):20} at most {seconds:.0f} s{rest}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    codes: list[int | None] = []
    for part, seconds in shares.items():
        until = end if part == "training" else min(end, clock() + seconds)
        try:
            for command in commands_of(part, suite, seconds, folder):
                codes.append(run(*command, until=until, clock=clock))
                print(f"{' '.join(command)}: {'its time was over' if codes[-1] is None else f'exit code {codes[-1]}'}")
                if codes[-1] != 0:
                    break
            else:
                done = [*done, part]
        finally:  # Ctrl-C too: the training has saved its states
            pieces = split(carried(suite), folder, done)
        table = project_root() / "benchmarks" / "results" / "cuda.json"
        if part == "table" and table.is_file():
            shutil.copy(table, folder)
    size = sum(path.stat().st_size for path in pieces) / 2**20
    print(
        f"{clock() - begun:.0f} s; done: {', '.join(done) or 'no part'}. {len(pieces)} pieces, {size:.0f} MiB. Go on with:"
    )
    print(f"  python -m benchmarks.gpu_session NEW_FOLDER --minutes {minutes:g} --go-on-from {folder}")
    return int(any(codes))


def main() -> int:
    """Parse, and run a session."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to leave what was made")
    parser.add_argument("--minutes", type=float, help="time for all of it, 2 at least")
    parser.add_argument("--suite", default="gpu_hour", help="whose trainings (default: gpu_hour)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="(default: all)")
    parser.add_argument("--go-on-from", dest="earlier", type=Path, metavar="EARLIER", help="folder of a session before")
    arguments = vars(parser.parse_args())
    if arguments["minutes"] is None:
        return guarded(lambda: print("done:", *join(arguments["folder"])))
    if not arguments["minutes"] >= 2:
        parser.error("argument --minutes: 2 at least, as one is for saving")
    return guarded(lambda: session(**arguments))


if __name__ == "__main__":
    sys.exit(main())
