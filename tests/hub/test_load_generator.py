"""A generator from its weights alone, and what foreign or hostile weights get."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from huggingface_hub import hub_mixin
from safetensors.torch import save_file
from small_project import CONFIGURATION, params
from torch import nn

from selfsparse import load_generator
from selfsparse.config import load_settings
from selfsparse.errors import DataError
from selfsparse.hub.generator import GeneratorConfiguration, TrainedGenerator
from selfsparse.metrics.trained import trained_generator
from selfsparse.models.build import build_generator
from selfsparse.models.sampling import draw_latents, generate

CPU = torch.device("cpu")
RUN = f"results/quick/runs/{CONFIGURATION}/seed0"
NETWORKS = {
    "self_sparse": {"architecture": "dcgan", "generator_widths": [8, 4], "discriminator_widths": [4, 8], "sastm_widths": [8], "position_size": 4},
    "without_csm": {"architecture": "resnet", "generator_widths": [8, 6, 4], "discriminator_widths": [4, 8], "sastm_widths": [8], "position_size": 4},
    "sagan": {"architecture": "sagan", "generator_widths": [8, 4], "discriminator_widths": [4, 8], "attention_size": 8},
}  # fmt: skip


def configuration(model="self_sparse", **changes) -> dict:
    train = {"position_layers": "chain", "sampling_batch_norm": "running"}
    dataset = {"dataset": "digits", "resolution": 16, "channels": 1}
    own = {"name": f"digits-16-{model}", "model": model, "latent_dim": 5, "network": NETWORKS[model]}
    return own | {"train": train, "dataset": dataset} | changes


def untrained(**changes) -> TrainedGenerator:
    built = GeneratorConfiguration.model_validate_json(json.dumps(configuration(**changes)))
    torch.manual_seed(0)
    return TrainedGenerator(built, build_generator(built).eval())


@pytest.fixture(scope="module")
def run(trained):
    """The folder of the run."""
    return trained / RUN


def test_a_trained_runs_images(run):
    settings = load_settings(run.parents[4] / "params.yaml")
    network = trained_generator(settings.configuration(CONFIGURATION), run / "best.safetensors", CPU)
    latents = draw_latents(300, 32, seed=4)
    expected = torch.cat(list(generate(network, latents, 250, CPU, "running")))
    for path in (run, str(run), run / "best.safetensors"):
        generator = load_generator(path)
        images = generator.sample(300, seed=4)
        assert images.dtype == torch.uint8 and images.shape == (300, 1, 16, 16) and torch.equal(images, expected)
        assert not any(module.training for module in generator.modules())
    assert torch.equal(generator(latents[:3]), network(latents[:3]).detach())


def test_the_header_holds_what_shapes_a_run(run):
    """And no more: equal runs give equal files, also on another device or more of them side by side."""
    from safetensors import safe_open

    c = load_settings(run.parents[4] / "params.yaml").configuration(CONFIGURATION)
    with safe_open(run / "best.safetensors", "pt") as file:
        metadata = file.metadata()
    found, expected = json.loads(metadata["configuration"]), c.model_dump(mode="json")
    for name in ("device", "parallel_seeds", "checkpoint_every", "seeds"):
        del expected["train"][name]
    assert list(metadata) == ["configuration"] and found == expected


@pytest.mark.parametrize("mode", ["running", "batch"])
def test_an_image_depends_on_seed_and_number_alone(mode):
    generator = untrained(train={"position_layers": "chain", "sampling_batch_norm": mode})
    many = generator.sample(260, seed=3)
    for n in (1, 7, 250):
        assert (generator.sample(n, seed=3).int() - many[:n].int()).abs().max() <= 1  # rounding, by the batch's size
    assert not torch.equal(generator.sample(7, seed=4), many[:7])
    assert not any(module.training for module in generator.modules())


def test_the_configurations_own_mode_is_used():
    running, batch = (untrained(train={"position_layers": "chain", "sampling_batch_norm": m}) for m in ("running", "batch"))  # fmt: skip
    latents = draw_latents(250, 5, 0)
    expected = torch.cat(list(generate(batch.generator, latents, 250, CPU, "batch")))
    assert torch.equal(batch.sample(250), expected) and not torch.equal(running.sample(250), expected)


def test_how_many():
    for n in (0, -1, 10**7):
        with pytest.raises(ValueError, match="n must be from 1 to 1,000,000"):
            untrained().sample(n)


@pytest.mark.parametrize("model", NETWORKS)
def test_every_architecture_there_and_back(tmp_path, model):
    generator = untrained(model=model)
    generator.save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "model.safetensors"]
    for found in (load_generator(tmp_path), TrainedGenerator.from_pretrained(str(tmp_path))):
        assert found.configuration == generator.configuration and found.card.startswith("---\n")
        assert "Not measured" in found.card and "compare them with nothing" in found.card
        assert torch.equal(found.sample(6), generator.sample(6))
        assert all(not tensor.is_meta for tensor in found.state_dict().values())


def test_a_push_uploads_what_loads_again(tmp_path, monkeypatch):
    """Everything but the wire: the Hub's client is a folder, from which the same calls download."""
    hub = tmp_path / "hub"
    generator = untrained()
    generator.card = "---\nlicense: apache-2.0\n---\n\n# Mine\n"

    def upload_folder(repo_id, folder_path, **options):
        shutil.copytree(folder_path, hub / repo_id)
        return f"hub:{repo_id}"

    made = lambda repo_id, **options: SimpleNamespace(repo_id=repo_id)  # noqa: E731
    client = SimpleNamespace(create_repo=made, upload_folder=upload_folder)
    monkeypatch.setattr(hub_mixin, "HfApi", lambda **options: client)
    assert generator.push_to_hub("me/mine") == "hub:me/mine"
    assert sorted(path.name for path in (hub / "me/mine").iterdir()) == ["README.md", "model.safetensors"]

    def download(repo_id, filename, **options):
        if not (hub / repo_id / filename).is_file():
            raise FileNotFoundError(f"no {filename} in {repo_id}")
        return str(hub / repo_id / filename)

    (hub / "me/mine/config.json").write_text("{}")  # huggingface_hub asks for one first; ours have none
    for module in (hub_mixin, "selfsparse.hub.generator"):
        monkeypatch.setattr(f"{getattr(module, '__name__', module)}.hf_hub_download", download)
    monkeypatch.chdir(tmp_path)
    found = load_generator("me/mine")
    assert found.card.strip() == generator.card.strip() and torch.equal(found.sample(5), generator.sample(5))
    with pytest.raises(
        DataError, match=r"me/yours: no such folder, and not loaded from the Hugging Face Hub: no config"
    ):
        load_generator("me/yours")


