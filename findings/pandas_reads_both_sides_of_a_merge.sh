#!/usr/bin/env bash
# pandas 3.1.1 (numpy 2.4.6), git 2: a CSV with the marks of a merge conflict is read, and the rows of both sides are data.
#
# Results of runs often lie in git as CSV. One would guess that reading a file in conflict fails, as reading JSON or YAML does.
# But a mark is a line of one field, and pandas fills lines that are too short with NaN, as does Python's csv.DictReader with
# None; on_bad_lines="error" looks at lines that are too long alone. Whoever then takes the rows of a run by its name, and leaves
# out NaN as means do, counts what both sides share twice and both values of what they differ in. Only pandas' engine pyarrow
# refuses. Merged with the attribute merge=union there are not even marks.
#
# Seen: 6 rows read, 3 of run a, of 2 that either side had; mean 2.1667 in place of 1.75 or 2.25
#       engine python: 6 rows; engine pyarrow: ParserError; csv.DictReader: 6 rows
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'pandas==3.1.1' 'numpy==2.4.6' 'pyarrow==26.0.1'
git init -q merged
cd merged
git config user.name me
git config user.email me@example.com
printf 'run,seed,fid\na,0,1.5\n' > fid.csv
git add fid.csv
git commit -q -m 'a run'
git branch other
printf 'a,1,2.0\n' >> fid.csv
git commit -q -a -m 'a second seed'
git checkout -q other
printf 'a,1,3.0\n' >> fid.csv
git commit -q -a -m 'the same seed on another machine'
git merge -q - > /dev/null && exit 1
"$folder/venv/bin/python" - <<'PYTHON'
import csv
import sys

import pandas as pd

table = pd.read_csv("fid.csv", on_bad_lines="error")
own = table[table.run == "a"]
print(f"{len(table)} rows read, {len(own)} of run a, of 2 that either side had; mean {own.fid.mean():.4f} in place of 1.75 or 2.25")
python = len(pd.read_csv("fid.csv", engine="python"))
try:
    pyarrow = f"{len(pd.read_csv('fid.csv', engine='pyarrow'))} rows"
except pd.errors.ParserError:
    pyarrow = "ParserError"
with open("fid.csv", newline="") as file:
    rows = len(list(csv.DictReader(file)))
print(f"engine python: {python} rows; engine pyarrow: {pyarrow}; csv.DictReader: {rows} rows")
expected = (6, 3, 6, "ParserError", 6)
sys.exit((len(table), len(own), python, pyarrow, rows) != expected)
PYTHON
