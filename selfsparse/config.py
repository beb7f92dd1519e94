"""params.yaml as validated, frozen objects.

Settings of a run resolve in one order, later wins:
`train` (the paper's values) <- `suites.<suite>.train` <- `configurations.<name>.train`; likewise `fid` <- `suites.<suite>.fid`.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, Strict, model_validator

from selfsparse.data.options import Sources
from selfsparse.data.registry import DATASETS
from selfsparse.errors import SettingsError
from selfsparse.paths import project_root
from selfsparse.registry import MODELS, variation_label
from selfsparse.validation import (
    HashStart,
    Name,
    Place,
    PositiveInt,
    Seed,
    StrictModel,
    TwoOrMore,
    WholeNumber,
    Widths,
    Word,
    lookup,
    validate,
)

if TYPE_CHECKING:  # of which a type checker does not read the registries
    ModelName = str
    DatasetName = str
else:
    ModelName, DatasetName = Literal[tuple(MODELS)], Literal[tuple(DATASETS)]
ExtractorName = Literal["lenet", "lenet_standin", "convnet", "inception"]
MOST_SEEDS = 100  # of a configuration
Rate = Annotated[float, Field(gt=0, le=1)]


class Train(StrictModel):
    """What shapes one training besides its networks' widths (Sec. 4.2, Eq. 13)."""

    steps: PositiveInt
    discriminator_steps: Annotated[int, Field(ge=1, le=100)]
    batch_size: Annotated[int, Field(ge=2, le=65536)]
    generator_lr: Rate
    discriminator_lr: Rate
    betas: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]], Strict(False)]
    loss: Literal["wasserstein", "hinge"]
    penalty_weight: Annotated[float, Field(ge=0, le=1e6)]
    penalty_centre: Annotated[Literal[0, 1], WholeNumber]
    initialisation: Literal["dcgan", "pytorch"]
    position_layers: Literal["chain", "single"]
    sampling_batch_norm: Literal["running", "batch"]
    seeds: Annotated[tuple[Seed, ...], Strict(False), Field(min_length=1, max_length=MOST_SEEDS)]
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


class Fid(StrictModel):
    """The final FID and KID of a trained generator."""

    latent_seed: Seed
    batch_size: PositiveInt
    kid_subsets: TwoOrMore  # one has no standard deviation
    kid_subset_size: TwoOrMore
    precision: Literal["fp32", "tf32", "bf16"]


class Sparsity(StrictModel):
    """The sparsity rates of Eq. 4, 5 and 15."""

    latents: PositiveInt
    latent_seed: Seed
    sparse_channel_rate: Rate
    counted_stages: Literal["sastm", "all"]


class Decide(StrictModel):
    """When `selfsparse decide` looks at the runs of a pair, and how often it may err over all looks."""

    looks: Annotated[tuple[Annotated[int, Field(ge=2, le=MOST_SEEDS)], ...], Strict(False), Field(min_length=1)]
    alpha: Rate

    @model_validator(mode="after")
    def _consistent(self) -> "Decide":
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError(f"looks must rise, got {list(self.looks)}")
        return self


class Network(StrictModel):
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


class Dataset(StrictModel):
    """How the images of one dataset are prepared at one resolution."""

    dataset: DatasetName
    resolution: Annotated[int, Field(ge=8, le=1024)]
    channels: Annotated[Literal[1, 3], WholeNumber]
    filter: Literal["bilinear", "bicubic", "lanczos", "box"]
    border: Annotated[int, Field(ge=0, le=64)]
    crop: Literal["centre", "squash", "pad"] = "centre"


class ClassifierTraining(StrictModel):
    """How the classifier behind a feature extractor is trained, and the accuracy that it has to reach on images kept out of it."""

    validation_share: Annotated[float, Field(gt=0, lt=0.9)]
    epochs: PositiveInt
    max_steps: PositiveInt
    batch_size: TwoOrMore
    lr: Rate
    seed: Seed
    min_accuracy: Annotated[float, Field(ge=0, lt=1)]


class RealImages(StrictModel):
    """Which real images stand against the generated ones in an FID (U39)."""

    seed: Seed
    count: Literal["matched", "all"]


