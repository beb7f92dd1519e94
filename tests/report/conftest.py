"""Fixtures: a project in which nothing, or a part of suite quick, has run."""

from partly_run import project, ran  # noqa: F401
