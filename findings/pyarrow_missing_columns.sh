#!/usr/bin/env bash
# pyarrow 26.0.1: ParquetFile passes by the names of columns that a file does not have, without an error or a warning.
#
# `read(columns=["imgae"])` gives a table of the right number of rows and no columns, `iter_batches` batches of the right
# length, and with one right and one wrong name only the right one comes. `pyarrow.parquet.read_table` on the same file, with
# the same argument, raises ArrowInvalid. A reader that counts rows to see that all is there notices nothing: look the name
# up in `schema_arrow.names` first.
#
# Seen with Python 3.11:
#     read: 3 rows, columns []
#     iter_batches: [(2, 0), (1, 0)]
#     one right, one wrong: ['image']
#     read_table: ArrowInvalid
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'pyarrow==26.0.1'
cat > try.py <<'END'
import pyarrow
import pyarrow.parquet as parquet

parquet.write_table(pyarrow.table({"image": [b"a", b"b", b"c"], "label": [0, 1, 2]}), "set.parquet")
file = parquet.ParquetFile("set.parquet")
table = file.read(columns=["imgae"])
print(f"read: {table.num_rows} rows, columns {table.column_names}")
print("iter_batches:", [(batch.num_rows, batch.num_columns) for batch in file.iter_batches(2, columns=["imgae"])])
print("one right, one wrong:", file.read(columns=["image", "lable"]).column_names)
try:
    parquet.read_table("set.parquet", columns=["imgae"])
    print("read_table: no error")
except pyarrow.ArrowInvalid as error:
    print("read_table:", type(error).__name__)
END
venv/bin/python try.py | tee seen.txt
diff seen.txt - <<'END'
read: 3 rows, columns []
iter_batches: [(2, 0), (1, 0)]
one right, one wrong: ['image']
read_table: ArrowInvalid
END
