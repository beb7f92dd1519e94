"""Write the pages of docs/ that are made from data: python -m pipeline.docs [--check]."""

import argparse
import sys

from selfsparse.cli import guarded


def open_questions_page() -> str:
    from selfsparse.analysis.open_questions import open_questions_markdown
    from selfsparse.paper import open_questions

    return open_questions_markdown(open_questions())


def architectures_page() -> str:
    from selfsparse.analysis.architectures import architectures_markdown
    from selfsparse.config import load_settings

    return architectures_markdown(load_settings())


def benchmarks_page() -> str:
    from benchmarks.page import benchmarks_markdown

    return benchmarks_markdown()


def timings_page() -> str:
    from benchmarks.page import timings_markdown

    return timings_markdown()


def cluster_page() -> str:
    from benchmarks.page import cluster_markdown

    return cluster_markdown()


PAGES = {"open_questions": open_questions_page, "architectures": architectures_page}
PAGES |= {"benchmarks": benchmarks_page, "timings": timings_page, "cluster": cluster_page}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m pipeline.docs --check")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page is out of date")
    check = parser.parse_args().check

    from selfsparse.files import write_text
    from selfsparse.paths import project_root

    for name, make in PAGES.items():
        path, text = project_root() / "docs" / f"{name}.md", make()
        if not check:
            write_text(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"error: docs/{name}.md is out of date; run: python -m pipeline.docs")


if __name__ == "__main__":
    sys.exit(guarded(main))
