"""Write the pages of docs/ that are made from data: python -m pipeline.docs [--check]."""

import argparse
import sys
from collections.abc import Callable

from selfsparse.cli import guarded


def pages() -> dict[str, Callable[[], str]]:
    """Return what makes each page, by the name of its file."""
    from benchmarks.page import benchmarks_markdown, cluster_markdown, timings_markdown
    from selfsparse.analysis.architectures import architectures_markdown
    from selfsparse.analysis.open_questions import open_questions_markdown
    from selfsparse.config import load_settings
    from selfsparse.paper import open_questions
    from selfsparse.verdicts.page import verdicts_markdown

    return {
        "open_questions": lambda: open_questions_markdown(open_questions()),
        "architectures": lambda: architectures_markdown(load_settings()),
        "benchmarks": benchmarks_markdown,
        "timings": timings_markdown,
        "cluster": cluster_markdown,
        "verdicts": verdicts_markdown,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m pipeline.docs --check")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page is out of date")
    check = parser.parse_args().check

    from selfsparse.files import write_text
    from selfsparse.paths import project_root

    for name, make in pages().items():
        path, text = project_root() / "docs" / f"{name}.md", make()
        if not check:
            write_text(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"error: docs/{name}.md is out of date; run: python -m pipeline.docs")


if __name__ == "__main__":
    sys.exit(guarded(main))
