"""Which code a stage depends on: by hand, by reading the imports another way, and by watching stages run."""

import json
import re
from dataclasses import replace

import pytest
from small_project import ROOT, params

from selfsparse import code
from selfsparse.code import SHAPES_NOTHING, bare, code_hashes, code_of
from selfsparse.errors import UserError

STAGES = (
    "data", "extractor", "reference", "train", "measure", "correlation", "summary", "generators", "verdicts", "notebook",
    "paper_audit", "report",
)  # fmt: skip
IMPORT = re.compile(
    r"^(?:from ((?:selfsparse|pipeline)[\w.]*) import \(?([^#]*)|import ((?:selfsparse|pipeline)[\w.]*))"
)


def imports_of(text: str) -> set[str]:
    """The modules that a source names, line by line: another way than the syntax tree's."""
    text, found = re.sub(r"\(\s*([^)]*)\)", lambda m: "(" + " ".join(m[1].split()) + ")", text), set()
    typing = None
    for line in text.splitlines():
        indent, bare_line = len(line) - len(line.lstrip()), line.strip()
        if typing is not None and bare_line and indent <= typing:
            typing = None
        if bare_line == "if TYPE_CHECKING:":
            typing = indent
        elif typing is None and (match := IMPORT.match(bare_line)):
            module = match[1] or match[3]
            found.add(module)
            names = (name.split(" as ")[0].strip(" ()") for name in (match[2] or "").split(","))
            found |= {f"{module}.{name}" for name in names if name}
    return found


def reached(stage: str) -> set[str]:
    seen, to_read = set(), [f"pipeline/{stage}.py"]
    while to_read:
        path = to_read.pop()
        if path in seen:
            continue
        seen.add(path)
        if path in SHAPES_NOTHING:
            continue
        for module in imports_of((ROOT / path).read_text(encoding="utf-8")):
            stem = module.replace(".", "/")
            to_read += [name for name in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / name).is_file()]
    return seen


@pytest.mark.parametrize("stage", [s for s in STAGES if s not in ("notebook", "paper_audit")])
def test_a_stage_depends_on_what_it_imports_and_on_no_more(stage):
    found = {path for path in code_of(stage) if path.endswith(".py")}
    assert found == reached(stage) - SHAPES_NOTHING


def test_what_shapes_nothing_exists():
    """A name that is wrong here would be counted; one too many would go unseen."""
    assert not [path for path in SHAPES_NOTHING if not (ROOT / path).is_file()]


def test_the_code_of_the_measures():
    """The files that were once missing: an edit of them left stale numbers."""
    metrics = ("frechet", "generated", "reference", "kid", "classifiers", "sparsity")
    needed = {*(f"metrics/{name}" for name in metrics), "models/sastm", "models/dcgan"}
    assert {f"selfsparse/{name}.py" for name in needed} <= set(code_of("measure"))
    assert "selfsparse/training/objective.py" in code_of("train")
    assert not [path for path in code_of("train") if "analysis" in path or "kid" in path]
    assert "notebooks/table_fid.ipynb" in code_of("notebook") and "selfsparse/paper/claims.yaml" in code_of("verdicts")


def test_how_models_are_called_and_drawn_is_of_what_shows_them():
    """An edit of a label or a colour: tables, figures and verdicts are made anew, and no training and no measure."""
    assert {stage for stage in STAGES if "selfsparse/registry.py" in code_of(stage)} == {
        "correlation", "summary", "generators", "verdicts", "notebook", "paper_audit", "report",
    }  # fmt: skip
    assert {stage for stage in STAGES if "selfsparse/heads.py" in code_of(stage)} == {*STAGES} - {
        "data", "extractor", "reference",
    }  # fmt: skip


def test_one_reader_shapes_its_own_datasets_alone():
    from selfsparse.config import load_settings
    from selfsparse.data.registry import DATASETS
    from selfsparse.inputs import inputs_of

    settings = load_settings()
    for key, row in params()["datasets"].items():
        own = {path for path in inputs_of(settings, "data", key)["code"] if path.startswith("selfsparse/data/")}
        readers = {f"selfsparse/data/{declared.reader}.py" for declared in DATASETS.values()} & own
        needed = {f"selfsparse/data/{DATASETS[row['dataset']].reader}.py"}
        # Their edges are drawn from what LSUN's reader finds.
        edges = row["dataset"] == "sketch_substitute"
        assert readers == needed | ({"selfsparse/data/lsun.py"} if edges else set()), key
        assert {"selfsparse/data/packed.py", "selfsparse/data/images.py"} <= own


def test_what_a_dataset_declares_is_of_its_own_stage(monkeypatch):
    from selfsparse.config import load_settings
    from selfsparse.data.registry import DATASETS
    from selfsparse.inputs import inputs_of

    settings, keys = load_settings(), ("mnist-32", "fashion_mnist-64", "cifar10-128")
    before = [inputs_of(settings, "data", key) for key in keys]
    mnist = DATASETS["mnist"]
    monkeypatch.setitem(DATASETS, "mnist", replace(mnist, facts={**mnist.facts, "label_kind": "figure"}))
    after = [inputs_of(settings, "data", key) for key in keys]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]


