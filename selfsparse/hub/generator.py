"""A trained generator with what it takes to draw from it, loaded from its weights alone.

    generator = load_generator("results/quick/runs/digits-16-self_sparse/seed0")
    images = generator.sample(64, seed=0)      # uint8, 64 x 1 x 16 x 16

The weights are safetensors: no code runs when they are read. Their header holds the configuration, from which the network
is built; tensors that do not fit it are refused.
"""

import operator
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.constants import SAFETENSORS_SINGLE_FILE as WEIGHTS
from huggingface_hub.errors import EntryNotFoundError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from selfsparse.config import ModelName, Network
from selfsparse.errors import DataError
from selfsparse.files import atomic_paths
from selfsparse.models.build import build_generator
from selfsparse.models.dcgan import Generator
from selfsparse.models.sampling import draw_latents, generate
from selfsparse.paths import project_root

HEADER_KEY = "configuration"
CARD = "README.md"
LIBRARY = "selfsparse"  # in the card's metadata
WRAPPERS = ("_orig_mod", "module")  # what torch.compile, DataParallel and its like put into the names of tensors
RUN_WEIGHTS = "best.safetensors"  # in the folder of a run
BATCH_SIZE = 250  # images per pass; with `batch` statistics also what these are of, as in the FIDs (fid.batch_size)
MAX_SAMPLES = 10**6
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
PUBLISHED = "results/*/generators"  # which git holds, a model folder each (export.publish)
STATED = "not the weights of a generator of this project"


@contextmanager
def _float32_on_the_cpu() -> Iterator[None]:
    """Make tensors as PyTorch does unless a program has chosen another default: other types draw other latents."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(before)


class _Part(BaseModel):
    # A header holds a whole configuration; what has nothing to do with the network may change without harm.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Train(_Part):
    position_layers: Literal["chain", "single"]
    sampling_batch_norm: Literal["running", "batch"]


class _Dataset(_Part):
    dataset: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,100}$")]
    resolution: Annotated[int, Field(ge=8, le=1024)]
    channels: Literal[1, 3]


class GeneratorConfiguration(_Part):
    """What of a `selfsparse.config.Configuration` builds its generator and draws from it, under the same names."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,200}$")]
    model: ModelName
    latent_dim: Annotated[int, Field(ge=1, le=65536)]
    network: Network
    train: _Train
    dataset: _Dataset

    @model_validator(mode="after")
    def _consistent(self) -> "GeneratorConfiguration":
        if (self.model == "sagan") != (self.network.architecture == "sagan"):
            raise ValueError(f"model {self.model} does not go with architecture {self.network.architecture}")
        return self


class TrainedGenerator(nn.Module, PyTorchModelHubMixin):
    """A generator in evaluation mode. `forward` maps z (N, latent_dim) to images (N, C, R, R) in [-1, 1].

    Attributes:
        configuration: what it was built from.
        generator: the network itself, with `sastm_outputs(z)` for alpha, beta and the maps of every stage.
        card: its model card, Markdown; None where it came without one.
    """

    def __init__(self, configuration: GeneratorConfiguration, generator: Generator) -> None:
        super().__init__()
        self.configuration = configuration
        self.generator = generator
        self.card: str | None = None
        self.eval()

    def forward(self, z: Tensor) -> Tensor:
        """z (N, latent_dim) -> images (N, C, R, R) in [-1, 1]; z is taken to the network's type and device."""
        return self.generator(z.to(next(self.parameters())))

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Draw images as the suite's own FIDs do: image k depends on the seed and k alone, not on n.

        The configuration says whether batch norms use the statistics gathered in training (`running`) or those of each
        batch (`batch`, U18); then whole batches of 250 are drawn, as many as hold n.

        Args:
            n: how many, at least 1.
            seed: of the latents, a whole number of 64 bits.

        Returns:
            uint8 (n, C, R, R), on the CPU.
        """
        n = operator.index(n)
        if not 1 <= n <= MAX_SAMPLES:
            raise ValueError(f"n must be from 1 to {MAX_SAMPLES:,}, got {n}")
        mode = self.configuration.train.sampling_batch_norm
        drawn = n if mode == "running" else -(-n // BATCH_SIZE) * BATCH_SIZE
        with _float32_on_the_cpu():
            latents = draw_latents(drawn, self.configuration.latent_dim, seed)
        latents = latents.to(next(self.parameters()))
        parts = generate(self.generator, latents, BATCH_SIZE, latents.device, mode)
        return torch.cat([part.cpu() for part in parts])[:n]

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """Return the card that came with the weights; without one, a card that says what they are and no numbers."""
        if self.card is None:
            from selfsparse.hub.card import model_card

            return ModelCard(model_card(self.configuration))
        return ModelCard(self.card)

    def write(self, folder: Path, with_card: bool = True) -> None:
        """Write weights and card into a folder, both or neither, in place of those that it holds.

        Raises:
            DataError: the network is no longer that of the configuration, from which it could not be loaded again.
        """
        state = {
            ".".join(part for part in name.split(".") if part not in WRAPPERS): value.cpu().contiguous()
            for name, value in self.generator.state_dict().items()
        }
        try:
            _empty_generator(folder, self.configuration).load_state_dict(state, assign=True)
        except RuntimeError as error:
            raise DataError(
                f"{folder}: not written: {' '.join(str(error).split())[:200]}; put the network that was loaded back into"
                " `generator`"
            ) from None
        with atomic_paths(*(folder / name for name in [CARD, WEIGHTS][not with_card :])) as partials:
            if with_card:
                partials[0].write_text(str(self.generate_model_card()), encoding="utf-8", newline="\n")
            save_file(state, partials[-1], {HEADER_KEY: self.configuration.model_dump_json()})

    def _save_pretrained(self, save_directory: Path) -> None:
        """What `save_pretrained` calls. A README.md that is no card of a generator, but of one's own, stays."""
        self.write(save_directory, with_card=_is_card(save_directory / CARD) or not (save_directory / CARD).exists())

    @classmethod
    def _from_pretrained(cls, *, model_id: str, map_location: str = "cpu", **options: Any) -> "TrainedGenerator":
        """What `from_pretrained` calls: a folder, or the id of a model on the Hugging Face Hub."""
        if Path(model_id).is_dir():
            return _from_folder(Path(model_id)).to(map_location)
        download = {k: options[k] for k in ("revision", "cache_dir", "force_download", "token", "local_files_only")}
        found = _from_file(Path(hf_hub_download(model_id, WEIGHTS, **download)))
        with suppress(EntryNotFoundError):
            found.card = _card(Path(hf_hub_download(model_id, CARD, **download)))
        return found.to(map_location)


