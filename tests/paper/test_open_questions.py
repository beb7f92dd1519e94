"""The open questions against params.yaml, the code that they name, and the page that is made of them."""

import importlib
import re
import shlex
from fnmatch import fnmatchcase
from functools import reduce

import pytest
from dvc.utils.hydra import apply_overrides
from small_project import REMOVED, ROOT, params, run, write_project

from selfsparse.analysis.open_questions import change_command, open_questions_markdown
from selfsparse.config import load_settings
from selfsparse.files import read_json, write_json
from selfsparse.paper import open_questions

FOUND = open_questions()
QUESTIONS = {q.id: q for q in FOUND.questions}
PAGE = ROOT / "docs" / "open_questions.md"
# What must be a setting and not code, with one path of each.
SETTINGS = {
    "U1": "train.batch_size",
    "U2": "train.penalty_weight",
    "U6": "configurations.stl10-64-self_sparse.train.betas",
    "U18": "train.sampling_batch_norm",
    "U21": "train.position_layers",
    "U32": "sources.cifar10.split",
    "U33": "datasets.mnist-*.border",
    "U39": "real_images.count",
    "U48": "sparsity.counted_stages",
}


def each_question(condition):
    return pytest.mark.parametrize("q", [pytest.param(q, id=q.id) for q in FOUND.questions if condition(q)])


def test_every_number_is_covered_once():
    covered = [q.id for q in FOUND.questions] + list(FOUND.not_in_code)
    assert sorted(covered) == sorted(f"U{i}" for i in range(1, 63))
    assert [q.id for q in FOUND.questions] == sorted(QUESTIONS, key=lambda number: int(number[1:]))


def matching(values, path: str):
    """Yield dotted name and value of every setting that a path names; * stands for any part of one key; None: no such key."""
    head, _, rest = path.partition(".")
    keys = [key for key in values if fnmatchcase(key, head)] if isinstance(values, dict) else []
    if not keys:
        yield path, None
    for key in keys:
        if rest:
            yield from ((f"{key}.{name}", value) for name, value in matching(values[key], rest))
        else:
            yield key, values[key]


def disagreements(values: dict) -> list[str]:
    """The settings that are not what their open question states."""
    stated = [(path, value) for q in FOUND.questions for path, value in q.parameters.items()]
    return [name for path, value in stated for name, found in matching(values, path) if found != value]


def test_every_default_is_the_stated_choice():
    assert disagreements(params()) == []
    assert disagreements(params({"sources.cifar10.split": "another"})) == ["sources.cifar10.split"]
    one = "configurations.sketch-128-sagan.train.loss"  # the other SAGAN configuration still has it
    assert disagreements(params({one: REMOVED})) == [one]


@each_question(lambda q: q.code)
def test_the_named_code_is_there(q):
    for place in q.code:
        path, _, name = place.partition(":")
        assert (ROOT / path).is_file(), place
        if name:
            module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
            assert reduce(getattr, name.split("."), module) is not None, place


@each_question(lambda q: True)
def test_an_entry_is_complete(q):
    assert set(q.ours) <= set(q.readings)
    assert q.parameters or q.code
    for text in (q.title, q.short, q.question, q.choice, q.why, q.source, *q.readings.values()):
        assert text.strip() and "\n" not in text


def test_what_must_be_a_setting_is_one():
    assert not [path for number, path in SETTINGS.items() if path not in QUESTIONS[number].parameters]


def test_all_datasets_of_the_paper_are_resized_alike():
    named = {name for path in QUESTIONS["U33"].parameters for name, _ in matching(params(), path)}
    datasets = {name for name in params()["datasets"] if not name.startswith(("digits", "photos"))}
    assert named == {f"datasets.{name}.{key}" for name in datasets for key in ("filter", "border")}


def test_what_no_configuration_sets_otherwise():
    """Betas of Sketch and the second pair on STL-10, as U6 and U7 state; batches, as U1 states."""
    settings = load_settings(ROOT / "params.yaml")
    for name in ("sketch-128-wgan_gp", "sketch-128-self_sparse", "stl10-64-self_sparse-betas_05_0999"):
        assert settings.configuration(name).train.betas == (0.5, 0.999)
    assert all(c.train.batch_size == 64 for c in settings.suite("paper"))


@each_question(lambda q: q.change)
def test_the_command_of_a_question_changes_the_settings(q, tmp_path):
    words = shlex.split(change_command(q))
    targets, overrides = words[3 : words.index("-S")], [w for w in words[words.index("-S") :] if w != "-S"]
    assert words[:3] == ["dvc", "exp", "run"] and len(overrides) == len(q.change)
    for target in targets:
        stage, name = target.split("@")
        assert stage in ("measure", "correlation") and name in {**params()["configurations"], "paper": None}
    write_json(tmp_path / "params.json", params())
    apply_overrides(tmp_path / "params.json", overrides)
    changed = read_json(tmp_path / "params.json")
    assert changed == params(q.change) != params()
    assert disagreements(changed)


def test_other_readings_are_valid_settings(tmp_path):
    changes = {path: value for q in FOUND.questions for path, value in q.change.items()}
    load_settings(write_project(tmp_path, changes) / "params.yaml")


def test_the_page_is_that_of_the_entries():
    assert PAGE.read_text(encoding="utf-8") == open_questions_markdown(FOUND)


def test_every_link_of_the_page_leads_somewhere():
    text = PAGE.read_text(encoding="utf-8")
    # GitHub's anchors: lower case, hyphens for spaces, punctuation dropped.
    headings = re.findall(r"(?m)^## (.*)$", text)
    anchors = {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert anchors and links
    assert not [x for x in links if not (x in anchors if x.startswith("#") else (PAGE.parent / x).is_file())]


@pytest.mark.slow
def test_a_page_that_is_out_of_date(tmp_path):
    write_project(tmp_path)
    found = run(tmp_path, "selfsparse", "docs", "--check")
    assert found.returncode == 1
    assert found.stderr == "error: docs/open_questions.md is out of date; run: selfsparse docs\n"
    assert not (tmp_path / "docs").exists()


@pytest.mark.slow
def test_all_pages_are_up_to_date():
    found = run(ROOT, "selfsparse", "docs", "--check")
    assert found.returncode == 0, found.stderr
