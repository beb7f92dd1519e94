"""Which faults the tests see: each mutation of mutants.diff, one at a time, in a copy of the project.

    python tests/mutations                      # all, in some minutes on two cores
    python tests/mutations --only frechet       # those whose module or text holds a word

A mutation is killed where one of its tests fails. Not part of the tests, as it takes minutes; the exit code is 1 where
one survives, and 2 where the list does not fit the code any more.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 2
HUNG = 124  # for an exit code, as timeout(1) says it; a SIGKILL may come from a system that is out of memory
LIMIT = 300  # seconds that the tests of one mutation may take; what takes longer hangs, and is killed
COPIED = ("selfsparse", "tests", "pipeline")  # changed, or find the project by their own place; the rest is linked


@dataclass(frozen=True)
class Mutation:
    """`old` becomes `new` in a module of selfsparse, and the tests, files below tests/, are to see it.

    Where both are empty nothing is changed: these tests have to pass, or they would kill whatever they are given.
    """

    module: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        return Path("selfsparse") / self.module

    def __str__(self) -> str:
        return f"{self.module}: {' '.join(self.old.split())}  ->  {' '.join(self.new.split()) or '(nothing)'}"

    def problem(self) -> str:
        """Return why the list does not fit the code any more, or ""."""
        absent = [test for test in self.tests if not (ROOT / "tests" / test).is_file()]
        if absent or not (ROOT / self.path).is_file():
            return f"no such file: {', '.join([f'tests/{test}' for test in absent] or [str(self.path)])}"
        source = (ROOT / self.path).read_text(encoding="utf-8")
        if (found := source.count(self.old)) != 1:
            return f"its old text is in {self.path} {found} times, not once"
        try:
            compile(source.replace(self.old, self.new), self.path, "exec")
        except SyntaxError as error:
            return f"its new text is no Python ({error})"
        return ""


def listed() -> Iterator[Mutation]:
    module = tests = old = ""
    for line in Path(__file__).with_name("mutants.diff").read_text(encoding="utf-8").splitlines():
        text = line[1:].replace("\\n", "\n")
        if line.startswith("@@ "):
            module, tests = line[3:].split(" @@ ")
        elif line.startswith("-"):
            old = text
        elif line.startswith("+"):
            yield Mutation(module, old, text, tuple(tests.split()))


def copy_project(folder: Path) -> Path:
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name in COPIED:
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.name not in (".pytest_cache", ".ruff_cache"):
            (folder / path.name).symlink_to(path)
    return folder


def run(mutation: Mutation, copies: SimpleQueue) -> tuple[Mutation, int, str]:
    """Run a mutation's tests in a copy; return pytest's exit code, or HUNG, and what they printed."""
    copy: Path = copies.get()
    path, own = copy / mutation.path, {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    own["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of other packages' plugins the tests need none
    source = path.read_text(encoding="utf-8")
    if mutation.old:
        path.write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
    options = f"-x -q --tb=short -p no:cacheprovider --basetemp={copy / 'temporary'}".split()
    tests = [f"tests/{test}" for test in mutation.tests]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "-m", "not slow", *tests], cwd=copy,
        env=os.environ | own | {"PYTHONPATH": str(copy)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        printed, _ = process.communicate(timeout=LIMIT)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
        code = HUNG
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what the tests started and left behind
        path.write_text(source, encoding="utf-8")
        copies.put(copy)
    return mutation, code, printed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/mutations", description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="WORD", default="", help="mutations whose module or text holds this word")
    word = parser.parse_args(arguments).only
    mutations = [m for m in listed() if word in str(m)]
    if problems := [f"{m}\n    {problem}" for m in mutations if (problem := m.problem())]:
        print(*problems, "tests/mutations/mutants.diff does not fit the code any more.", sep="\n")
        return 2
    unchanged = {m.tests: Mutation(m.module, "", "", m.tests) for m in mutations}.values()
    killed, total = Counter(), Counter(m.module for m in mutations)
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        copies: SimpleQueue = SimpleQueue()
        for number in range(WORKERS):
            copies.put(copy_project(Path(folder) / str(number)))
        if broken := [found for found in pool.map(lambda m: run(m, copies), unchanged) if found[1]]:
            for mutation, code, printed in broken:
                tests = " ".join(mutation.tests)
                print(printed, f"{tests}: end with {code}, but have to pass without a fault", sep="\n")
            return 2
        for done in as_completed([pool.submit(run, m, copies) for m in mutations]):
            mutation, code, printed = done.result()
            if code not in (0, 1, 2, HUNG):
                raise RuntimeError(f"{mutation}: pytest ended with {code}\n{printed}")
            killed[mutation.module] += code != 0
            print("killed   " if code else "SURVIVED ", mutation, flush=True)
            by = [line.split(" - ")[0] for line in printed.splitlines() if line.startswith(("FAILED", "ERROR"))]
            if code:
                print("         ", by[0] if by else "hung", flush=True)
    for module in total:
        print(f"{killed[module]:4} of {total[module]:3}  {module}")
    print(f"{killed.total():4} of {total.total():3}  {100 * killed.total() / max(1, total.total()):.1f} % killed")
    return int(killed.total() < total.total())


if __name__ == "__main__":
    sys.exit(main())
