"""Tables, figures and statistics: all that the notebooks call. Reads a suite's summary, never a result of a run."""

import sys

# jsonschema, which nbformat imports, would compile a grammar of IRIs, for almost three seconds, that no notebook needs; None
# makes this import of its own fail, which it allows for.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
