"""YAML of a settings file, as DVC reads it, without what makes one change have an effect in several places."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, Event, NodeEvent, SequenceStartEvent

from selfsparse.errors import SettingsError
from selfsparse.validation import dotted, shown

MAX_DEPTH = 10  # twice what any setting needs


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
    yaml = YAML(typ="safe")
    _only_plain(yaml.parse(text))
    return yaml.load(text)


def _only_plain(events: Iterable[Event]) -> None:
    """Refuse anchors, aliases and merge keys; and tags, which say of what type a value is: the settings know that."""
    path: list[str] = []  # the key or number of each open mapping or list
    key_next: list[bool | None] = []  # whether a mapping expects a key; None for a list
    for event in events:
        if isinstance(event, CollectionEndEvent):
            path.pop(), key_next.pop()
        if not isinstance(event, NodeEvent):
            continue
        is_key = bool(key_next and key_next[-1])
        value, tag = getattr(event, "value", None), getattr(event, "tag", None)
        if key_next and key_next[-1] is None:
            path[-1] = str(int(path[-1] or -1) + 1)
        elif key_next:
            path[-1] = str(value) if is_key else path[-1]
            key_next[-1] = not is_key
        problem = ""
        if event.anchor is not None:
            problem = f"the anchor or alias '{event.anchor}' is not allowed; write the value out"
        elif tag is not None:
            problem = f"the tag {shown(str(tag))} is not allowed; write the value alone"
        elif is_key and value == "<<":
            problem = "merge keys are not allowed; write the keys out"
        elif len(path) > MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} deep"
        if problem:
            raise ComposerError(None, None, f"{dotted(path)}: {problem}", event.start_mark)
        if isinstance(event, CollectionStartEvent):
            path.append("")
            key_next.append(None if isinstance(event, SequenceStartEvent) else True)


def _one_line(error: Exception) -> str:
    """What is wrong and where; ruamel.yaml's own text goes on with advice for programmers."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return f"{error.problem or error.context}" + (f", line {mark.line + 1}" if mark else "")
    return " ".join(str(error).split())[:300]
