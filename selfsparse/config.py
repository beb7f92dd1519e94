"""params.yaml as validated, frozen objects.

Settings of a run resolve in one order, later wins:
`train` (the paper's values) <- `suites.<suite>.train` <- `configurations.<name>.train`; likewise `fid` <- `suites.<suite>.fid`.
"""

import difflib
import functools
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    Strict,
    ValidationError,
    create_model,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, Event, NodeEvent, SequenceStartEvent

from selfsparse.data.registry import DATASETS
from selfsparse.errors import SettingsError, printable
from selfsparse.paths import project_root
from selfsparse.registry import MODELS

ModelName = Literal[tuple(MODELS)]
DatasetName = Literal[tuple(DATASETS)]
ExtractorName = Literal["lenet", "lenet_standin", "inception"]


def _whole(value: Any) -> Any:
    """Refuse true, false and 1.0, which pydantic takes for the numbers of a Literal that they equal."""
    if isinstance(value, bool | float):
        raise ValueError(f"expected a whole number, found {_shown(value)}")
    return value


PositiveInt = Annotated[int, Field(gt=0, le=10**9)]
TwoOrMore = Annotated[int, Field(ge=2, le=10**9)]


def _place(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError(f"expected the path of a file or folder, found {_shown(value)} with a control character in it")
    return value


Place = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_place)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Widths = Annotated[tuple[Annotated[int, Field(gt=0, le=16384)], ...], Strict(False), Field(min_length=1, max_length=12)]


def _hash_start(value: str) -> str:
    if len(value) != 8 or set(value) - set("0123456789abcdef"):
        raise ValueError(f"expected the first 8 digits (0-9, a-f) of a file's sha256 in quotes, found {_shown(value)}")
    return value


HashStart = Annotated[str, AfterValidator(_hash_start)]
# A dot in a name would read as a path into params.yaml to DVC.
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+(-[a-z0-9_]+)*$", max_length=100)]
NetworkName = Annotated[str, Field(pattern=r"^\w+$")]
VARIATIONS = {  # what a name says beyond dataset and model, in words
    "resnet": "ResNet",
    "matched": "as many parameters",
    "one_centred": "penalty centred at 1",
    "penalty_1": "penalty weight 1",
    "pytorch_initialisation": "PyTorch's initialisation",
    "batch_statistics": "batch statistics when sampling",
}
NAMES_HOLD = {
    r"^[a-z0-9_]+(-[a-z0-9_]+)*$": "lower-case letters, digits, '_' and, between them, '-' only",
    r"^\w+$": "letters, digits and '_' only",
}

MAX_ERRORS_SHOWN = 5
MAX_DEPTH = 10  # twice what any setting needs


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Train(_Settings):
    """What shapes one training besides its networks' widths (Sec. 4.2, Eq. 13)."""

    steps: PositiveInt
    discriminator_steps: Annotated[int, Field(ge=1, le=100)]
    batch_size: Annotated[int, Field(ge=2, le=65536)]
    generator_lr: Annotated[float, Field(gt=0, le=1)]
    discriminator_lr: Annotated[float, Field(gt=0, le=1)]
    betas: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]], Strict(False)]
    loss: Literal["wasserstein", "hinge"]
    penalty_weight: Annotated[float, Field(ge=0, le=1e6)]
    penalty_centre: Annotated[Literal[0, 1], BeforeValidator(_whole)]
    initialisation: Literal["dcgan", "pytorch"]
    position_layers: Literal["chain", "single"]
    sampling_batch_norm: Literal["running", "batch"]
    seeds: Annotated[tuple[Seed, ...], Strict(False), Field(min_length=1, max_length=100)]
    evaluate_every: PositiveInt
    evaluate_latent_seed: Seed
    snapshot_every: PositiveInt
    probe_latents: PositiveInt
    checkpoint_every: PositiveInt
    device: Literal["cuda", "cpu", "auto"]
    threads: Annotated[int, Field(ge=1, le=1024)]
    parallel_seeds: Annotated[int, Field(ge=1, le=100)]
    precision: Literal["fp32", "tf32", "bf16"]
    channels_last: bool
    cuda_graph: bool
    deterministic: bool

    @model_validator(mode="after")
    def _consistent(self) -> "Train":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds are listed twice: {list(self.seeds)}")
        if self.snapshot_every % self.evaluate_every:
            raise ValueError(
                f"snapshot_every ({self.snapshot_every}) must be a multiple of evaluate_every ({self.evaluate_every})"
            )
        if self.snapshot_every > self.steps:
            raise ValueError(
                f"snapshot_every ({self.snapshot_every}) is more than steps ({self.steps}): nothing would be seen of the"
                " training; lower it, and evaluate_every with it"
            )
        return self


