"""Errors that a user can mend: one clear message, no traceback."""


class UserError(Exception):
    """Something that the user can set right; the message names the place and the remedy."""


class SettingsError(UserError):
    """A setting in params.yaml that cannot be used."""


class DataError(UserError):
    """Images or files that are missing, damaged, or not what they should be."""


class DeviceError(UserError):
    """A device that a setting asks for and this machine lacks."""


class RunError(UserError):
    """A training that cannot start or go on."""
