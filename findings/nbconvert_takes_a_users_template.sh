#!/usr/bin/env bash
# nbconvert 7.17.2: a page that a program makes from its own template changes with the files in a user's Jupyter folders.
#
# HTMLExporter(raw_template=...) takes the template as text, and one would guess that it is complete, or is completed from the
# package's own files. But `extends` and `super()` look names up in JUPYTER_PATH and in the user's data folder first, also those
# of the base templates: a folder nbconvert/templates/base there, as is made to try a change, takes their place for every program
# of that user, without a word. A site built from notebooks is then another one on another machine.
#
# Seen: with nothing in JUPYTER_PATH: <pre>42</pre>
#       with a base template of the user's: mine
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'nbconvert==7.17.2'
mkdir -p users/nbconvert/templates/base
printf 'mine' > users/nbconvert/templates/base/display_priority.j2
venv/bin/python - <<'PYTHON'
import os
import sys

import nbformat
from nbconvert.exporters import HTMLExporter

TEMPLATE = """{%- extends 'base/display_priority.j2' -%}
{%- block execute_result -%}{%- block data_priority scoped -%}{{ super() }}{%- endblock data_priority -%}{%- endblock -%}
{%- block data_text -%}<pre>{{ output.data['text/plain'] }}</pre>{%- endblock -%}
"""
output = nbformat.v4.new_output("execute_result", {"text/plain": "42"}, execution_count=1)
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7", outputs=[output])])
os.environ["HOME"] = os.getcwd()
plain = HTMLExporter(raw_template=TEMPLATE).from_notebook_node(notebook)[0].strip()
print("with nothing in JUPYTER_PATH:", plain)
os.environ["JUPYTER_PATH"] = "users"
changed = HTMLExporter(raw_template=TEMPLATE).from_notebook_node(notebook)[0].strip()
print("with a base template of the user's:", changed)
sys.exit((plain, changed) != ("<pre>42</pre>", "mine"))
PYTHON
