"""What a user is told: errors that can be mended, one clear message and no traceback each, and warnings."""

import sys


class UserError(Exception):
    """Something that the user can set right; the message names the place and the remedy."""


class SettingsError(UserError):
    """A setting in params.yaml that cannot be used."""


class DataError(UserError):
    """Images or files that are missing, damaged, or not what they should be."""


class WriteError(UserError):
    """A file that the disk has no room for, or that may not be written."""


class DeviceError(UserError):
    """A device that a setting asks for and this machine lacks."""


class RunError(UserError):
    """A training that cannot start or go on."""


class NotFiniteError(ValueError):
    """Images or features that are not finite, as those of a generator that has diverged: its run ends."""


def warn(message: str) -> None:
    """Say on stderr what went on differently than asked for."""
    print(f"warning: {message}", file=sys.stderr)


def printable(name: str) -> str:
    """Return a name from a folder or file as it may be printed: on one line, without a terminal's control characters."""
    return name if name.isprintable() else name.encode("unicode_escape").decode("ascii")