class Fid(_Settings):
    """The final FID and KID of a trained generator."""

    latent_seed: Seed
    batch_size: PositiveInt
    kid_subsets: TwoOrMore  # one has no standard deviation
    kid_subset_size: TwoOrMore
    precision: Literal["fp32", "tf32", "bf16"]


class Sparsity(_Settings):
    """The sparsity rates of Eq. 4, 5 and 15."""

    latents: PositiveInt
    latent_seed: Seed
    sparse_channel_rate: Annotated[float, Field(gt=0, le=1)]
    counted_stages: Literal["sastm", "all"]


class Network(_Settings):
    """Widths of a generator and its discriminator (appendix tables), and what else their architecture needs."""

    architecture: Literal["dcgan", "resnet", "sagan"]
    generator_widths: Widths
    discriminator_widths: Widths
    sastm_widths: Widths | None = None
    position_size: Annotated[int, Field(ge=4, le=64)] | None = None
    attention_size: Annotated[int, Field(ge=4, le=1024)] | None = None

    @property
    def resolution(self) -> int:
        """Image height and width: every width of the discriminator halves it, down to 4 x 4."""
        return 4 * 2 ** len(self.discriminator_widths)

    @model_validator(mode="after")
    def _consistent(self) -> "Network":
        # A ResNet generator has one width more: that of its first block, which leaves 4 x 4 as it is.
        expected = len(self.discriminator_widths) + (self.architecture == "resnet")
        if len(self.generator_widths) != expected:
            raise ValueError(
                f"{self.architecture} with {len(self.discriminator_widths)} discriminator_widths, for"
                f" {self.resolution} x {self.resolution} images, needs {expected} generator_widths,"
                f" found {len(self.generator_widths)}"
            )
        needed = ("attention_size",) if self.architecture == "sagan" else ("sastm_widths", "position_size")
        for key in ("sastm_widths", "position_size", "attention_size"):
            if key in needed and getattr(self, key) is None:
                raise ValueError(f"{key} is missing; architecture {self.architecture} needs it")
            if key not in needed and getattr(self, key) is not None:
                raise ValueError(f"{key} does not belong to architecture {self.architecture}")
        if self.position_size is not None and self.position_size & (self.position_size - 1):
            raise ValueError(f"position_size ({self.position_size}) must be a power of two: 4, 8, 16, 32 or 64")
        sizes = [4 * 2**i for i in range(len(self.generator_widths))]
        if self.attention_size is not None and self.attention_size not in sizes:
            raise ValueError(f"attention_size ({self.attention_size}) must be the size of a stage: {sizes}")
        return self


class Dataset(_Settings):
    """How the images of one dataset are prepared at one resolution."""

    dataset: DatasetName
    resolution: Annotated[int, Field(ge=8, le=1024)]
    channels: Annotated[Literal[1, 3], BeforeValidator(_whole)]
    filter: Literal["bilinear", "bicubic", "lanczos", "box"]
    border: Annotated[int, Field(ge=0, le=64)]
    crop: Literal["centre", "squash", "pad"] = "centre"


class Lenet(_Settings):
    """How the classifier behind the `lenet` feature extractor is trained."""

    validation_share: Annotated[float, Field(gt=0, lt=0.9)]
    epochs: PositiveInt
    max_steps: PositiveInt
    batch_size: TwoOrMore
    lr: Annotated[float, Field(gt=0, le=1)]
    seed: Seed


class Embedded(_Settings):
    """A dataset that comes with a package: nothing to set."""


