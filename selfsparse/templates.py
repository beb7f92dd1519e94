"""Pages from templates, by jinja2."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2  # which torch asks for


def filled(template: Path, values: Mapping[str, Any], **filters: Callable) -> str:
    """Return a template filled in; into one of HTML text goes escaped.

    Raises:
        jinja2.UndefinedError: for a name that `values` lacks.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        autoescape=".html" in template.suffixes,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment.get_template(template.name).render(values)