class Extractor(StrictModel):
    """A feature extractor on a dataset, and the sample counts of its two FIDs (small, large)."""

    dataset: DatasetName
    resolution: int
    extractor: ExtractorName
    samples: Annotated[tuple[TwoOrMore, TwoOrMore], Strict(False)]

    @model_validator(mode="after")
    def _consistent(self) -> "Extractor":
        if self.samples[0] >= self.samples[1]:
            raise ValueError(f"samples must grow, got {list(self.samples)}")
        return self


class _SuiteFid(StrictModel):
    kid_subset_size: TwoOrMore | None = None


class _Suite(StrictModel):
    train: dict[str, Any] = Field({})
    fid: _SuiteFid = _SuiteFid()
    figures: bool = True


class _Row(StrictModel):
    suite: str
    dataset: str
    resolution: int
    extractor: ExtractorName
    model: ModelName
    network: str
    latent_dim: Annotated[int, Field(ge=1, le=65536)]
    train: dict[str, Any] = Field({})


class Configuration(StrictModel):
    """One configuration, fully resolved: what `train`, `fid` and `sparsity` of it need to know."""

    name: str
    suite: str
    model: ModelName
    latent_dim: int
    network_name: str
    network: Network
    train: Train
    dataset: Dataset
    source: SerializeAsAny[StrictModel]
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


class _Shared(StrictModel):
    fid: Fid
    sparsity: Sparsity
    decide: Decide
    networks: dict[Word, Network]
    raw_data: Place
    sources: Sources
    datasets: dict[Name, Dataset]
    real_images: RealImages
    inception_weights: Place | None
    inception_custom: HashStart | None
    lenet: ClassifierTraining
    convnet: ClassifierTraining
    extractors: dict[Name, Extractor]


class _File(_Shared):
    train: Train
    suites: dict[Name, _Suite]
    configurations: dict[Name, _Row]


class Settings(_Shared):
    """All of params.yaml, with every configuration resolved, in the file's order."""

    fid_of: dict[str, Fid]  # by suite
    figures: dict[str, bool]  # by suite, whether notebooks named figure_* are made, and a summary has their images
    suites: tuple[str, ...]
    configurations: dict[str, Configuration]

    def configuration(self, name: str) -> Configuration:
        """Return one configuration; an unknown name is a SettingsError with near spellings."""
        return _named(self.configurations, name, "configurations", "configuration")

    def dataset(self, name: str) -> Dataset:
        """Return the dataset `<dataset>-<resolution>`; an unknown name is a SettingsError with near spellings."""
        return _named(self.datasets, name, "datasets", "dataset")

    def extractor(self, name: str) -> Extractor:
        """Return the extractor `<dataset>-<resolution>-<extractor>`; an unknown name is a SettingsError."""
        return _named(self.extractors, name, "extractors", "feature extractor")

    def classifier_training(self, extractor: str) -> ClassifierTraining:
        """Return how the classifier behind `lenet`, `lenet_standin` or `convnet` is trained."""
        return self.convnet if extractor == "convnet" else self.lenet

    def suite(self, name: str) -> list[Configuration]:
        """Return the configurations of a suite, in the file's order; an unknown suite is a SettingsError."""
        _named(dict.fromkeys(self.suites, True), name, "suites", "suite")
        return [c for c in self.configurations.values() if c.suite == name]


def _named(table: dict[str, Any], name: str, section: str, what: str) -> Any:
    try:
        return lookup(table, name, section, what)
    except SettingsError as error:
        raise SettingsError(f"params.yaml: {error}") from None


def load_settings(path: Path | None = None) -> Settings:
    """Read and validate params.yaml (the project's own by default).

    Raises:
        SettingsError: for anything that is not as expected; it names the file, the key and the remedy.
    """
    from selfsparse.plain_yaml import read_plain_yaml  # here: a generator that is loaded by itself needs no YAML

    path = path or project_root() / "params.yaml"
    raw = read_plain_yaml(path)
    try:
        return _resolved(raw)
    except SettingsError as error:  # of whose lines the last may say how many more there are
        raise SettingsError(re.sub(r"(?m)^(?!\.\.\. and)", f"{path.name}: ", str(error))) from None


