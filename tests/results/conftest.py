"""What tests of results share."""

from partly_run import project, ran  # noqa: F401
