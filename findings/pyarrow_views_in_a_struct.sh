#!/usr/bin/env bash
# pyarrow 26.0.1: a column of {bytes, path}, as image sets on the hub have it, cannot be written to parquet in more than one
# group of rows where its bytes or texts are views (binary_view, string_view), though the same views can by themselves.
#
# "Slicing not implemented": the array itself can be sliced, and one group of all rows is written. So the error comes with the
# size: a small trial of a few images passes, the whole set, beyond `row_group_size`, does not. Cast to binary before writing.
#
# Seen with Python 3.11:
#     flat, two groups: 2 groups
#     struct, one group: 1 groups
#     struct, two groups: ArrowNotImplementedError: Slicing not implemented for BinaryView
#     struct, sliced by itself: [{'bytes': b'c'}]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'pyarrow==26.0.1'
cat > try.py <<'END'
import pyarrow
import pyarrow.parquet as parquet

flat = pyarrow.array([b"a", b"b", b"c"], pyarrow.binary_view())
struct = pyarrow.StructArray.from_arrays([flat], ["bytes"])
for name, images, rows in (("flat, two", flat, 2), ("struct, one", struct, 3), ("struct, two", struct, 2)):
    try:
        parquet.write_table(pyarrow.table({"image": images}), "set.parquet", row_group_size=rows)
        print(f"{name} groups:".replace("one groups", "one group"), parquet.ParquetFile("set.parquet").num_row_groups, "groups")
    except pyarrow.ArrowNotImplementedError as error:
        print(f"{name} groups: {type(error).__name__}: {error}")
print("struct, sliced by itself:", struct.slice(2).to_pylist())
END
venv/bin/python try.py | tee seen.txt
diff seen.txt - <<'END'
flat, two groups: 2 groups
struct, one group: 1 groups
struct, two groups: ArrowNotImplementedError: Slicing not implemented for BinaryView
struct, sliced by itself: [{'bytes': b'c'}]
END
