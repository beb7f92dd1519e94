"""What is read of each dataset before it is resized: the classes of `sources.<name>` in params.yaml, named in datasets.toml."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from selfsparse.data.registry import DATASETS
from selfsparse.validation import PositiveInt, Seed, StrictModel


class Embedded(StrictModel):
    """A dataset that comes with a package: nothing to set."""


class Photos(StrictModel):
    """How the embedded photographs become a set of crops."""

    crops: PositiveInt
    crop_size: Annotated[int, Field(ge=8, le=128)]
    min_contrast: Annotated[float, Field(ge=0, le=100)]
    seed: Seed


class Download(StrictModel):
    """A dataset that is looked for among the user's files, and downloaded where the settings allow it."""

    download: bool


class Cifar10(Download):
    """CIFAR-10: which of its images are used (U32)."""

    split: Literal["all", "train"]


class Lsun(Download):
    """An LSUN scene: how many of its images are used, from the first in the order of their keys."""

    images: PositiveInt | Literal["all"]


class Sketch(StrictModel):
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
if TYPE_CHECKING:
    Sources = Any
else:  # what is read of each dataset, before it is resized
    _KINDS = {name: (OPTIONS[declared.options], ...) for name, declared in DATASETS.items()}
    Sources = create_model("Sources", __base__=StrictModel, **_KINDS)
