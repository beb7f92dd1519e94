"""README.md's table of what came out, taken from the committed results."""

import re

from selfsparse.analysis.answers import answers_table, best_answers
from selfsparse.analysis.table import to_markdown
from selfsparse.config import load_settings
from selfsparse.results.reading import load_results

SHOWN = ("laptop", "quick")  # suites whose answers the README may show, the best first


def updated_readme(text: str) -> str:
    """Return README.md's text with the answers as results/ has them now.

    They are those of the best suite that has any, and larger suites answer what it does not.
    """
    results = {suite: load_results(suite) for suite in (*SHOWN, *(s for s in load_settings().suites if s not in SHOWN))}
    best = next((suite for suite in SHOWN if not results[suite].runs.empty), SHOWN[-1])
    rows = best_answers([results[best], *(found for suite, found in results.items() if suite not in SHOWN)])
    table = to_markdown(answers_table(rows, lambda suite, name: f"results/{suite}/notebooks/{name}/{name}.ipynb"))
    block = re.compile(r"(<!-- answers:[^\n]*-->\n).*?(<!-- end of answers -->)", re.DOTALL)
    return block.sub(lambda match: match[1] + table + match[2], text)
