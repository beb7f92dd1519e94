"""Malformed params.yaml, made up by the hundred: each gives one short error that names the key, and none is accepted.

The variants are the same in every run (derandomize), so that a failure is one on every machine.
"""

import json
import math
import re
from io import StringIO

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from small_project import params

from selfsparse.config import load_settings
from selfsparse.errors import SettingsError

# A few rows of each table: reading all of them takes 0.2 s, and rows are alike.
ROWS = {
    "suites": ["quick"],
    "networks": ["tiny_16", "T6", "C2_sagan"],
    "datasets": ["digits-16", "photos-16"],
    "extractors": ["digits-16-lenet", "photos-16-lenet_standin"],
    "configurations": [
        "digits-16-wgan_gp",
        "digits-16-self_sparse",
        "photos-16-wgan_gp",
        "digits-16-wgan_gp-betas_0_09",
    ],
}
BASE = {
    section: {name: value[name] for name in ROWS[section]} if section in ROWS else value
    for section, value in params().items()
}
TABLES = tuple(ROWS)
COUNT = 250
HARD = settings(
    max_examples=COUNT,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a failure is said as it is: to shrink it takes a minute
    suppress_health_check=list(HealthCheck),
)


def paths(value, above: tuple = ()) -> list[tuple]:
    """Every place in the settings, by its keys and, in lists, numbers."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*above, key) for key, _ in items] + [path for key, item in items for path in paths(item, (*above, key))]


def at(path: tuple, value=BASE):
    for key in path:
        value = value[key]
    return value


def changed(path: tuple, change) -> dict:
    """A copy of the settings in which `change` was called with the container of a place and its last key."""
    values = json.loads(json.dumps(BASE))
    change(at(path[:-1], values), path[-1])
    return values


def replaced(path: tuple, value) -> dict:
    return changed(path, lambda container, key: container.__setitem__(key, value))


def may_be_missing(path: tuple) -> bool:
    """Rows of a table, the deltas of suites and configurations, and `crop`, whose default is documented."""
    is_row = path[0] in TABLES and len(path) == 2
    in_delta = path[0] in ("suites", "configurations") and "train" in path
    return is_row or in_delta or path[-1] == "crop" or isinstance(path[-1], int)


PLACES = paths(BASE)
LEAVES = [path for path in PLACES if not isinstance(at(path), dict)]
NUMBERS = [path for path in LEAVES if type(at(path)) in (int, float)]
WORDS = [path for path in LEAVES if isinstance(at(path), str) and path != ("raw_data",)]
# Whatever may be printed, and what may not: line ends, a terminal's control characters, marks that turn text round.
TEXT = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1, max_size=20
)


def of_another_type(value) -> list:
    """Values of every type that a setting with this value cannot have."""
    others = {
        bool: [0, 1, "yes", "true", 0.5, None, [], {}],
        int: ["many", "3", 2.5, True, False, None, [], {}, [[3]], {"a": 1}],
        float: ["many", "0.5", "1e-4", True, None, [], {}, {"a": 0.5}],
        str: [0, 1.5, True, None, [], {}, ["cpu"], {"a": "cpu"}],
        list: [None, True, 3, "64", {}, {"a": 1}, [None], [[1]], ["a"], [True]],
        dict: [None, True, 3, "a", [1], ["a"]],
        type(None): [3, 0.5, True, [], {}],
    }
    return others[type(value)]


@st.composite
def malformed(draw):
    """A place, and settings in which something is wrong there."""
    kind = draw(
        st.sampled_from(["type", "missing", "unknown", "negative", "huge", "not a number", "empty", "word", "deep"])
    )
    if kind == "type":
        path = draw(st.sampled_from(PLACES))
        return path, replaced(path, draw(st.sampled_from(of_another_type(at(path)))))
    if kind == "missing":
        path = draw(st.sampled_from([p for p in PLACES if not may_be_missing(p)]))
        return path, changed(path, lambda container, key: container.pop(key))
    if kind == "unknown":
        above = draw(st.sampled_from([(), *(p for p in PLACES if isinstance(at(p), dict))]))
        path = (*above, draw(TEXT.filter(lambda key: key not in at(above))))
        return path, replaced(path, {"a": 1})
    if kind in ("negative", "huge", "not a number"):
        path = draw(st.sampled_from(NUMBERS))
        values = {
            "negative": st.integers(-(10**40), -1) | st.floats(max_value=-1e-9, allow_infinity=False),
            "huge": st.integers(10**12, 10**400) | st.floats(min_value=1e12, allow_infinity=False),
            "not a number": st.sampled_from([math.nan, math.inf, -math.inf]),
        }
        return path, replaced(path, draw(values[kind]))
    if kind == "empty":
        path = draw(st.sampled_from([p for p in LEAVES if type(at(p)) in (str, list)]))
        return path, replaced(path, type(at(path))())
    if kind == "word":
        path = draw(st.sampled_from(WORDS))
        known = {at(p) for p in WORDS} | {key for p in PLACES for key in p}
        return path, replaced(path, draw(TEXT.filter(lambda word: word not in known)))
    path = draw(st.sampled_from(PLACES))
    depth = draw(st.integers(11, 3000))
    opening, closing = draw(st.sampled_from(["[]", ('{"a": ', "}")]))
    # As text: json itself gives up at some depth.
    return path, json.dumps(replaced(path, "DEEP")).replace('"DEEP"', opening * depth + "1" + closing * depth)


def refusal(folder, text: str) -> str:
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    try:
        load_settings(folder / "params.yaml")
    except SettingsError as error:
        message = str(error)
    else:
        pytest.fail(f"accepted: {text}")
    assert message.startswith("params.yaml: ") and "Traceback" not in message and "pydantic" not in message
    assert 1 <= len(message.splitlines()) <= 6 and all(len(line) <= 500 for line in message.splitlines()), message
    assert message.replace("\n", "").isprintable()
    return message


def escaped(key: str) -> str:
    return key if key.isprintable() else key.encode("unicode_escape").decode()


def test_settings_that_are_wrong_somewhere(tmp_path):
    seen = set()

    @HARD
    @given(malformed())
    def check(case):
        path, values = case
        text = values if isinstance(values, str) else json.dumps(values)
        text = re.sub(r"(?<=[\[ ])(-?)(NaN|Infinity)(?=[,\]}])", lambda m: f"{m[1]}.{m[2][:3].lower()}", text)
        message = refusal(tmp_path, text)
        seen.add(text)
        # The key itself; or, where it makes a row disagree with its own name or with another, the row.
        named = [escaped(key) for key in path if isinstance(key, str)]
        if "more than 10 levels" in message:
            assert "line 1: " in message
            return
        assert any(name in message for name in (named[1:] if path[0] in TABLES else named[-1:])) or not named[1:], (
            message
        )
        assert named[0] in message or path[0] in TABLES, message

    load_settings_of_base(tmp_path)
    check()
    assert len(seen) >= 200


def load_settings_of_base(folder) -> None:
    """What the variants start from is well-formed."""
    (folder / "params.yaml").write_text(json.dumps(BASE), encoding="utf-8")
    load_settings(folder / "params.yaml")


def block_lines() -> list[str]:
    """The settings as a person writes them, one key a line."""
    yaml, stream = YAML(), StringIO()
    yaml.dump(BASE, stream)
    return stream.getvalue().splitlines()


LINES = block_lines()
SCALARS = [i for i, line in enumerate(LINES) if re.fullmatch(r" *[\w-]+: [^\[{&*]+", line)]
TROUBLE = {
    "a duplicate": lambda space, key, value: [f"{space}{key}: {value}", f"{space}{key}: {value}"],
    "an anchor": lambda space, key, value: [f"{space}{key}: &one {value}"],
    "an alias": lambda space, key, value: [f"{space}{key}: *one"],
    "an anchor on a key": lambda space, key, value: [f"{space}&one {key}: {value}"],
    "a merge key": lambda space, key, value: [f"{space}{key}: {value}", f"{space}<<: {{{key}: {value}}}"],
    "a list of merges": lambda space, key, value: [f"{space}{key}: {value}", f"{space}<<: [{{{key}: {value}}}]"],
    "code": lambda space, key, value: [f"{space}{key}: !!python/object/apply:os.mkdir [ran]"],
    "a tag": lambda space, key, value: [f"{space}{key}: !mine {value}"],
    "a wrong bool": lambda space, key, value: [f"{space}{key}: !!bool 'x'"],
    "a wrong number": lambda space, key, value: [f"{space}{key}: !!int 'x'"],
    "bytes": lambda space, key, value: [f"{space}{key}: !!binary YQ=="],
    "a set": lambda space, key, value: [f"{space}{key}: !!set {{a}}"],
    "a date": lambda space, key, value: [f"{space}{key}: !!timestamp 2001-01-01"],
    "a tab": lambda space, key, value: [f"{space}{key}:", f"\t{value}"],
    "an open bracket": lambda space, key, value: [f"{space}{key}: [{value}"],
    "an open quote": lambda space, key, value: [f'{space}{key}: "{value}'],
    "a key alone": lambda space, key, value: [f"{space}{key}"],
    "a list for a key": lambda space, key, value: [f"{space}{key}: {value}", f"{space}? [{key}]", f"{space}: {value}"],
    "a second document": lambda space, key, value: ["---", f"{space}{key}: {value}"],
    "a null byte": lambda space, key, value: [f"{space}{key}: {value}\x00"],
}
# Of these YAML's own reader says the line, and cannot know the key.
WITHOUT_A_KEY = (
    "an anchor", "an alias", "an anchor on a key", "a merge key", "a list of merges", "code", "a tag", "a wrong bool",
    "a wrong number", "bytes", "a set", "a date",
    "a tab", "an open bracket", "an open quote", "a key alone", "a second document", "a null byte",
)  # fmt: skip


@pytest.mark.parametrize("kind", TROUBLE)
def test_yaml_that_is_none_or_not_plain(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)

    @settings(HARD, max_examples=15)
    @given(st.sampled_from(SCALARS))
    def check(number):
        space, key, value = re.fullmatch(r"( *)([\w-]+): (.*)", LINES[number]).groups()
        lines = [*LINES[:number], *TROUBLE[kind](space, key, value), *LINES[number + 1 :]]
        message = refusal(tmp_path, "\n".join(lines))
        assert key in message or (kind in WITHOUT_A_KEY and re.search(r"line \d+|position \d+", message)), message

    check()
    assert not (tmp_path / "ran").exists()
