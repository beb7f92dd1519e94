"""params.yaml: what is read, in which order settings resolve, and what a mistake is answered with."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from small_project import REMOVED, ROOT, params, write_project

from selfsparse.config import load_settings
from selfsparse.errors import SettingsError


@pytest.fixture
def refuse(tmp_path):
    """Return the message that changed settings are refused with."""

    def refusal(changes: dict) -> str:
        return message_of(write_project(tmp_path, changes) / "params.yaml")

    return refusal


def message_of(path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert len(message.splitlines()) <= 6
    assert "Traceback" not in message and "pydantic" not in message and "https://" not in message
    error = caught.value  # nothing of pydantic's or YAML's own is printed with it
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)
    return message


def test_the_repositorys_settings_load():
    settings = load_settings(ROOT / "params.yaml")
    raw = params()
    assert settings.configurations.keys() >= raw["configurations"].keys()
    assert settings.suites == tuple(raw["suites"])
    full = settings.configuration("mnist-32-self_sparse")
    # The paper's own values, Sec. 4.2: 100K steps, two discriminator steps, rates 1e-4 and 3e-4, an FID every 500.
    assert (full.train.steps, full.train.discriminator_steps, full.train.evaluate_every) == (100_000, 2, 500)
    assert (full.train.generator_lr, full.train.discriminator_lr) == (1e-4, 3e-4)
    assert full.train.device == "cuda" and full.extractor.samples == (5000, 50000)
    assert (full.dataset_key, full.extractor_key) == ("mnist-32", "mnist-32-inception")


def test_order_of_resolution(tmp_path):
    # train says steps 1000 and batch 64; the suite changes both, one configuration changes the batch again.
    changes = {
        "train.steps": 1000,
        "train.snapshot_every": 1000,
        "train.batch_size": 64,
        "train.threads": 7,
        "suites.quick.train": {"steps": 200, "batch_size": 32, "evaluate_every": 40, "snapshot_every": 40},
        "configurations.digits-16-wgan_gp.train": {"batch_size": 16},
    }
    settings = load_settings(write_project(tmp_path, changes) / "params.yaml")
    changed, other = (settings.configuration(f"digits-16-{model}").train for model in ("wgan_gp", "self_sparse"))
    assert (changed.threads, changed.steps, changed.batch_size) == (7, 200, 16)
    assert (other.threads, other.steps, other.batch_size) == (7, 200, 32)
    paper = settings.configuration("mnist-32-wgan_gp").train
    assert (paper.threads, paper.steps, paper.batch_size) == (7, 1000, 64)


def test_a_suite_may_have_its_own_subsets_of_kid(tmp_path):
    changes = {"fid.kid_subset_size": 400, "suites.quick.fid": {"kid_subset_size": 60}, "fid.batch_size": 70}
    settings = load_settings(write_project(tmp_path, changes) / "params.yaml")
    assert (settings.fid_of["quick"].kid_subset_size, settings.fid_of["quick"].batch_size) == (60, 70)
    assert settings.fid_of["laptop"] == settings.fid and settings.fid.kid_subset_size == 400


def test_what_else_a_configuration_knows():
    """What is read of its dataset, and what its architecture needs."""
    settings = load_settings(ROOT / "params.yaml")
    c = settings.configuration("cifar10-128-self_sparse")
    assert c.source == settings.sources.cifar10 and (c.source.download, c.source.split) == (True, "all")
    assert (c.network.sastm_widths, c.network.position_size, c.network.attention_size) == ((1024, 512), 16, None)
    assert c.model_dump()["source"] == {"download": True, "split": "all"}  # all of it, as a run's fingerprint needs
    sagan = settings.configuration("celeba_hq-128-sagan").network
    assert (sagan.attention_size, sagan.sastm_widths, sagan.position_size) == (32, None, None)
    assert (settings.real_images.count, settings.real_images.seed) == ("matched", 0)
    assert settings.sources.lsun_bedroom.images == 303125 and settings.inception_weights is None
    # The variables that the paper leaves open have their stated choices.
    train = c.train
    assert (train.penalty_centre, train.loss, train.initialisation) == (0, "wasserstein", "dcgan")
    assert (train.position_layers, train.sampling_batch_norm) == ("chain", "running")


def test_settings_are_frozen():
    settings = load_settings(ROOT / "params.yaml")
    c = settings.configuration("digits-16-wgan_gp")
    for thing, field in ((settings, "raw_data"), (c, "name"), (c.train, "steps"), (c.network, "position_size")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(thing, field, getattr(thing, field))
    assert isinstance(c.train.betas, tuple) and isinstance(c.train.seeds, tuple)


def test_numbers_as_dvc_reads_them(tmp_path):
    write_project(tmp_path)
    text = json.dumps(params()).replace('"generator_lr": 0.0001', '"generator_lr": 1e-4', 1)
    assert "1e-4" in text
    (tmp_path / "params.yaml").write_text(text)
    assert load_settings(tmp_path / "params.yaml").configuration("mnist-32-wgan_gp").train.generator_lr == 1e-4


def leaves(values: dict, prefix: str = "") -> Iterator[str]:
    """The dotted keys that must be there: all but the optional deltas of suites and configurations, and `crop`."""
    for key, value in values.items():
        path = prefix + key
        if (path.startswith("suites.") and path.count(".") >= 2) or path.endswith((".train", ".crop")):
            continue
        if isinstance(value, dict) and value:
            yield from leaves(value, path + ".")
        elif not path.startswith("suites."):
            yield path


def one_of_each(values: dict) -> list[str]:
    """Of the rows of a table, which are alike, the first that has each key; of networks, the first per architecture."""
    found: dict[tuple, str] = {}
    for path in leaves(values):
        section, *rest = path.split(".")
        kind = values["networks"][rest[0]]["architecture"] if section == "networks" else ""
        alike = section in ("networks", "datasets", "extractors", "configurations")
        found.setdefault((section, kind, *rest[1:]) if alike else (path,), path)
    return list(found.values())


@pytest.mark.parametrize("key", one_of_each(params()))
def test_no_default_hides_in_code(key, refuse):
    # One configuration is enough, and reads faster: the leaf's own, or the first.
    name = key.split(".")[1] if key.startswith("configurations.") else "digits-16-wgan_gp"
    one = {"configurations": {name: params()["configurations"][name]}}
    message = refuse({**one, key: REMOVED})
    section, network, last = (*key.split("."), "", "")[:3]
    if section == "networks" and last in ("sastm_widths", "position_size", "attention_size"):
        # Which of them a network has depends on its architecture.
        architecture = params()["networks"][network]["architecture"]
        assert message == f"params.yaml: networks.{network}: {last} is missing; architecture {architecture} needs it"
    else:
        assert message == f"params.yaml: {key}: missing"


def test_the_crop_is_the_middle_unless_something_else_is_said(tmp_path):
    """It means nothing where images are square, so most rows leave it out."""
    settings = load_settings(write_project(tmp_path, {"datasets.sketch-128.crop": "squash"}) / "params.yaml")
    assert (settings.dataset("mnist-32").crop, settings.dataset("sketch-128").crop) == ("centre", "squash")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"suites.quick.train.stepz": 1}, "suites.quick.train.stepz: unknown key | did you mean steps"),
        (
            {"configurations.digits-16-wgan_gp.train": {"beta": [0.0, 0.9]}},
            "configurations.digits-16-wgan_gp.train.beta: unknown key | did you mean betas",
        ),
        ({"fidd": {}}, "fidd: unknown key | did you mean fid"),
        ({"train.steps": "many"}, "train.steps: | integer | 'many'"),
        ({"train.steps": True}, "train.steps: | integer | True"),
        ({"train.betas": [0.5]}, "train.betas.1: missing"),
        ({"sources.cifar10.split": "test"}, "sources.cifar10.split: | 'all' or 'train' | 'test'"),
        ({"sources.lsun_bedroom.images": "some"}, "sources.lsun_bedroom.images | 'all' | 'some'"),
        ({"lenet.validation_share": 0.9}, "lenet.validation_share: | less than 0.9"),
        ({"train.loss": "hing"}, "train.loss: | 'wasserstein' or 'hinge' | did you mean hinge"),
        ({"train.penalty_centre": True}, "train.penalty_centre: expected a whole number, found True"),
        ({"datasets.photos-16.channels": 1.0}, "datasets.photos-16.channels: expected a whole number, found 1.0"),
        ({"train.steps": 0}, "train.steps: | greater than 0 | found 0"),
        ({"train.seeds": [4, 4]}, "train | [4, 4] | twice"),
        (
            {"suites.quick.train": {"steps": 80, "evaluate_every": 100, "snapshot_every": 100}},
            "suites.quick.train | snapshot_every (100) is more than steps (80) | evaluate_every",
        ),
        (
            {"suites.quick.fid.kid_subset_size": 251},
            "fid.kid_subset_size for suite quick: 251 | half of the 500 images of extractors.digits-16-lenet.samples",
        ),
        (
            {"fid.kid_subset_size": 2501},
            "fid.kid_subset_size for suite laptop: 2501 | extractors.mnist-32-lenet.samples | suites.laptop.fid",
        ),
        (
            {"fid.batch_size": 501, "suites.quick.train.sampling_batch_norm": "batch"},
            "fid.batch_size: 501 is more than the 500 images | sampling_batch_norm",
        ),
        ({"suites.quick.train.snapshot_every": 41}, "suites.quick.train | snapshot_every (41) | evaluate_every"),
        (
            {"configurations.digits-16-wgan_gp.dataset": "digit"},
            "configurations.digits-16-wgan_gp | 'digit-16' | did you mean digits-16",
        ),
        (
            {"datasets.digits-16": REMOVED},
            "no dataset | 'digits-16' | configurations.digits-16-wgan_gp.dataset | datasets has photos-16",
        ),
        (
            {"configurations.digits-16-wgan_gp.suite": "qick"},
            "configurations.digits-16-wgan_gp.suite | 'qick' | did you mean quick",
        ),
        (
            {"configurations.digits-16-wgan_gp.extractor": "inception"},
            "configurations.digits-16-wgan_gp.extractor | 'digits-16-inception'",
        ),
        (
            {"configurations.digits-16-wgan_gp.model": "self_sparse"},
            "configurations.digits-16-wgan_gp: | expected a name | digits-16-self_sparse",
        ),
        (
            {"configurations.digits-16-wgan_gp.network": "A1"},
            "configurations.digits-16-wgan_gp.network: | 32 x 32 | 16 x 16",
        ),
        (
            {"extractors.digits-16-lenet.resolution": 32},
            "extractors.digits-16-lenet: expected the name digits-32-lenet",
        ),
        ({"datasets.digits-16.border": 8}, "datasets.digits-16.border: | 16 pixels"),
        ({"decide.looks": [5, 101]}, "decide.looks.1 | 100 | 101"),  # a run more than there are seeds
        ({"extractors.digits-16-lenet.samples": [500, 500]}, "extractors.digits-16-lenet | [500, 500]"),
        (
            {"networks.A1.discriminator_widths": [64]},
            "networks.A1: dcgan with 1 discriminator_widths | 8 x 8 | needs 1 generator_widths, found 3",
        ),
        (
            {"networks.T6.generator_widths": [512, 256, 128, 64]},
            "networks.T6: resnet with 4 discriminator_widths | 64 x 64 | needs 5 generator_widths, found 4",
        ),
        (
            {"networks.C2_sagan.attention_size": 24},
            "networks.C2_sagan: attention_size (24) | the size of a stage: [4, 8, 16, 32, 64]",
        ),
        (
            {"networks.C2_sagan.sastm_widths": [256]},
            "networks.C2_sagan: sastm_widths does not belong to architecture sagan",
        ),
        ({"networks.A1.attention_size": 8}, "networks.A1: attention_size does not belong to architecture dcgan"),
        (
            {"configurations.celeba_hq-128-sagan.network": "C2"},
            "configurations.celeba_hq-128-sagan.network: model sagan does not go with architecture dcgan of C2",
        ),
        ({"suites": {"qui.ck": {}}}, "suites.qui.ck: expected a name of lower-case letters, digits, '_'"),
        ({"networks.tiny-16x": {}}, "networks.tiny-16x: expected a name of letters, digits and '_' only"),
        (
            {"suites.Full": {}},
            "suites.Full: expected a name of lower-case letters, digits, '_' and, between them, '-' only",
        ),
        (
            {"raw_data": "data\x1braw"},
            r"raw_data: expected the path of a file or folder without control characters, found 'data\x1braw'",
        ),
        ({"networks.A1.position_size": 12}, "networks.A1 | position_size (12) | power of two"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_named(changes, parts, refuse):
    message = refuse(changes)
    assert message.startswith("params.yaml: ")
    assert not [part for part in parts.split(" | ") if part not in message]


@pytest.mark.parametrize(
    ("first", "second", "label"),
    [
        ("digits-16-self_sparse", "digits-16-self_sparse-quick", ""),  # summary.json leaves the suite out
        ("digits-16-self_sparse-wide", "digits-16-self_sparse-wide-quick", "wide"),
        ("digits-16-self_sparse-wide-quick", "digits-16-self_sparse-quick-wide", "wide"),
        ("digits-16-self_sparse-betas_0_09", "digits-16-self_sparse-betas_0_9", "betas 0, 0.9"),  # words of tables
        ("digits-16-self_sparse-penalty_10", "digits-16-self_sparse-penalty_weight_10", "penalty weight 10"),
        ("digits-16-self_sparse-a_b", "digits-16-self_sparse-a__b", "a b"),  # HTML shows several spaces as one
    ],
)
def test_configurations_that_outputs_call_by_one_name(first, second, label, tmp_path):
    row = params()["configurations"]["digits-16-self_sparse"]
    message = message_of(_with_rows(tmp_path, {first: row, second: row}))
    assert f"configurations.{second}: outputs of suite quick cannot tell it from configurations.{first}" in message
    assert f"'{label}'" in message and "rename" in message


def test_configurations_of_two_suites_may_share_a_name(tmp_path):
    row = params()["configurations"]["digits-16-self_sparse"]
    other = {
        "configurations.digits-16-self_sparse-laptop": row | {"suite": "laptop"},
        "suites.laptop.fid": {"kid_subset_size": 100},
    }
    write_project(tmp_path, other)
    assert "digits-16-self_sparse-laptop" in load_settings(tmp_path / "params.yaml").configurations


def _with_rows(folder: Path, rows: dict) -> Path:
    return write_project(folder, {f"configurations.{name}": row for name, row in rows.items()}) / "params.yaml"


@pytest.mark.parametrize("text", ["", "3", "[1]", "train: [", "a: b: c", "\x00", "train: *none"])
def test_not_a_settings_file(text, tmp_path):
    (tmp_path / "params.yaml").write_text(text)
    assert message_of(tmp_path / "params.yaml").startswith("params.yaml: ")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    assert message_of(tmp_path / "params.yaml").startswith("params.yaml: not readable")


def test_no_settings_file(tmp_path):
    assert "no such file" in message_of(tmp_path / "params.yaml")


def test_many_mistakes_at_once(refuse):
    message = refuse({f"train.{key}": "x" for key in params()["train"]}).splitlines()
    assert len(message) == 6 and message[-1] == f"... and {len(params()['train']) - 5} more"


@pytest.mark.parametrize(
    ("method", "typo", "near"),
    [
        ("configuration", "digits-16-self_spare", "digits-16-self_sparse"),
        ("dataset", "digit-16", "digits-16"),
        ("extractor", "digits-16-lenett", "digits-16-lenet"),
        ("suite", "qick", "quick"),
    ],
)
def test_near_spellings(method, typo, near):
    settings = load_settings(ROOT / "params.yaml")
    with pytest.raises(SettingsError) as caught:
        getattr(settings, method)(typo)
    assert f"'{typo}' (did you mean {near}" in str(caught.value)


def test_a_suite_without_configurations_is_checked_too(refuse):
    # Nobody's settings resolve through it yet; a misspelt key in it is a mistake all the same.
    assert "suites.mine.train.stepz" in refuse({"suites.mine": {"train": {"stepz": 3}}})
