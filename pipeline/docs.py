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
    from selfsparse.paths import project_root

    return benchmarks_markdown(project_root() / "benchmarks")


def timings_page() -> str:
    from benchmarks.page import with_suite_table
    from selfsparse.paths import project_root

    page = (project_root() / "docs" / "timings.md").read_text(encoding="utf-8")
    return with_suite_table(page, project_root() / "benchmarks", "quick")


PAGES = {
    "open_questions.md": open_questions_page,
    "architectures.md": architectures_page,
    "benchmarks.md": benchmarks_page,
    "timings.md": timings_page,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m pipeline.docs --check")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page is out of date")
    check = parser.parse_args().check

    from selfsparse.files import write_text
    from selfsparse.paths import project_root

    for name, make in PAGES.items():
        path, text = project_root() / "docs" / name, make()
        if not check:
            write_text(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"error: docs/{name} is out of date; run: python -m pipeline.docs")


if __name__ == "__main__":
    sys.exit(guarded(main))
