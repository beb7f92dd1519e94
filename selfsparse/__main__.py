"""The command `selfsparse`: what is no stage of the pipeline."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from selfsparse.cli import guarded

try:
    import typer
except ImportError:
    sys.exit("error: the command selfsparse is part of the suite, which is not installed here: pip install '.[suite]'")

app = typer.Typer(
    name="selfsparse",
    help="Self-Sparse GAN, reproduced. Suites run with `make SUITE` or `dvc repro report@SUITE`; a stage by itself with"
    " `python -m pipeline.STAGE`. This command estimates their cost, exports generators, compares reruns, and keeps results current.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(example: str) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Make a function a subcommand that ends as stages do, with an error of one line and its exit code (`guarded`)."""

    def register(work: Callable[..., int | None]) -> Callable[..., int | None]:
        @functools.wraps(work)
        def ending(**arguments: object) -> None:
            raise typer.Exit(guarded(lambda: work(**arguments)))

        app.command(epilog=f"example: selfsparse {work.__name__} {example}".rstrip())(ending)
        return work

    return register


def _names(section: str) -> Callable[[str], list[str]]:
    """Return what completes the names of a section of params.yaml."""

    def complete(incomplete: str) -> list[str]:
        from selfsparse.config import load_settings

        return [name for name in getattr(load_settings(), section) if name.startswith(incomplete)]

    return complete


def _named(section: str, metavar: str, help: str = "As named in params.yaml.", **options: Any) -> Any:
    """Return an argument that is completed to the names of a section of params.yaml."""
    return typer.Argument(help=help, metavar=metavar, autocompletion=_names(section), **options)


def _option(help: str, metavar: str | None = None) -> Any:
    return typer.Option(help=help, metavar=metavar)


Suite = Annotated[str, _named("suites", "SUITE")]
Check = Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 where a page is out of date.")]


@command("quick")
def check(suite: Suite) -> None:
    """Check that this machine can run a suite: device, data, disk."""
    from selfsparse.config import load_settings
    from selfsparse.preflight import check_suite

    print(check_suite(load_settings(), suite))


@command("paper")
def plan(
    suite: Annotated[str, _named("suites", "[SUITE]", "Without one, all of them.", show_default=False)] = "",
) -> None:
    """Say what a suite costs, and how long it takes here.

    FLOPs, memory, images, what is done, and times: a calibration of a few seconds times a matrix product, a convolution and some training steps on this machine.
    """
    from selfsparse.config import load_settings

    settings = load_settings()
    if suite:
        settings.suite(suite)  # first: a misspelt name need not wait for torch

    from selfsparse.planning.plan import plan_text

    print(plan_text(settings, [suite] if suite else list(settings.suites)))


@command("digits-16-self_sparse models/digits")
def export(
    configuration: Annotated[str, _named("configurations", "CONFIGURATION")],
    folder: Annotated[Path, typer.Argument(help="New, empty, or a model folder to write anew.", metavar="FOLDER")],
    seed: Annotated[int, _option("Of the run.")] = 0,
    generator: Annotated[Literal["best", "last"], _option("Of its training.")] = "best",
) -> None:
    """Export a trained run as a model folder with a model card."""
    from selfsparse.config import load_settings

    chosen = load_settings().configuration(configuration)

    from selfsparse.hub.export import export_run

    export_run(chosen, seed, generator, folder)
    print(f"{folder}: from selfsparse import load_generator; load_generator({str(folder)!r}).sample(64)")


@command("quick train@mnist-32-self_sparse-laptop")
def keep(
    targets: Annotated[
        list[str] | None, _named("suites", "[TARGET...]", "Stages of dvc.yaml or suites; without one, all suites.")
    ] = None,
) -> int:
    """Keep results that an edit of the code leaves as they are.

    A little of each stale one is computed again; where that is the same, the result is recorded as current. Where something differs, or more than code has changed, the result stays stale, and `dvc repro` makes it anew.
    """
    from selfsparse.config import load_settings
    from selfsparse.keep.stages import keep as keep_results

    return keep_results(load_settings(), targets or [])


@command("")
def status() -> int:
    """Say for each suite whether its results are current.

    Are they made with the code and the settings as they are, by what DVC has recorded? Results that are not on this disk, as weights in a fresh clone, are taken as recorded. Exit 1 where a suite is not current.
    """
    from selfsparse.config import load_settings
    from selfsparse.current import status as status_of_suites

    return status_of_suites(load_settings())


@command("laptop --hours 2")
def decide(
    suite: Suite, hours: Annotated[float, _option("No further runs begin that would not end in this time.", "H")] = 2.0
) -> int:
    """Run further seeds of a suite until its question is decided.

    Is the FID of Self-Sparse GAN lower than that of WGAN-GP, or higher? Looks as params.yaml says (decide), with an error of at most decide.alpha over all looks. Seeds that are there are not trained again, and the same command goes on where the time was over.
    """
    from selfsparse.deciding import decide as run_until_decided

    return run_until_decided(suite, hours)