class Photos(_Settings):
    """How the embedded photographs become a set of crops."""

    crops: PositiveInt
    crop_size: Annotated[int, Field(ge=8, le=128)]
    min_contrast: Annotated[float, Field(ge=0, le=100)]
    seed: Seed


class Download(_Settings):
    """A dataset that is looked for among the user's files, and downloaded where the settings allow it."""

    download: bool


class Cifar10(Download):
    """CIFAR-10: which of its images are used (U32)."""

    split: Literal["all", "train"]


class Lsun(Download):
    """An LSUN scene: how many of its images are used, from the first in the order of their keys."""

    images: PositiveInt | Literal["all"]


class Sketch(_Settings):
    """A folder of line drawings; `invert` where they are white on black.

    Files that cannot be used are left out, unless `strict`, as long as `min_images` remain.
    """

    invert: bool
    strict: bool
    min_images: PositiveInt


class SketchSubstitute(Lsun):
    """Photographs of buildings through Canny's edge detector."""

    sigma: Annotated[float, Field(gt=0, le=20)]
    min_edge: Annotated[int, Field(ge=0, le=10000)]


OPTIONS = {kind.__name__: kind for kind in (Embedded, Photos, Download, Cifar10, Lsun, Sketch, SketchSubstitute)}
# What is read of each dataset, before it is resized.
Sources = create_model(
    "Sources", __base__=_Settings, **{name: (OPTIONS[declared.options], ...) for name, declared in DATASETS.items()}
)


class RealImages(_Settings):
    """Which real images stand against the generated ones in an FID (U39)."""

    seed: Seed
    count: Literal["matched", "all"]


class Extractor(_Settings):
    """A feature extractor on a dataset, and the sample counts of its two FIDs (small, large)."""

    dataset: DatasetName
    resolution: int
    extractor: ExtractorName
    samples: Annotated[tuple[TwoOrMore, TwoOrMore], Strict(False)]

    @model_validator(mode="after")
    def _consistent(self) -> "Extractor":
        if self.samples[0] > self.samples[1]:
            raise ValueError(f"samples must grow, got {list(self.samples)}")
        return self


class _SuiteFid(_Settings):
    kid_subset_size: TwoOrMore | None = None


class _Suite(_Settings):
    train: dict[str, Any] = {}
    fid: _SuiteFid = _SuiteFid()


class _Row(_Settings):
    suite: str
    dataset: str
    resolution: int
    extractor: ExtractorName
    model: ModelName
    network: str
    latent_dim: Annotated[int, Field(ge=1, le=65536)]
    train: dict[str, Any] = {}


class Configuration(_Settings):
    """One configuration, fully resolved: what `train`, `fid` and `sparsity` of it need to know."""

    name: str
    suite: str
    model: ModelName
    latent_dim: int
    network_name: str
    network: Network
    train: Train
    dataset: Dataset
    source: SerializeAsAny[_Settings]
    extractor: Extractor

    @property
    def dataset_key(self) -> str:
        """The name of the packed dataset, `<dataset>-<resolution>`."""
        return f"{self.dataset.dataset}-{self.dataset.resolution}"

    @property
    def extractor_key(self) -> str:
        """The name of the feature extractor, `<dataset>-<resolution>-<extractor>`."""
        return f"{self.dataset_key}-{self.extractor.extractor}"


def variation(configuration: Configuration) -> str:
    """Return what a name `<dataset>-<resolution>-<model>[-<variation>][-<suite>]` says beyond dataset and model."""
    stem = f"{configuration.dataset_key}-{configuration.model}"
    parts = [part for part in configuration.name.removeprefix(stem).split("-") if part]
    return "-".join(part for part in parts if part != configuration.suite)


def variation_label(rest: str) -> str:
    """Return a variation in words: `betas 0, 0.9` for `betas_0_09`."""
    if rest.startswith("betas_"):
        betas = rest.removeprefix("betas_").split("_")
        return "betas " + ", ".join(beta if beta == "0" else f"0.{beta.removeprefix('0')}" for beta in betas)
    return VARIATIONS.get(rest, rest.replace("_", " "))


