"""Write what README.md and results/README.md say of the results from results/: python -m pipeline.readme [--check]."""

import argparse
import sys

from selfsparse.cli import guarded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m pipeline.readme --check")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page is out of date")
    check = parser.parse_args().check

    from selfsparse.analysis.readme import updated_readme
    from selfsparse.analysis.results_page import results_page
    from selfsparse.files import write_text
    from selfsparse.paths import project_root

    readme = project_root() / "README.md"
    pages = {readme: updated_readme(readme.read_text(encoding="utf-8"))}
    pages[project_root() / "results/README.md"] = results_page()
    for path, text in pages.items():
        if not check:
            write_text(path, text)
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            name = path.relative_to(project_root())
            sys.exit(f"error: {name} differs from results/; run: python -m pipeline.readme")


if __name__ == "__main__":
    sys.exit(guarded(main))
