"""Every file that the project writes is written by the helper that leaves the old one or the new one."""

import ast
import re

import pytest
from small_project import ROOT

WRITERS = {
    "write_text", "write_bytes", "savefig", "save", "savez", "savez_compressed", "save_file", "copyfile", "copy2",
    "copytree", "copyfileobj", "copy", "move", "dump", "tofile", "write_array_header_1_0", "save_pretrained",
}  # fmt: skip
# Of pandas: without a place to write to they return a text. Our own functions of these names always do.
TABLE_WRITERS = {
    "to_csv", "to_json", "to_html", "to_markdown", "to_latex", "to_parquet", "to_feather", "to_pickle", "to_excel", "to_hdf",
}  # fmt: skip
# What may write without the helper, and why.
ALLOWED = {
    "selfsparse/files.py:write_text",  # the helper itself
    "selfsparse/kept_seeds.py:finish",  # whole folders, for which made_from.json vouches
    "selfsparse/recorded.py:put_back",  # into a folder that takes its name when whole
    "selfsparse/data/packed.py:_write_images",  # is given a temporary name by `pack`
    "selfsparse/data/downloads.py:_load",  # grows over several tries; takes its name when whole (fetch)
    "selfsparse/data/lsun.py:_unpack",  # grows as <name>.partial; takes its name when whole
    "selfsparse/analysis/style.py:rendered",  # into memory
    "selfsparse/metrics/inception.py:_fast_layers",  # into memory
    "selfsparse/results/arrays.py:write_arrays",  # into memory
    "selfsparse/cluster/head.py:source_tar",  # into memory
    "selfsparse/cluster/node.py:_slot",  # a lock's file, which stays empty
    "selfsparse/cluster/node.py:_run_task",  # sent to nodes without the helper; read by the process that it starts next alone
}


def test_every_write_goes_through_the_helper():
    """Each call that writes stands inside `with atomic_path(...)`, is our write_text or write_json, or is known by name."""
    found = []
    for path in [*(ROOT / "selfsparse").rglob("*.py"), *(ROOT / "pipeline").glob("*.py")]:
        calls = unprotected(ast.parse(path.read_text(encoding="utf-8")))
        places = ((f"{path.relative_to(ROOT).as_posix()}:{function}", call) for function, call in calls)
        found += [f"{place}: {ast.unparse(call)}" for place, call in places if place not in ALLOWED]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')", "open(path, mode='ab')", "open(path, 'a' if more else 'wb')", "path.open('w')", "path.write_text('a')",
        "torch.save(state, path)", "np.savez(path)", "figure.savefig(path)", "image.save(path)", "save_file(state, path)",
        "table.to_csv(path)", "shutil.copyfile(a, b)", "table.to_parquet(path)", "table.to_html(buf=path)", "table.to_json(path)",
        "copyfile(a, b)", "copytree(a, b)", "shutil.copy(a, b)", "generator.save_pretrained(path)", "array.tofile(path)",
    ],
)  # fmt: skip
def test_a_write_that_does_not_would_be_found(code):
    helped = f"with atomic_path(path) as partial:\n    {code}"
    assert [function for function, _ in unprotected(ast.parse(f"def make():\n    {code}"))] == ["make"]
    assert list(unprotected(ast.parse(helped))) == []


def unprotected(tree: ast.AST, function: str = ""):
    """Yield each call that writes outside of the helper, with the function that it stands in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With) and any("atomic_path" in ast.unparse(item) for item in node.items):
            continue
        if isinstance(node, ast.Call) and writes_a_file(node):
            yield function, node
        yield from unprotected(node, node.name if isinstance(node, ast.FunctionDef) else function)


def writes_a_file(call: ast.Call) -> bool:
    is_method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if is_method else getattr(call.func, "id", "")
    if name == "open":
        # The mode is the first argument that is one: the second of open(), the first of a path's open().
        texts = [
            n.value
            for a in [*call.args, *(k.value for k in call.keywords)]
            for n in ast.walk(a)
            if isinstance(n, ast.Constant)
        ]
        return any(re.fullmatch(r"[rwxab+t]{1,3}", str(text)) and set(str(text)) & set("wax+") for text in texts)
    if name in TABLE_WRITERS:
        return is_method and bool(call.args or {k.arg for k in call.keywords} & {"path_or_buf", "path", "buf"})
    if not is_method:  # imported by itself
        return name in WRITERS - {"write_text"}  # which is the helper's
    if name == "copy" and ast.unparse(call.func.value) != "shutil":
        return False  # of a dictionary, an array, a module copy
    if name == "save" and (not call.args or ast.unparse(call.func.value).endswith("store")):
        return False  # a run's, a CheckpointStore's
    return name in WRITERS
