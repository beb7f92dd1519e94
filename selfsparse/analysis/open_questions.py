"""docs/open_questions.md: what the paper leaves open, from selfsparse/paper/open_questions.yaml."""

import json
import re
import shlex
from typing import Any

from selfsparse.paper import OpenQuestion, OpenQuestions
from selfsparse.results.text import MISSING

INTRODUCTION = """\
# What the paper leaves open

<!-- written by `selfsparse docs` from selfsparse/paper/open_questions.yaml, do not edit -->

The paper does not state everything that its experiments need, and contradicts itself in places. This page lists every
such question that steers our code or settings: how the paper can be read, which reading we follow, why, and how to
follow another one. v1 is the first version (arXiv, 2021), v2 the journal version (2022); Sec. and Eq. without a version
are v1's, references in brackets are the paper's own.

Where a setting decides, the command below a question tries another reading on one configuration, as an experiment of
DVC. Name another stage after `dvc exp run` to try it elsewhere: `report@paper` for all that the paper reports,
`report@laptop` for about an hour on a CPU. `dvc exp run` writes the changed value into params.yaml;
`git checkout params.yaml` takes it back. A test holds this page against params.yaml: each setting named here has the
value named here.
"""


def open_questions_markdown(found: OpenQuestions) -> str:
    """Return docs/open_questions.md: an overview, then a section per question, then what steers nothing of ours."""
    lines = [INTRODUCTION, "| number | question | our choice | where |", "| --- | --- | --- | --- |"]
    for q in found.questions:
        cells = [q.id, f"[{q.title}](#{anchor(q)})", q.short, "<br>".join(_places(q))]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    for q in found.questions:
        lines += ["", *_section(q)]
    lines += ["", "## Questions that steer nothing of ours", ""]
    lines += [f"- {number}: {reason}" for number, reason in found.not_in_code.items()]
    return "\n".join([*lines, ""])


def change_command(q: OpenQuestion) -> str:
    """Return the line that tries another reading; empty where none does."""
    if not q.change:
        return ""
    settings = [f"-S {shlex.quote(f'{path}={_inline(value)}')}" for path, value in q.change.items()]
    return " ".join(["dvc exp run", q.target, *settings])


def _section(q: OpenQuestion) -> list[str]:
    lines = [f"## {q.id}. {q.title}", "", q.question, ""]
    lines += [f"- {name}: {text}{' **(ours)**' * (name in q.ours)}" for name, text in q.readings.items()]
    lines += ["", f"**Our choice.** {q.choice}", "", f"**Why.** {q.why} *Source: {q.source.rstrip('.')}.*", ""]
    if q.parameters:
        stated = ", ".join(f"`{path}: {_inline(value)}`" for path, value in q.parameters.items())
        lines += [f"**Settings.** {stated}", ""]
    if q.code:
        lines += [f"**Code.** {', '.join(_link(place) for place in q.code)}", ""]
    if q.change:
        lines += [f"**To change it.** {q.how}".rstrip(), "", "```", change_command(q), "```"]
    else:
        what = "settings" if q.parameters else "code"
        lines += [f"**To change it.** {q.how or f'Edit the {what} above.'}"]
    return lines


def anchor(q: OpenQuestion) -> str:
    """Return what GitHub makes of a heading: lower case, hyphens for spaces, no punctuation."""
    return re.sub(r"[^\w -]", "", f"{q.id}. {q.title}".lower()).replace(" ", "-")


def _places(q: OpenQuestion) -> list[str]:
    """Return the settings, or the code where there is none; of many, the first three."""
    places = [f"`{path}`" for path in q.parameters] or [_link(place) for place in q.code]
    return places[:3] + [f"and {len(places) - 3} more"] * (len(places) > 3) or [MISSING]


def _link(place: str) -> str:
    path, _, name = place.partition(":")
    return f"[{path.rsplit('/', 1)[-1]}{':' * bool(name)}{name}](../{path})"


def _inline(value: Any) -> str:
    """Return a value as it stands on one line of params.yaml."""
    return value if isinstance(value, str) else json.dumps(value)
