"""README.md's paper-vs-ours table, taken from the committed results."""

import re

from selfsparse.analysis.formatting import to_markdown
from selfsparse.analysis.images import image_notes
from selfsparse.analysis.results import Results, load_results
from selfsparse.analysis.tables import fid_table
from selfsparse.config import load_settings

BLOCK = re.compile(r"(<!-- paper-vs-ours:[^\n]*-->\n).*?(<!-- end of paper-vs-ours -->)", re.DOTALL)


def updated_readme(text: str) -> str:
    """Return README.md's text with the table as results/ has it now, one part per suite; a line where nothing has run."""
    parts = [_part(load_results(suite)) for suite in load_settings().suites]
    return BLOCK.sub(lambda match: match[1] + "\n".join(parts) + match[2], text)


def _part(results: Results) -> str:
    if results.runs.empty:
        return f"Suite `{results.suite}`: none of its {len(results.configurations)} configurations has been run.\n"
    notes = image_notes(results.configurations, results.provenance)
    return f"Suite `{results.suite}`\n\n{to_markdown(fid_table(results))}" + "".join(f"\n{note}\n" for note in notes)