class _File(_Settings):
    train: Train
    fid: Fid
    sparsity: Sparsity
    suites: dict[Name, _Suite]
    networks: dict[NetworkName, Network]
    raw_data: Place
    sources: Sources
    datasets: dict[Name, Dataset]
    real_images: RealImages
    inception_weights: Place | None
    inception_custom: HashStart | None
    lenet: Lenet
    extractors: dict[Name, Extractor]
    configurations: dict[Name, _Row]


class Settings(_Settings):
    """All of params.yaml, with every configuration resolved, in the file's order."""

    fid: Fid
    fid_of: dict[str, Fid]  # by suite
    sparsity: Sparsity
    suites: tuple[str, ...]
    networks: dict[str, Network]
    raw_data: str
    sources: Sources
    datasets: dict[str, Dataset]
    real_images: RealImages
    inception_weights: str | None
    inception_custom: str | None
    lenet: Lenet
    extractors: dict[str, Extractor]
    configurations: dict[str, Configuration]

    def configuration(self, name: str) -> Configuration:
        """Return one configuration; an unknown name is a SettingsError with near spellings."""
        return _lookup(self.configurations, name, "configurations", "configuration")

    def dataset(self, name: str) -> Dataset:
        """Return the dataset `<dataset>-<resolution>`; an unknown name is a SettingsError with near spellings."""
        return _lookup(self.datasets, name, "datasets", "dataset")

    def extractor(self, name: str) -> Extractor:
        """Return the extractor `<dataset>-<resolution>-<extractor>`; an unknown name is a SettingsError."""
        return _lookup(self.extractors, name, "extractors", "feature extractor")

    def suite(self, name: str) -> list[Configuration]:
        """Return the configurations of a suite, in the file's order; an unknown suite is a SettingsError."""
        _lookup(dict.fromkeys(self.suites, True), name, "suites", "suite")
        return [c for c in self.configurations.values() if c.suite == name]


def load_settings(path: Path | None = None) -> Settings:
    """Read and validate params.yaml (the project's own by default).

    Raises:
        SettingsError: for anything that is not as expected; it names the file, the key and the remedy.
    """
    path = path or project_root() / "params.yaml"
    try:
        raw = _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; run from the project's folder") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"{path.name}: not readable as YAML: {_one_line(error)}") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{path.name}: expected sections (train, suites, ...), found {_shown(raw)}")
    file = _validate(_File, raw, path.name, ())
    for name, suite in file.suites.items():
        merged = {**raw["train"], **suite.train}
        _validate(Train, merged, path.name, (f"suites.{name}", "train"))
    configurations = {name: _resolve(name, row, file, raw, path.name) for name, row in file.configurations.items()}
    _tell_apart(configurations.values(), path.name)
    fid_of = {k: file.fid.model_copy(update=v.fid.model_dump(exclude_none=True)) for k, v in file.suites.items()}
    for c in configurations.values():
        _fits(c, fid_of[c.suite], path.name)
    for key, item in file.datasets.items():
        _require(
            key == f"{item.dataset}-{item.resolution}",
            path.name,
            f"datasets.{key}",
            f"expected the name {item.dataset}-{item.resolution}",
        )
        _require(
            2 * item.border < item.resolution,
            path.name,
            f"datasets.{key}.border",
            f"{item.border} on each side leaves nothing of {item.resolution} pixels",
        )
    for key, item in file.extractors.items():
        expected = f"{item.dataset}-{item.resolution}-{item.extractor}"
        _require(key == expected, path.name, f"extractors.{key}", f"expected the name {expected}")
        _lookup(
            file.datasets,
            f"{item.dataset}-{item.resolution}",
            "datasets",
            f"dataset (named by extractors.{key})",
            path.name,
        )
    return Settings.model_construct(
        fid=file.fid,
        fid_of=fid_of,
        sparsity=file.sparsity,
        suites=tuple(file.suites),
        networks=file.networks,
        raw_data=file.raw_data,
        sources=file.sources,
        datasets=file.datasets,
        real_images=file.real_images,
        inception_weights=file.inception_weights,
        inception_custom=file.inception_custom,
        lenet=file.lenet,
        extractors=file.extractors,
        configurations=configurations,
    )


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """Read YAML as DVC does: 1e-4 is a number, a key given twice is an error. Kept, as nobody changes it."""
    yaml = YAML(typ="safe")
    _only_plain(yaml.parse(text))
    return yaml.load(text)


