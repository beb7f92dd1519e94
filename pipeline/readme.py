"""Write README.md's paper-vs-ours table from results/: python -m pipeline.readme [--check]."""

import argparse
import sys

from selfsparse.cli import guarded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m pipeline.readme --check")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where the table is out of date")
    check = parser.parse_args().check

    from selfsparse.analysis.readme import updated_readme
    from selfsparse.files import write_text
    from selfsparse.paths import project_root

    path = project_root() / "README.md"
    old = path.read_text(encoding="utf-8")
    new = updated_readme(old)
    if check and new != old:
        sys.exit("error: README.md's table differs from results/; run: python -m pipeline.readme")
    write_text(path, new)


if __name__ == "__main__":
    sys.exit(guarded(main))
