"""What a suite shows: its executed notebooks, and the site that is made of them."""

import sys

# jsonschema, which nbformat imports, would build a parser of international web addresses for a second: a check that no
# schema of notebooks asks for, and that it does without where this package, which JupyterLab brings, is not installed.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
