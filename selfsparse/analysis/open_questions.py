"""docs/open_questions.md: what the paper leaves open, from selfsparse/paper/open_questions.yaml."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from selfsparse.paper import OpenQuestion, OpenQuestions
from selfsparse.results.text import MISSING
from selfsparse.templates import filled


def open_questions_markdown(found: OpenQuestions) -> str:
    """Return docs/open_questions.md: an overview, then a section per question, then what steers nothing of ours."""
    filters = {f.__name__: f for f in (anchor, change_command, inline, link, places)}
    return filled(Path(__file__).with_name("open_questions.md.j2"), {"found": found}, **filters)


def change_command(q: OpenQuestion) -> str:
    """Return the line that tries another reading; empty where none does."""
    settings = [f"-S {shlex.quote(f'{path}={inline(value)}')}" for path, value in q.change.items()]
    return " ".join(["dvc exp run", q.target, *settings]) if settings else ""


def anchor(q: OpenQuestion) -> str:
    """Return what GitHub makes of a heading: lower case, hyphens for spaces, no punctuation."""
    return re.sub(r"[^\w -]", "", f"{q.id}. {q.title}".lower()).replace(" ", "-")


def places(q: OpenQuestion) -> list[str]:
    """Return the settings, or the code where there is none; of many, the first three."""
    found = [f"`{path}`" for path in q.parameters] or [link(place) for place in q.code]
    return found[:3] + [f"and {len(found) - 3} more"] * (len(found) > 3) or [MISSING]


def link(place: str) -> str:
    """Return a link to code, of `models/sastm.py` or `models/sastm.py:SASTM`, from docs/."""
    path, _, name = place.partition(":")
    return f"[{path.rsplit('/', 1)[-1]}{':' * bool(name)}{name}](../{path})"


def inline(value: Any) -> str:
    """Return a value as it stands on one line of params.yaml."""
    return value if isinstance(value, str) else json.dumps(value)