SOURCE = b'''"""What it is."""
import os  # why


def f(a):
    """Say."""
    # a comment
    text = """first

# no comment
"""
    return f"#{a}" + '#' + text  # so
'''


def test_comments_docstrings_and_blank_lines_count_for_nothing():
    other = SOURCE
    for old, new in (
        (b'"""What it is."""\n', b""), (b"  # why\n\n\n", b"\n"), (b"    # a comment\n", b""),
        (b'    """Say."""\n', b'    """Say\n\n    more."""\n'), (b"  # so", b""),
    ):  # fmt: skip
        other = other.replace(old, new)
    assert bare(SOURCE) == bare(other)
    assert b"why" not in bare(SOURCE) and b"Say" not in bare(SOURCE) and b'comment\n"""' in bare(SOURCE)


def test_everything_else_counts():
    for old, new in (
        (b"f(a)", b"f(b)"), (b"# no comment", b"# no"), (b"first\n\n", b"first\n"), (b'"#{a}"', b'"#{a} "'), (b"'#'", b"'##'"),
    ):  # fmt: skip
        assert old in SOURCE and bare(SOURCE) != bare(SOURCE.replace(old, new))


def test_a_docstring_beside_code_takes_no_code_with_it():
    assert bare(b'def f(): "says"; return 1\n') != bare(b'def f(): "says"; return 2\n')


def test_an_edit_shows_in_the_hash_of_its_file_alone(monkeypatch, tmp_path):
    before = code_hashes("measure")
    for path in {*code_of("measure"), *SHAPES_NOTHING}:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    edited = tmp_path / "selfsparse/metrics/kid.py"
    edited.write_text(edited.read_text(encoding="utf-8") + "\nEDITED = 1\n", encoding="utf-8")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    for name in ("_reached", "_read_by", "_facts", "_file_of"):
        monkeypatch.setattr(code, name, getattr(code, name).__wrapped__)
    after = code_hashes("measure")
    assert {path for path in before if before[path] != after[path]} == {"selfsparse/metrics/kid.py"}


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A project of one module, and a call that makes this process know nothing of it."""
    (tmp_path / "selfsparse").mkdir()
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/a.py").write_text("X = 1\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)

    def forget():
        for name in ("_reached", "_read_by", "_facts", "_file_of", "_known"):
            getattr(code, name).cache_clear()

    forget()
    yield forget
    forget()


def test_what_is_remembered_is_used_for_the_same_text_only(fresh, tmp_path):
    first, kept = code_hashes("a"), tmp_path / code.REMEMBERED
    code.remember(kept)
    kept.write_text(kept.read_text().replace(first["pipeline/a.py"], "remembered"))
    fresh()
    assert code_hashes("a") == {"pipeline/a.py": "remembered"}
    (tmp_path / "pipeline/a.py").write_text("X = 2\n")
    fresh()
    assert code_hashes("a")["pipeline/a.py"] not in ("remembered", first["pipeline/a.py"])
    (tmp_path / "pipeline/a.py").write_text("X = 1\n")
    for damaged in ("[", json.dumps(["other rules", {}])):
        kept.write_text(damaged)
        fresh()
        assert code_hashes("a") == first


def test_of_a_notebook_the_lines_of_python_count(fresh, tmp_path):
    """Magics, shell lines and cells of another language are none, and a file that is no notebook imports nothing."""
    magic, shell = (
        "%matplotlib inline\nfrom selfsparse.paths import ROOT",
        "if True:\n    !ls\n    import selfsparse.pool",
    )
    cells = [magic, shell, "%%bash\nls |"]
    written = {"cells": [{"cell_type": "code", "source": text.splitlines(True)} for text in cells]}
    (tmp_path / "a.ipynb").write_text(json.dumps(written), encoding="utf-8")
    (tmp_path / "b.ipynb").write_bytes(b"\0\5\xff")
    (tmp_path / "c.ipynb").touch()
    assert code._facts("a.ipynb").imports == ["selfsparse.paths", "selfsparse.paths.ROOT", "selfsparse.pool"]
    assert [code._facts(name).imports for name in ("b.ipynb", "c.ipynb")] == [[], []]


@pytest.mark.parametrize("text", [b"def f(:\n", b"<<<<<<< HEAD\n", b"a = '\xff'\n", b"\0"])
def test_a_module_that_is_no_python_is_named(fresh, tmp_path, text):
    (tmp_path / "a.py").write_bytes(text)
    with pytest.raises(UserError, match=r"^a\.py.*no Python"):
        code._facts("a.py")


def test_what_editors_and_systems_leave_beside_files_is_no_code(fresh, monkeypatch, tmp_path):
    """macOS leaves `._name` on other disks, Emacs a link `.#name` that leads nowhere."""
    monkeypatch.setattr(code, "READS", {"a.py": ("*.ipynb",)})
    (tmp_path / "a.py").touch()
    (tmp_path / "a.ipynb").touch()
    (tmp_path / "._a.ipynb").write_bytes(b"\0\5\xff")
    (tmp_path / ".#a.ipynb").symlink_to("nowhere")
    assert code._read_by("a.py") == ("a.ipynb",)
