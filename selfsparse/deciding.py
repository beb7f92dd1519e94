"""`selfsparse decide`: more runs of a suite, until its question is decided or the time is over.

The questions are whether Self-Sparse GAN and WGAN-GP, also the one with as many parameters, differ in the primary outcome
(`Results.primary`). Each is looked at when both models have as many finished runs as `decide.looks` in params.yaml say, each
time against a level of its own, so that the chance that two equal models are told apart is `decide.alpha` over all looks
(`statistics.sequential`). Tables and answers have the same rule (`analysis.comparisons`).
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from selfsparse.analysis.comparisons import Standing, questions, standing_of
from selfsparse.config import load_settings
from selfsparse.errors import RunError, SettingsError
from selfsparse.files import write_text
from selfsparse.paths import project_root
from selfsparse.plain_yaml import read_plain_yaml
from selfsparse.processes import search_path, usable_cpus
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results, load_results
from selfsparse.results.text import duration
from selfsparse.statistics.moments import moments, relative_decrease

WORDS = {"yes": "lower", "no": "higher", "undecided": "undecided"}  # of the first model's FID


def describe(standing: Standing) -> str:
    """Say where a question stands, look by look."""
    p = standing.comparison
    runs = ", ".join(
        f"{len(own)} of {name}" for own, name in zip((standing.lower, standing.higher), p.names, strict=True)
    )
    lines = [f"{p.label}, {' against '.join(p.names)}: {WORDS[standing.answer]} (runs: {runs})"]
    for look in standing.looks:
        a, b = moments(standing.lower[: look.n]), moments(standing.higher[: look.n])
        lines.append(
            f"  look at n = {look.n}: FID {a.mean:.2f} ± {a.std:.2f} against {b.mean:.2f} ± {b.std:.2f},"
            f" {relative_decrease(b.mean, a.mean):+.1f} % decrease, p = {look.p:.4f}, decided below {look.level:.4f}"
        )
    if standing.next_look:
        lines.append(f"  next look at n = {standing.next_look}; {standing.likely}")
    return "\n".join(lines)


def standings(results: Results) -> list[Standing]:
    """Return how each question of a suite stands, from its summary.

    Raises:
        SettingsError: the suite has no question.
    """
    found = [standing_of(results, p) for p in questions(results)]
    if not found:
        raise SettingsError(
            f"params.yaml: suite {results.suite} has no pair of {SPARSE} and {BASELINE} that differ in nothing else"
        )
    return found


def decide(suite: str, hours: float) -> int:
    """Run further seeds of a suite until each of its questions is decided, the plan ends, or the time is over.

    The seeds are written into params.yaml (suites.<suite>.train.seeds); a seed that is there is not trained again. Questions
    of configurations with seeds of their own are not waited for: these would get no more.

    Returns:
        0 where all questions are decided or the plan has ended, 1 where the time was over before.

    Raises:
        RunError: a stage failed, and has said why.
    """
    began, round_took, path = time.monotonic(), 0.0, project_root() / "params.yaml"
    while True:
        settings = load_settings()
        results = load_results(suite)
        found = standings(results)
        print("\n".join(map(describe, found)), flush=True)
        own = _with_own_seeds(path)
        waiting = [s for s in found if s.next_look and not own & {c.name for c in s.comparison.both}]
        if kept := [s.comparison for s in found if s.next_look and s not in waiting]:
            names = ", ".join(sorted({c.name for p in kept for c in p.both} & own))
            print(f"Not extended, as params.yaml gives them train.seeds of their own: {names}")
        if not waiting:
            but = ", but for these" if kept else ""
            print(f"Decided, or at the end of the plan{but}. Report: dvc repro report@{suite}")
            return 0
        wanted = min(standing.next_look for standing in waiting if standing.next_look)
        seeds = max(len(c.train.seeds) for c in settings.suite(suite) if c.name not in own)
        left = hours * 3600 - (time.monotonic() - began)
        if left <= 0 or left < round_took:
            took = f", as a round took {duration(round_took)}" if round_took else ""
            print(f"The time is over{took}. The same command goes on from here.")
            return 1
        if not any(results.count(c).not_run for c in results.configurations):  # a run that diverged takes another
            fewest = min(min(len(s.lower), len(s.higher)) for s in waiting)
            write_seeds(path, suite, seeds + min(usable_cpus(), wanted - fewest))
        started = time.monotonic()
        command = ["repro", f"summary@{suite}"]
        try:
            environment = os.environ | {"PATH": search_path()}
            subprocess.run(
                [sys.executable, "-m", "selfsparse.dvc", *command], cwd=project_root(), env=environment, check=True
            )
        except subprocess.CalledProcessError as error:
            raise RunError(
                f"dvc {' '.join(command)} ended with exit code {error.returncode}; the reason stands above. The same command goes"
                " on from what is done."
            ) from None
        round_took = time.monotonic() - started


def _with_own_seeds(path: Path) -> set[str]:
    """Return the configurations that have seeds of their own in params.yaml."""
    return {name for name, row in read_plain_yaml(path)["configurations"].items() if "seeds" in row.get("train", {})}


def write_seeds(path: Path, suite: str, count: int) -> None:
    """Write seeds 0 to count - 1 as those of a suite into params.yaml, and leave the rest of the file as it is."""
    text, seeds = path.read_text(encoding="utf-8"), f"seeds: {list(range(count))}"
    block = re.search(rf"(?m)^suites:\n(?:.*\n)*?  {suite}:.*\n(    train:\n)((?:      .*\n)*)", text)
    if not block:
        raise SettingsError(f"{path}: suites.{suite}.train is not a block; write {seeds} below it yourself")
    lines, times = re.subn(r"(?m)^(      )seeds: \[[^\]]*\]", rf"\g<1>{seeds}", block[2])
    new = text[: block.start(2)] + (lines if times else f"      {seeds}\n{block[2]}") + text[block.end(2) :]
    write_text(path, new)
    if list(read_plain_yaml(path)["suites"][suite]["train"]["seeds"]) != list(range(count)):
        write_text(path, text)
        raise SettingsError(f"{path}: write {seeds} below suites.{suite}.train yourself")
