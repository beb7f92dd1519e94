#!/usr/bin/env bash
# numpy 2.4.6: a seed and the list of it and a 0 are one seed: default_rng([7, 0]) draws what default_rng(7) draws.
#
# One would guess that the list tells streams apart by all that stands in it, as a hash would: one stream for the images by
# default_rng(seed), one for the latents of each run by default_rng([seed, run]). Lists of fewer than four numbers are filled up
# with zeros, so run 0 draws with the very numbers that shuffled the images, and [seed, 0] with those of [seed, 0, 0]. What
# should be independent is a copy, and only for the first run. From four numbers on there is nothing to fill up. And a number
# from 2**32 on counts as several, the lowest first. Make streams by SeedSequence(seed).spawn(n), or let no list end in 0.
#
# Seen: 7 and [7, 0]: equal
#       [7, 0] and [7, 0, 0]: equal
#       [0, 7] and [7]: other
#       [7, 1] and [7]: other
#       [2**32 + 7] and [7, 1]: equal
#       [1, 2, 3, 7] and [1, 2, 3, 7, 0]: other
#       spawned from 7, and 7: other
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'numpy==2.4.6'
venv/bin/python - <<'PYTHON' | tee seen.txt
import numpy as np

pairs = {
    "7 and [7, 0]": (7, [7, 0]),
    "[7, 0] and [7, 0, 0]": ([7, 0], [7, 0, 0]),
    "[0, 7] and [7]": ([0, 7], [7]),
    "[7, 1] and [7]": ([7, 1], [7]),
    "[2**32 + 7] and [7, 1]": ([2**32 + 7], [7, 1]),
    "[1, 2, 3, 7] and [1, 2, 3, 7, 0]": ([1, 2, 3, 7], [1, 2, 3, 7, 0]),
    "spawned from 7, and 7": (np.random.SeedSequence(7).spawn(1)[0], 7),
}
for name, seeds in pairs.items():
    one, other = (np.random.default_rng(seed).standard_normal(1000) for seed in seeds)
    print(f"{name}: {'equal' if (one == other).all() else 'other'}")
PYTHON
diff seen.txt - <<'END'
7 and [7, 0]: equal
[7, 0] and [7, 0, 0]: equal
[0, 7] and [7]: other
[7, 1] and [7]: other
[2**32 + 7] and [7, 1]: equal
[1, 2, 3, 7] and [1, 2, 3, 7, 0]: other
spawned from 7, and 7: other
END
