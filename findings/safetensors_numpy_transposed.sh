#!/usr/bin/env bash
# safetensors 0.8.0 (numpy 2.4.6): a transposed array is saved with its values in the wrong places, without a word.
#
# One would guess that safetensors.numpy.save keeps array[i, j], as numpy.save does and as safetensors 0.7.0 did, or that it
# refuses, as safetensors.torch does. Since 0.8.0 it writes the memory as it lies under the shape of the view. So weights that
# were turned from another framework's order by .T, and what SciPy has from LAPACK in Fortran's order (eigh, svd, qr), load with
# the right name, shape, type, sum and norm, and are scrambled. A network or a whitening matrix made so still gives images and
# an FID. The file has no trace of it, and no version reads it right. Save numpy.ascontiguousarray(array).
#
# Seen: safetensors 0.7.0: as it is: equal; transposed: equal
#       safetensors 0.8.0: as it is: equal; transposed: 2 of 12 values in their places, same shape True, same sum True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > try.py <<'PYTHON'
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load, save

weights = np.arange(12, dtype=np.float32).reshape(3, 4)
found = []
for name, array in (("as it is", weights), ("transposed", weights.T)):
    loaded = load(save({"weights": array}))["weights"]
    same = loaded.shape == array.shape, loaded.sum() == array.sum()
    places = int((loaded == array).sum())
    found.append(
        f"{name}: equal"
        if places == array.size
        else f"{name}: {places} of {array.size} values in their places, same shape {same[0]}, same sum {same[1]}"
    )
print(f"safetensors {version('safetensors')}: {'; '.join(found)}")
PYTHON
for version in 0.7.0 0.8.0; do
  python3 -m venv "$version"
  "$version/bin/pip" install --quiet "safetensors==$version" 'numpy==2.4.6'
  "$version/bin/python" try.py
done | tee seen.txt
diff seen.txt - <<'END'
safetensors 0.7.0: as it is: equal; transposed: equal
safetensors 0.8.0: as it is: equal; transposed: 2 of 12 values in their places, same shape True, same sum True
END
