"""YAML of a settings file, as DVC reads it, without what makes one change have an effect in several places."""

import functools
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent

from selfsparse.errors import SettingsError
from selfsparse.validation import shown

MAX_DEPTH = 10  # twice what any setting needs
NOT_PLAIN = (
    f"anchors, aliases, merge keys, tags and more than {MAX_DEPTH} levels are not allowed; write the value itself"
)


def read_plain_yaml(path: Path) -> dict[str, Any]:
    """Read a file of sections: 1e-4 is a number, a key given twice an error. Nobody may change what is returned.

    Raises:
        SettingsError: it is not there, no YAML, no sections, or holds anchors, aliases, merge keys or tags.
    """
    try:
        found = _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; run from the project's folder") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"{path.name}: not readable as YAML: {_one_line(error)}") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{path.name}: expected sections (train, suites, ...), found {shown(found)}")
    return found


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    yaml, depth = YAML(typ="safe"), 0
    for event in yaml.parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        # Tags say of what type a value is, and the settings know that.
        marked = any(getattr(event, mark, None) is not None for mark in ("anchor", "tag"))
        if marked or getattr(event, "value", None) == "<<" or depth > MAX_DEPTH:
            raise ComposerError(None, None, NOT_PLAIN, event.start_mark)
    return yaml.load(text)


def _one_line(error: Exception) -> str:
    """What is wrong and where; ruamel.yaml's own text goes on with advice for programmers."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return (f"line {mark.line + 1}: " if mark else "") + f"{error.problem or error.context}"
    return " ".join(str(error).split())[:300]
