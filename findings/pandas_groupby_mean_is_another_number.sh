#!/usr/bin/env bash
# pandas 3.1.1 (numpy 2.4.6): the mean of a group is another number than the mean of the same rows.
#
# One would guess that frame.groupby("k").v.mean() and frame[frame.k == "a"].v.mean() are one computation. The first sums
# with Kahan's compensation in pandas' own loop, the second by numpy: for three ordinary float64 values the means differ in
# their last bit in a fifth of the cases, the standard deviations in two fifths. Tables made both ways do not compare equal,
# and what is rounded half-way may be printed as two numbers. Of float32, the group's mean is float64, the column's float32.
#
# Seen: of 1000 groups of three: 208 means and 431 standard deviations differ
#       1, 1e16, -1e16, 1: sum of the column 1.0, of the group 2.0
#       mean of float32: column float32, group float64
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pandas==3.1.1' 'numpy==2.4.6'
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
means = stds = 0
for _ in range(1000):
    frame = pd.DataFrame({"k": "a", "v": rng.uniform(10, 100, 3)})
    group = frame.groupby("k").v
    means += frame.v.mean() != group.mean().iloc[0]
    stds += frame.v.std() != group.std().iloc[0]
print(f"of 1000 groups of three: {means} means and {stds} standard deviations differ")
frame = pd.DataFrame({"k": "a", "v": [1, 1e16, -1e16, 1]})
sums = frame.v.sum(), frame.groupby("k").v.sum().iloc[0]
print(f"1, 1e16, -1e16, 1: sum of the column {sums[0]}, of the group {sums[1]}")
frame = pd.DataFrame({"k": "a", "v": np.float32([0.1, 0.2])})
types = np.asarray(frame.v.mean()).dtype.name, frame.groupby("k").v.mean().dtype.name
print(f"mean of float32: column {types[0]}, group {types[1]}")
# How many differ depends on the processor's instructions; that a good part does is the surprise.
sys.exit(not (means > 50 and stds > 50 and sums == (1.0, 2.0) and types == ("float32", "float64")))
PYTHON