@command("quick")
def compare(
    suite: Suite,
    against: Annotated[str, _option("The commit, branch or tag that ours are taken from.", "REV")] = "HEAD",
) -> int:
    """Hold a rerun of yours against the results that git has.

    Says for each configuration whether it has the same bits, lies within the spread between runs, or differs, and in one line whether the rerun reproduces ours; exit 1 where it does not. The report has the page.
    """
    from selfsparse.config import load_settings

    load_settings().suite(suite)

    from selfsparse.report.compare import compare as compare_results

    return compare_results(suite, against)


GPUS = (
    "Share of a GPU that a task takes (default: 0.33 where the suite trains on CUDA, or where there are GPUs and it trains on"
    " what there is; else 0)."
)
SCRATCH = (
    "Folder on each node for clones, data and cache; $VARIABLES are those of the node (default: /tmp/selfsparse-<uid>)."
)
CHECKPOINTS = "Folder for the states of trainings (default: in --scratch); where all nodes see it, a training whose node died goes on."


@command("paper --address auto --gpus-per-task 0.33 --remote /shared/dvc")
def distribute(
    suite: Suite,
    address: Annotated[
        str | None, _option("Of a running Ray cluster, or auto; without it Ray is started on this machine alone.")
    ] = None,
    cpus_per_task: Annotated[float, _option("CPU cores that a task takes.", "N")] = 1.0,
    gpus_per_task: Annotated[float | None, _option(GPUS, "N")] = None,
    remote: Annotated[
        str | None,
        _option("A DVC remote's name or address, e.g. a folder that all nodes see (default: the project's)."),
    ] = None,
    scratch: Annotated[str | None, _option(SCRATCH)] = None,
    checkpoints: Annotated[str | None, _option(CHECKPOINTS)] = None,
) -> int:
    """Run a suite's stages on a Ray cluster.

    Afterwards DVC has them all as if they had run here. Stages that are out of date run on the nodes, each in a clone of the last commit. Results travel through the DVC
    remote; summary, notebooks and report are made here. The same command goes on where it was interrupted.
    """
    arguments = dict(locals())
    from selfsparse.cluster import head

    return head.distribute(**arguments)


@command("--check")
def docs(check: Check = False) -> int:
    """Write the pages of docs/ that are made from data."""
    from benchmarks.page import benchmarks_markdown, cluster_markdown, timings_markdown
    from selfsparse.analysis.open_questions import open_questions_markdown
    from selfsparse.analysis.table_architectures import architectures_markdown
    from selfsparse.paper import open_questions
    from selfsparse.verdicts.page import verdicts_markdown

    pages = {
        "docs/open_questions.md": lambda: open_questions_markdown(open_questions()),
        "docs/architectures.md": architectures_markdown,
        "docs/benchmarks.md": benchmarks_markdown,
        "docs/timings.md": timings_markdown,
        "docs/cluster.md": cluster_markdown,
        "docs/verdicts.md": verdicts_markdown,
    }
    return _write_or_check(pages, "docs", check)


@command("--check")
def readme(check: Check = False) -> int:
    """Write what README.md and results/README.md say of results/."""
    from selfsparse.analysis.answers import updated_readme
    from selfsparse.paths import project_root
    from selfsparse.report.results_page import results_page

    page = project_root() / "README.md"
    pages = {"README.md": lambda: updated_readme(page.read_text(encoding="utf-8")), "results/README.md": results_page}
    return _write_or_check(pages, "readme", check)


@command("--check")
def article(check: Check = False) -> int:
    """Write docs/replication.md, the article, and its figures from results/; --check leaves the figures alone."""
    from selfsparse.files import atomic_path
    from selfsparse.paths import project_root
    from selfsparse.report import article as pages

    failed = _write_or_check({pages.PAGE: pages.article}, "article", check)
    for path, png in ({} if check else pages.article_figures()).items():
        with atomic_path(project_root() / path) as partial:
            partial.write_bytes(png)
    return failed


def _write_or_check(pages: dict[str, Callable[[], str]], name: str, check: bool) -> int:
    from selfsparse.files import write_text
    from selfsparse.paths import project_root

    for page, make in pages.items():
        path, text = project_root() / page, make()
        if not check:
            write_text(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"error: {page} is out of date; run: selfsparse {name}", file=sys.stderr)
            return 1
    return 0


def main() -> None:
    """Run the command; stages and benchmarks, which are not installed, are imported from the project's folder."""
    from selfsparse.paths import project_root

    sys.path.insert(0, str(project_root()))
    app(prog_name="selfsparse")


if __name__ == "__main__":
    main()