def _resolved(raw: dict[str, Any]) -> Settings:
    file = validate(_File, raw)
    for name, suite in file.suites.items():
        validate(Train, {**raw["train"], **suite.train}, f"suites.{name}", "train")
    configurations = {name: _resolve(name, row, file, raw["train"]) for name, row in file.configurations.items()}
    _tell_apart(configurations.values())
    fid_of = {k: file.fid.model_copy(update=v.fid.model_dump(exclude_none=True)) for k, v in file.suites.items()}
    for c in configurations.values():
        _fits(c, fid_of[c.suite])
    for key, item in file.datasets.items():
        if key != (expected := f"{item.dataset}-{item.resolution}"):
            raise SettingsError(f"datasets.{key}: expected the name {expected}")
        if 2 * item.border >= item.resolution:
            left = f"{item.border} on each side leaves nothing of {item.resolution} pixels"
            raise SettingsError(f"datasets.{key}.border: {left}")
    for key, extractor in file.extractors.items():
        dataset = f"{extractor.dataset}-{extractor.resolution}"
        if key != (expected := f"{dataset}-{extractor.extractor}"):
            raise SettingsError(f"extractors.{key}: expected the name {expected}")
        lookup(file.datasets, dataset, "datasets", f"dataset (named by extractors.{key})")
    shared = {name: getattr(file, name) for name in _Shared.model_fields}
    figures = {name: suite.figures for name, suite in file.suites.items()}
    own = {"fid_of": fid_of, "figures": figures, "suites": tuple(file.suites), "configurations": configurations}
    return Settings.model_construct(**shared, **own)  # type: ignore[arg-type]


def _resolve(name: str, row: _Row, file: _File, train: dict[str, Any]) -> Configuration:
    where, key = f"configurations.{name}", f"{row.dataset}-{row.resolution}"
    suite = lookup(file.suites, row.suite, "suites", f"suite (named by {where}.suite)")
    network = lookup(file.networks, row.network, "networks", f"network (named by {where}.network)")
    dataset = lookup(file.datasets, key, "datasets", f"dataset (named by {where}.dataset and .resolution)")
    named_by = f"feature extractor (named by {where}.extractor)"
    extractor = lookup(file.extractors, f"{key}-{row.extractor}", "extractors", named_by)
    stem = f"{key}-{row.model}"
    if name != stem and not name.startswith(stem + "-"):
        raise SettingsError(f"{where}: expected a name that is {stem} or begins with {stem}-")
    if network.resolution != row.resolution:
        makes, asked = (f"{size} x {size}" for size in (network.resolution, row.resolution))
        raise SettingsError(f"{where}.network: {row.network} makes {makes} images, the configuration asks for {asked}")
    if (row.model == "sagan") != (network.architecture == "sagan"):
        goes = f"model {row.model} does not go with architecture {network.architecture} of {row.network}"
        raise SettingsError(f"{where}.network: {goes}")
    return Configuration.model_construct(
        name=name,
        suite=row.suite,
        model=row.model,
        latent_dim=row.latent_dim,
        network_name=row.network,
        network=network,
        train=validate(Train, {**train, **suite.train, **row.train}, where, "train"),
        dataset=dataset,
        source=getattr(file.sources, row.dataset),
        extractor=extractor,
    )


def _tell_apart(configurations: Iterable[Configuration]) -> None:
    """Refuse two configurations of a suite that outputs call by one name: these leave the suite out, and use words."""
    found: dict[tuple[str, ...], str] = {}
    for c in configurations:
        label = " ".join(variation_label(variation(c)).split())  # HTML and LaTeX show several spaces as one
        other = found.setdefault((c.suite, c.dataset_key, c.model, label), c.name)
        if other != c.name:
            raise SettingsError(
                f"configurations.{c.name}: outputs of suite {c.suite} cannot tell it from configurations.{other}: they call the"
                f" variation of both '{label}', as they leave '-{c.suite}' out; rename one,"
                " <dataset>-<resolution>-<model>-<variation>"
            )


def _fits(c: Configuration, fid: Fid) -> None:
    """Hold the counts of the final measures against each other."""
    least = c.extractor.samples[0]
    images = f"the {least} images of extractors.{c.extractor_key}.samples"
    if 2 * fid.kid_subset_size > least:
        raise SettingsError(
            f"fid.kid_subset_size for suite {c.suite}: {fid.kid_subset_size} is more than half of {images}: KID's subsets would"
            f" be nearly the same, and their standard deviation says nothing then; lower it in suites.{c.suite}.fid"
        )
    if c.train.sampling_batch_norm == "batch" and fid.batch_size > least:
        raise SettingsError(
            f"fid.batch_size: {fid.batch_size} is more than {images}, and {c.name} takes the statistics of whole batches"
            " (sampling_batch_norm: batch); lower it"
        )