# Foreign and hostile weights
STATE = {name: tensor.contiguous() for name, tensor in untrained().generator.state_dict().items()}
WIDE = {"architecture": "dcgan", "generator_widths": [16384] * 9, "discriminator_widths": [4] * 9, "sastm_widths": [16384], "position_size": 64}  # fmt: skip
HOSTILE = {
    "no header": (None, "holds no 'configuration'"),
    "another library's": ({"format": "pt"}, "holds no 'configuration'"),
    "no JSON": ({"configuration": "{"}, "Invalid JSON"),
    "deep JSON": ({"configuration": "[" * 100_000}, "header, configuration"),
    "a list": ({"configuration": "[]"}, "header, configuration"),
    "a missing key": ({"configuration": json.dumps({k: v for k, v in configuration().items() if k != "network"})}, "configuration.network: Field required"),
    "an unknown model": (configuration() | {"model": "diffusion"}, "configuration.model"),
    "a string for a number": (configuration(latent_dim="5"), "configuration.latent_dim"),
    "a negative width": (configuration(network=NETWORKS["self_sparse"] | {"generator_widths": [8, -4]}), "configuration.network.generator_widths.1"),
    "a path for a name": (configuration(name="../../x"), "configuration.name"),
    "hundreds of gigabytes": (configuration(network=WIDE, dataset={"dataset": "digits", "resolution": 1024, "channels": 1}), "not 1024 x 1024"),
    "another resolution": (configuration(dataset={"dataset": "digits", "resolution": 32, "channels": 1}), "not 32 x 32"),
    "an attention that does not fit": (configuration(model="sagan"), "Missing key"),
    "no SASTM where the model has one": (configuration(network=NETWORKS["sagan"]), "self_sparse does not go with architecture sagan"),
    "another width": (configuration(latent_dim=6), r"size mismatch for stages\.0\.deconv\.weight"),
}  # fmt: skip


