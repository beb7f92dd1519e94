#!/usr/bin/env bash
# matplotlib 3.11.2: with a layout engine, saving one figure twice gives two different files, also with svg.hashsalt set.
#
# One would guess that savefig leaves the figure as it is, and that a fixed svg.hashsalt without a date makes equal files, as
# it does without a layout engine. Constrained and tight layout are solved anew at every save, starting from where the last
# one ended: positions move in their last digits, and with them the paths and the ids that are hashes of them. What was saved
# as PNG first is another SVG than what was not. Drawing once, then figure.set_layout_engine("none"), holds the positions
# still for the saves that follow.
#
# Seen: constrained: first save is not the second
#       tight: first save is not the second
#       none: equal
#       constrained, drawn once, then without an engine: equal
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'matplotlib==3.11.2'
MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.rcParams["svg.hashsalt"] = "fixed"


def drawn(layout):
    figure = Figure(figsize=(4, 3), layout=layout)
    left, right = figure.subplots(1, 2)
    left.plot([1, 2, 3], [1e3, 2e4, 3e5])
    left.set_title("a title")
    right.plot([0, 1])
    return figure


def saved(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


equal = {}
for layout in ("constrained", "tight", "none"):
    figure = drawn(layout)
    equal[layout] = saved(figure) == saved(figure)
figure = drawn("constrained")
figure.draw_without_rendering()
figure.set_layout_engine("none")
equal["constrained, drawn once, then without an engine"] = saved(figure) == saved(figure)
for name, value in equal.items():
    print(f"{name}: {'equal' if value else 'first save is not the second'}")
sys.exit(list(equal.values()) != [False, False, True, True])
PYTHON
