"""Kinds of values that settings have, and what is wrong with a file of them: key, what is there, what is expected."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from selfsparse.errors import SettingsError, printable

MAX_ERRORS_SHOWN = 5
NAME, WORD, PLACE, HASH_START = r"^[a-z0-9_]+(-[a-z0-9_]+)*$", r"^\w+$", r"^\P{Cc}+$", r"^[0-9a-f]{8}$"
EXPECTED = {
    NAME: "a name of lower-case letters, digits, '_' and, between them, '-' only",
    WORD: "a name of letters, digits and '_' only",
    PLACE: "the path of a file or folder without control characters",
    HASH_START: "the first 8 digits (0-9, a-f) of a file's sha256 in quotes",
}

PositiveInt = Annotated[int, Field(gt=0, le=10**9)]
TwoOrMore = Annotated[int, Field(ge=2, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Widths = Annotated[tuple[Annotated[int, Field(gt=0, le=16384)], ...], Strict(False), Field(min_length=1, max_length=12)]
Name = Annotated[str, Field(pattern=NAME, max_length=100)]  # a dot would read as a path into params.yaml to DVC
Word = Annotated[str, Field(pattern=WORD)]


def _whole(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError(f"expected a whole number, found {shown(value)}")
    return value


# Beside a Literal of numbers, for whose members pydantic takes true, false and 1.0, which equal them.
WholeNumber = BeforeValidator(_whole)
Place = Annotated[str, Field(pattern=PLACE, max_length=4096)]
HashStart = Annotated[str, Field(pattern=HASH_START)]


class StrictModel(BaseModel):
    """A section of a settings file: nothing is converted, guessed or changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


def validate(model: type[Model], data: Any, *place: str) -> Model:
    """Return the data as a model; `place` is where they stand in the file.

    Raises:
        SettingsError: with a line for each of the first findings.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [_line(dict(item), model, place) for item in found[:MAX_ERRORS_SHOWN]]
        if len(found) > MAX_ERRORS_SHOWN:
            lines.append(f"... and {len(found) - MAX_ERRORS_SHOWN} more")
        raise SettingsError("\n".join(lines)) from None


def _line(item: dict[str, Any], model: type[BaseModel], place: tuple[str, ...]) -> str:
    loc = [str(part) for part in item["loc"] if part != "[key]"]
    key, kind, message = dotted([*place, *loc]) or "the file", item["type"], item["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        allowed = _fields_at(model, item["loc"][:-1])
        return f"{key}: unknown key{near(loc[-1], allowed)}; expected one of {', '.join(allowed)}"
    if kind == "missing":
        return f"{key}: missing"
    if kind == "literal_error":
        expected = item["ctx"]["expected"]
        words = expected.replace("'", "").replace(" or ", ", ").split(", ")
        return f"{key}: expected {expected}, found {shown(item['input'])}{near(item['input'], words)}"
    if kind == "string_pattern_mismatch":
        return f"{key}: expected {EXPECTED[item['ctx']['pattern']]}, found {shown(item['input'])}"
    if kind == "value_error":
        return f"{key}: {message}"
    return f"{key}: {message[0].lower() + message[1:]}, found {shown(item['input'])}"


def _fields_at(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """The keys that pydantic knows at a place: follows fields, and dictionaries of models."""
    current: Any = model
    for part in loc:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[part].annotation
        else:  # dict[name, model]
            current = current.__args__[1]
    return list(current.model_fields)


def lookup(table: Mapping[str, Value], name: str, section: str, what: str) -> Value:
    """Return an entry of a section; SettingsError with near spellings where there is none."""
    if name in table:
        return table[name]
    names = list(table)
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    raise SettingsError(f"no {what} {shown(name)}{near(name, table)}; {section} has {listed or 'nothing'}")


def dotted(path: Iterable[str]) -> str:
    """Return keys as one, `train.steps`."""
    return ".".join(printable(part) for part in path)


def near(word: Any, candidates: Iterable[Any]) -> str:
    """Return ` (did you mean steps?)` where a candidate is spelt nearly as a word is."""
    close = difflib.get_close_matches(str(word), [str(c) for c in candidates], n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def shown(value: Any) -> str:
    """Return a value as a message shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
