"""README.md's paper-vs-ours table, taken from the committed results."""

import re

from selfsparse.analysis.answers import answers_table, best_answers
from selfsparse.analysis.table import to_markdown
from selfsparse.analysis.table_fid import fid_table
from selfsparse.config import load_settings
from selfsparse.results.comparability import image_notes
from selfsparse.results.reading import Results, load_results

SHOWN = ("laptop", "quick")  # suites whose answers the README may show, the best first


def updated_readme(text: str) -> str:
    """Return README.md's text with answers and table as results/ has them now.

    The table has one part per suite, a line where nothing has run; answers are those of the best suite that has
    them, and larger suites answer what it does not.
    """
    suites = [*SHOWN, *(suite for suite in load_settings().suites if suite not in SHOWN)]
    results = {suite: load_results(suite) for suite in suites}
    blocks = {
        "answers": _answers(results),
        "paper-vs-ours": "\n".join(_part(found) for found in results.values()),
    }
    for name, content in blocks.items():
        text = _with_block(text, name, content)
    return text


def _answers(results: dict[str, Results]) -> str:
    best = next((suite for suite in SHOWN if not results[suite].runs.empty), SHOWN[-1])
    rows = best_answers([results[best], *(found for suite, found in results.items() if suite not in SHOWN)])
    return to_markdown(answers_table(rows, lambda suite, name: f"results/{suite}/notebooks/{name}/{name}.ipynb"))


def _with_block(text: str, name: str, content: str) -> str:
    block = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    return block.sub(lambda match: match[1] + content + match[2], text)


def _part(results: Results) -> str:
    if results.runs.empty:
        return f"Suite `{results.suite}`: none of its {len(results.configurations)} configurations has been run.\n"
    notes = image_notes(results.configurations, results.provenance)
    return f"Suite `{results.suite}`\n\n{to_markdown(fid_table(results))}" + "".join(f"\n{note}\n" for note in notes)