def _only_plain(events: Iterable[Event]) -> None:
    """Refuse anchors, aliases and merge keys, through which one change has an effect in several places.

    And tags, which say of what type a value is: the settings know that themselves.
    """
    path: list[str] = []  # the key or number of each open mapping or list
    key_next: list[bool | None] = []  # whether a mapping expects a key; None for a list
    for event in events:
        if isinstance(event, CollectionEndEvent):
            path.pop(), key_next.pop()
        if not isinstance(event, NodeEvent):
            continue
        is_key = bool(key_next and key_next[-1])
        value = getattr(event, "value", None)
        if key_next and key_next[-1] is None:
            path[-1] = str(int(path[-1] or -1) + 1)
        elif key_next:
            path[-1] = str(value) if is_key else path[-1]
            key_next[-1] = not is_key
        problem = ""
        if event.anchor is not None:
            problem = f"the anchor or alias '{event.anchor}' is not allowed; write the value out"
        elif getattr(event, "tag", None) is not None:
            problem = f"the tag {_shown(str(event.tag))} is not allowed; write the value alone"
        elif is_key and value == "<<":
            problem = "merge keys are not allowed; write the keys out"
        elif len(path) > MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} deep"
        if problem:
            raise ComposerError(None, None, f"{_dotted(path)}: {problem}", event.start_mark)
        if isinstance(event, CollectionStartEvent):
            path.append("")
            key_next.append(None if isinstance(event, SequenceStartEvent) else True)


def _resolve(name: str, row: _Row, file: _File, raw: dict, source: str) -> Configuration:
    where = f"configurations.{name}"
    suite = _lookup(file.suites, row.suite, "suites", f"suite (named by {where}.suite)", source)
    network = _lookup(file.networks, row.network, "networks", f"network (named by {where}.network)", source)
    dataset_key = f"{row.dataset}-{row.resolution}"
    dataset = _lookup(
        file.datasets, dataset_key, "datasets", f"dataset (named by {where}.dataset and .resolution)", source
    )
    extractor_key = f"{dataset_key}-{row.extractor}"
    extractor = _lookup(
        file.extractors, extractor_key, "extractors", f"feature extractor (named by {where}.extractor)", source
    )
    stem = f"{dataset_key}-{row.model}"
    _require(
        name == stem or name.startswith(stem + "-"),
        source,
        where,
        f"expected a name that is {stem} or begins with {stem}-",
    )
    _require(
        network.resolution == row.resolution,
        source,
        f"{where}.network",
        f"{row.network} makes {network.resolution} x {network.resolution} images, the configuration asks for {row.resolution} x {row.resolution}",
    )
    _require(
        (row.model == "sagan") == (network.architecture == "sagan"),
        source,
        f"{where}.network",
        f"model {row.model} does not go with architecture {network.architecture} of {row.network}",
    )
    train = {**raw["train"], **suite.train, **row.train}
    resolved = _validate(Train, train, source, (where, "train"))
    return Configuration.model_construct(
        name=name,
        suite=row.suite,
        model=row.model,
        latent_dim=row.latent_dim,
        network_name=row.network,
        network=network,
        train=resolved,
        dataset=dataset,
        source=getattr(file.sources, row.dataset),
        extractor=extractor,
    )


def _tell_apart(configurations: Iterable[Configuration], source: str) -> None:
    """Refuse two configurations of a suite that outputs call by one name: these leave the suite out, and use words."""
    found: dict[tuple[str, ...], str] = {}
    for c in configurations:
        label = " ".join(variation_label(variation(c)).split())  # HTML and LaTeX show several spaces as one
        other = found.setdefault((c.suite, c.dataset_key, c.model, label), c.name)
        _require(
            other == c.name,
            source,
            f"configurations.{c.name}",
            f"outputs of suite {c.suite} cannot tell it from configurations.{other}: they call the variation of both"
            f" '{label}', as they leave '-{c.suite}' out; rename one, <dataset>-<resolution>-<model>-<variation>",
        )


