"""What is slow to import is imported when it is asked for, or not at all."""

import subprocess
import sys

import pytest
from small_project import ROOT


def test_importing_the_package_imports_no_torch():
    code = "import sys, selfsparse; print(dir(selfsparse)); print(sorted({'torch', 'pandas', 'huggingface_hub', 'pydantic'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    names, imported = found.stdout.splitlines()
    assert "'SASTM'" in names and "'load_generator'" in names and imported == "[]"


def test_notebooks_are_read_without_a_parser_of_web_addresses():
    """Which jsonschema would build, by lark; it still refuses what is no notebook."""
    code = """if True:
        import sys
        import selfsparse.report.notebooks
        import nbformat
        nbformat.validate({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        try:
            nbformat.validate({"cells": [], "metadata": 1, "nbformat": 4, "nbformat_minor": 5})
        except nbformat.ValidationError:
            sys.exit("lark" in sys.modules)
        sys.exit("accepted")
    """
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_what_it_exports():
    import selfsparse
    from selfsparse import SASTM, load_generator
    from selfsparse.hub.generator import load_generator as same_function
    from selfsparse.models.sastm import SASTM as SAME_CLASS

    assert SASTM is SAME_CLASS and load_generator is same_function
    with pytest.raises(AttributeError, match="has no attribute 'sastm2'"):
        selfsparse.sastm2