def load_generator(path_or_hub_id: str | Path) -> TrainedGenerator:
    """Return a trained generator in evaluation mode, on the CPU, with `.sample(n, seed)`.

    Args:
        path_or_hub_id: the name of a generator that git holds (`digits-16-self_sparse`), a .safetensors file of a run, a
            run's folder (its best generator), a folder that `selfsparse export` made, or the id `name/model` of one on the
            Hugging Face Hub.

    Raises:
        DataError: there is nothing of that name, or it is not the weights of a generator of this project.
    """
    path = Path(path_or_hub_id)
    if path.is_dir():
        return _from_folder(path)
    if path.is_file():
        return _from_file(path)
    text = str(path_or_hub_id)
    published = {folder.name: folder for folder in sorted(project_root().glob(f"{PUBLISHED}/*"))}
    if text in published:
        return _from_folder(published[text])
    if not HUB_ID.fullmatch(text):
        raise DataError(
            f"{text}: no such file or folder, and no generator that git holds ({', '.join(published) or 'here, none'}); make a"
            " run with: dvc repro train@<configuration>"
        )
    try:
        return TrainedGenerator.from_pretrained(text)
    except DataError:
        raise
    except Exception as error:  # those of huggingface_hub and of its HTTP client have no class in common
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{text}: no such folder, and not loaded from the Hugging Face Hub: {reason}") from None


def _is_card(path: Path) -> bool:
    """Whether a README.md is the card of a generator of this project, by its metadata."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return text.startswith("---") and f"library_name: {LIBRARY}" in text.partition("\n---")[0].splitlines()


def _card(path: Path) -> str:
    """Return a card's text; what is not UTF-8 in it, of somebody's own, costs nobody the weights."""
    return path.read_text(encoding="utf-8", errors="replace")


def _from_folder(folder: Path) -> TrainedGenerator:
    weights = [folder / name for name in (WEIGHTS, RUN_WEIGHTS) if (folder / name).is_file()]
    if not weights:
        raise DataError(f"{folder} holds neither {WEIGHTS} (a model folder) nor {RUN_WEIGHTS} (a run)")
    found = _from_file(weights[0])
    if (folder / CARD).is_file():
        found.card = _card(folder / CARD)
    return found


def _from_file(path: Path) -> TrainedGenerator:
    try:
        with safe_open(path, "pt") as file:
            configuration = _configuration(path, file.metadata())
            generator = _empty_generator(path, configuration)
            types = {name: tensor.dtype for name, tensor in generator.state_dict().items()}
            state = {name: file.get_tensor(name).to(types.get(name)) for name in file.keys()}  # noqa: SIM118
        generator.load_state_dict(state, assign=True)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise DataError(f"{path}: {STATED}: {' '.join(str(error).split())[:200]}") from None
    for parameter in generator.parameters():
        parameter.requires_grad_(False)
    return TrainedGenerator(configuration, generator)


def _configuration(path: Path, metadata: dict[str, str] | None) -> GeneratorConfiguration:
    if not metadata or HEADER_KEY not in metadata:
        raise DataError(
            f"{path}: {STATED}: its header holds no '{HEADER_KEY}'; weights of an earlier version have to be trained again"
        )
    try:
        return GeneratorConfiguration.model_validate_json(metadata[HEADER_KEY])
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join([HEADER_KEY, *(str(part) for part in first["loc"])])
        raise DataError(f"{path}: {STATED}: header, {where}: {first['msg'][:200]}") from None


def _empty_generator(path: Path, configuration: GeneratorConfiguration) -> Generator:
    """Build the network without memory for its weights: a header may ask for more than there is."""
    try:
        with torch.device("meta"):
            return build_generator(configuration)  # type: ignore[arg-type] # of which it has what is read
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        raise DataError(f"{path}: {STATED}: header: {str(error).splitlines()[0][:200]}") from None