def test_an_error_that_says_nothing_is_named(tmp_path, monkeypatch):
    class ReadTimeout(Exception):  # as its HTTP client's: of no class of Python's or the library's own
        pass

    def refuse(*arguments, **options):
        raise ReadTimeout

    monkeypatch.setattr(hub_mixin, "hf_hub_download", refuse)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"Hugging Face Hub: ReadTimeout$"):
        load_generator("me/mine")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_images_of_a_network_of_another_type(dtype):
    expected = untrained().sample(4).int()
    generator = untrained().to(dtype)
    assert generator(torch.zeros(1, 5)).dtype == dtype
    difference = (generator.sample(4).int() - expected).abs()
    assert difference.max() <= {torch.float64: 1, torch.float16: 2, torch.bfloat16: 8}[dtype]


def test_a_seed_is_any_whole_number_and_no_other():
    generator = untrained()
    for seed in (np.int64(7), np.uint8(7), torch.tensor(7)):
        assert torch.equal(generator.sample(np.int32(3), seed=seed), generator.sample(3, seed=7))
    with pytest.raises(TypeError, match="float"):
        generator.sample(1, seed=7.0)


class Compiled(nn.Module):
    """The names that torch.compile makes, without its compiler, which takes seconds to import."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._orig_mod = network


BOTH, REALLY = lambda network: nn.DataParallel(Compiled(network)), pytest.param(torch.compile, marks=pytest.mark.slow)


@pytest.mark.parametrize("wrap", [Compiled, nn.DataParallel, BOTH, REALLY])
def test_a_wrapped_network_is_saved_as_it_is_without(tmp_path, wrap):
    generator, plain = untrained(), untrained()
    generator.generator = wrap(generator.generator)
    generator.save_pretrained(tmp_path)
    assert torch.equal(load_generator(tmp_path).sample(3), plain.sample(3))


def test_another_network_is_not_saved(tmp_path):
    generator = untrained()
    generator.generator.stages = generator.generator.stages[:1]
    with pytest.raises(
        DataError, match=r"not written: .*Missing key.*stages\.1\..* put the network that was loaded back"
    ):
        generator.save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", HOSTILE)
def test_foreign_and_hostile_headers(tmp_path, case):
    metadata, message = HOSTILE[case]
    if metadata and "name" in metadata:
        metadata = {"configuration": json.dumps(metadata)}
    path = tmp_path / "model.safetensors"
    save_file(STATE, path, metadata)
    with pytest.raises(DataError, match=message) as caught:
        load_generator(tmp_path)
    text = str(caught.value)
    assert text.startswith(f"{path}: not the weights of a generator of this project") and "\n" not in text
    assert len(text) < 700


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 4096, b"PK\x03\x04" + bytes(100)])
def test_files_that_are_no_safetensors(tmp_path, content):
    (tmp_path / "best.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="not the weights of a generator"):
        load_generator(tmp_path)


@pytest.mark.parametrize(("change", "message"), [("more", r"Unexpected key.*extra"), ("less", "Missing key")])
def test_tensors_that_the_header_does_not_mean(tmp_path, change, message):
    state = STATE | {"extra": torch.zeros(1)} if change == "more" else dict(list(STATE.items())[1:])
    save_file(state, tmp_path / "w.safetensors", {"configuration": json.dumps(configuration())})
    with pytest.raises(DataError, match=message):
        load_generator(tmp_path / "w.safetensors")


def test_nothing_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"results/nothing/here: no such file or folder"):
        load_generator("results/nothing/here")
    with pytest.raises(DataError, match=r"holds neither model\.safetensors .* nor best\.safetensors"):
        load_generator(tmp_path)


def test_every_configuration_has_a_header_that_builds_it():
    """All of params.yaml, on no memory: what a run writes is what loading accepts."""
    for c in load_settings(Path(__file__).resolve().parents[2] / "params.yaml").configurations.values():
        built = GeneratorConfiguration.model_validate_json(c.model_dump_json())
        assert built.name == c.name and built.network == c.network
    assert len(params()["configurations"]) > 50


def test_the_defaults_of_a_program_change_no_image(monkeypatch):
    """torch.set_default_dtype would draw other latents, and on another device there are none of the CPU's seeds."""
    generator = untrained()
    images = generator.sample(3, seed=2)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            again = generator.sample(np.int64(3), seed=2)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)
    assert torch.equal(again, images)


def test_a_card_that_is_no_utf8(tmp_path):
    generator = untrained()
    generator.save_pretrained(tmp_path)
    with open(tmp_path / "README.md", "ab") as card:
        card.write("Gr\xfc\xdfe".encode("latin-1"))
    assert torch.equal(load_generator(tmp_path).sample(2), generator.sample(2))
