"""Fixtures: a project in which nothing, or a part of suite quick, has run."""

import pytest
from partly_run import project, ran  # noqa: F401


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    from chromium import Browser

    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