def _fits(c: Configuration, fid: Fid, source: str) -> None:
    """Hold the counts of the final measures against each other."""
    least = c.extractor.samples[0]
    _require(
        2 * fid.kid_subset_size <= least,
        source,
        f"fid.kid_subset_size for suite {c.suite}",
        f"{fid.kid_subset_size} is more than half of the {least} images of extractors.{c.extractor_key}.samples: KID's subsets"
        f" would be nearly the same, and their standard deviation says nothing then; lower it in suites.{c.suite}.fid",
    )
    _require(
        c.train.sampling_batch_norm == "running" or fid.batch_size <= least,
        source,
        "fid.batch_size",
        f"{fid.batch_size} is more than the {least} images of extractors.{c.extractor_key}.samples, and {c.name} takes the"
        " statistics of whole batches (sampling_batch_norm: batch); lower it",
    )


def _validate(model: type[_Settings], data: Any, source: str, prefix: tuple[str, ...]) -> Any:
    """Validate; turn pydantic's findings into one SettingsError of a few lines."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [f"{source}: {_line(item, model, prefix)}" for item in found[:MAX_ERRORS_SHOWN]]
        if len(found) > MAX_ERRORS_SHOWN:
            lines.append(f"... and {len(found) - MAX_ERRORS_SHOWN} more")
        raise SettingsError("\n".join(lines)) from None


def _line(item: dict, model: type[_Settings], prefix: tuple[str, ...]) -> str:
    """One line for one of pydantic's findings: the key, what is wrong, what was expected."""
    loc = [str(part) for part in item["loc"] if part != "[key]"]
    key = _dotted([*prefix, *loc]) or "the file"
    if item["type"] == "extra_forbidden":
        allowed = _fields_at(model, item["loc"][:-1])
        return f"{key}: unknown key{_near(loc[-1], allowed)}; expected one of {', '.join(allowed)}"
    if item["type"] == "missing":
        return f"{key}: missing"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "literal_error":
        return f"{key}: expected {item['ctx']['expected']}, found {_shown(item['input'])}{_near(item['input'], item['ctx']['expected'].replace(chr(39), '').replace(' or ', ', ').split(', '))}"
    if item["type"] == "string_pattern_mismatch":
        return f"{key}: a name may hold {NAMES_HOLD[item['ctx']['pattern']]}"
    if item["type"] == "value_error":
        return f"{key}: {message}"
    return f"{key}: {message[0].lower() + message[1:]}, found {_shown(item['input'])}"


def _fields_at(model: type[_Settings], loc: tuple) -> list[str]:
    """The keys that pydantic knows at a place: follows fields, and dictionaries of models."""
    current: Any = model
    for part in loc:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[part].annotation
        else:  # dict[name, model]
            current = current.__args__[1]
    return list(current.model_fields)


def _lookup(table: dict[str, Any], name: str, section: str, what: str, source: str = "params.yaml") -> Any:
    if name in table:
        return table[name]
    raise SettingsError(f"{source}: no {what} {_shown(name)}{_near(name, table)}; {section} has {_listed(table)}")


def _require(condition: bool, source: str, key: str, message: str) -> None:
    if not condition:
        raise SettingsError(f"{source}: {key}: {message}")


def _dotted(path: Sequence[str]) -> str:
    return ".".join(printable(part) for part in path)


def _near(word: Any, candidates: Any) -> str:
    close = difflib.get_close_matches(str(word), [str(c) for c in candidates], n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _listed(names: Any, most: int = 12) -> str:
    names = list(names)
    return (
        ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
        if names
        else "nothing"
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _one_line(error: Exception) -> str:
    """What is wrong and where; ruamel.yaml's own text goes on with advice for programmers."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return f"{error.problem or error.context}" + (f", line {mark.line + 1}" if mark else "")
    return " ".join(str(error).split())[:300]
