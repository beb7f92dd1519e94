#!/usr/bin/env bash
# papermill 2.7.0 (ipykernel 7.4.0): a notebook that stops half-way by sys.exit(0) is a success.
#
# One would guess that SystemExit fails a cell, as it does in Jupyter, or that the cells after it still run. papermill skips
# the rest of the notebook and returns 0, in a pipeline as much as in a shell; only the written notebook's metadata says
# "exception". Any other text or number, sys.exit(1) for example, is an error.
#
# Seen: sys.exit(0): exit code 0, cells completed failed pending exception True
#       sys.exit(1): exit code 1, cells completed failed pending exception True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'papermill==2.7.0' 'ipykernel==7.4.0'
cd "$folder"
cat > make.py <<'PYTHON'
import sys

import nbformat.v4 as v4

cells = [v4.new_code_cell(source) for source in ("1", f"import sys; sys.exit({sys.argv[1]})", "1 / 0")]
kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
with open("in.ipynb", "w") as file:
    file.write(v4.writes(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})))
PYTHON
cat > look.py <<'PYTHON'
import json

notebook = json.load(open("out.ipynb"))
cells = [cell["metadata"]["papermill"]["status"] for cell in notebook["cells"] if "tags" in cell["metadata"] and not cell["metadata"]["tags"] and cell["cell_type"] == "code"]
print("cells", *cells, "exception", notebook["metadata"]["papermill"]["exception"])
PYTHON
run() {
  venv/bin/python make.py "$1"
  code=0
  venv/bin/papermill --no-progress-bar in.ipynb out.ipynb > log 2>&1 || code=$?
  echo "sys.exit($1): exit code $code, $(venv/bin/python look.py)"
}
seen=$(run 0; run 1)
echo "$seen"
[ "$seen" = 'sys.exit(0): exit code 0, cells completed failed pending exception True
sys.exit(1): exit code 1, cells completed failed pending exception True' ]
