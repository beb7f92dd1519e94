"""What each stage is made from besides data: its settings, resolved, and a hash of its code, as files that DVC can depend on.

DVC cannot tell which settings a suite shows, which of several readers a dataset goes through, or that an edit changed
comments alone. So the stage `inputs`, which runs each time, writes data/inputs/<stage>/<name>.json, and every other stage
depends on its own file: it runs again when what stands there changes, and at no other edit.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from selfsparse.code import REMEMBERED, code_hashes, remember
from selfsparse.config import Configuration, Settings
from selfsparse.data.registry import DATASETS
from selfsparse.files import hash_file, to_json, write_text
from selfsparse.paths import project_root, suite_dir

# How fast and on how many processors at a time a run is made, and how often it is saved: of no influence on a number.
NOT_SHAPING = {"parallel_seeds", "checkpoint_every"}
OF_DATASETS, OF_EXTRACTORS, OF_CONFIGURATIONS = ("data",), ("extractor", "reference"), ("train", "measure")
OF_THE_PAPER, ALL = ("paper_audit",), "all"  # a stage that there is once
OF_SUITES = ("correlation", "summary", "generators", "verdicts", "notebook", "report")


def inputs_of(settings: Settings, stage: str, name: str) -> dict[str, Any]:
    """Return what a stage is made from: `settings`, the values that it may read, and `code`, a hash of each file.

    Args:
        stage: `train`, as in dvc.yaml.
        name: what stands behind its @: a dataset, an extractor, a configuration or a suite; `all` where nothing does.
    """
    own = [DATASETS[settings.dataset(name).dataset].reader] if stage in OF_DATASETS else []
    code = code_hashes(stage, *(f"selfsparse/data/{reader}.py" for reader in own))
    found = {"settings": _settings_of(settings, stage, name), "code": code}
    if stage == "notebook":  # which reads results of other suites too
        others = dict.fromkeys(c.suite for c in _others(settings, name))
        files = (path for other in others for path in sorted((suite_dir(other) / "summary").glob("*.*")))
        found["summaries"] = {path.relative_to(project_root()).as_posix(): hash_file(path) for path in files}
    return found


def inputs_md5(settings: Settings, stage: str, name: str) -> str:
    """Return the md5 of data/inputs/<stage>/<name>.json as it would be written now: dvc.lock has that of the last run."""
    return hashlib.md5(to_json(inputs_of(settings, stage, name)).encode()).hexdigest()


def write_inputs(settings: Settings, folder: Path) -> None:
    """Write <folder>/<stage>/<name>.json for every stage; files of stages that are no more go."""
    written = set()
    for stage, name in _stages(settings):
        path, text = folder / stage / f"{name}.json", to_json(inputs_of(settings, stage, name))
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
        written.add(path)
    for old in set(folder.glob("*/*")) - written:
        old.unlink()
    remember(project_root() / REMEMBERED)


def _stages(settings: Settings) -> Iterator[tuple[str, str]]:
    names: tuple[tuple[tuple[str, ...], Iterable[str]], ...] = (
        (OF_DATASETS, settings.datasets),
        (OF_EXTRACTORS, settings.extractors),
        (OF_CONFIGURATIONS, settings.configurations),
        (OF_SUITES, settings.suites),
        (OF_THE_PAPER, (ALL,)),
    )
    return ((stage, name) for stages, of in names for stage in stages for name in of)


def _settings_of(settings: Settings, stage: str, name: str) -> dict[str, Any]:
    if stage in OF_DATASETS:
        dataset = settings.dataset(name)
        source = getattr(settings.sources, dataset.dataset).model_dump(mode="json", exclude={"download"})
        found, known = {"dataset": dataset.model_dump(mode="json"), "source": source}, DATASETS[dataset.dataset]
        return found | ({"declared": [known.title, known.count, known.facts]} if known.facts else {})
    if stage in OF_EXTRACTORS:
        extractor = settings.extractor(name).model_dump(mode="json")
        if stage == "reference":
            fid = settings.fid.model_dump(mode="json", include={"batch_size", "precision"})
            return {"extractor": extractor, "real_images": settings.real_images.model_dump(mode="json"), "fid": fid}
        del extractor["samples"]
        if extractor["extractor"] == "inception":
            names = ("inception_weights", "inception_custom")
            return {"extractor": extractor, **{name: getattr(settings, name) for name in names}}
        training = settings.classifier_training(extractor["extractor"])
        return {"extractor": extractor, "training": training.model_dump(mode="json")}
    if stage in OF_CONFIGURATIONS:
        c = settings.configuration(name)
        shown = c.model_dump(mode="json", exclude={"train": NOT_SHAPING, "source": True})
        return {"configuration": shown, **_measuring(settings, stage, c)}
    if stage in OF_THE_PAPER:
        return _networks(settings)
    return _settings_of_suite(settings, stage, name)


def _networks(settings: Settings) -> dict[str, Any]:
    """Every network, and what of a configuration shapes its own."""
    whole: dict[str, Any] = dict.fromkeys(("suite", "model", "network_name", "network", "latent_dim"), True)
    read = whole | {"dataset": {"dataset", "resolution", "channels"}, "train": {"position_layers"}}
    configurations = {name: c.model_dump(mode="json", include=read) for name, c in settings.configurations.items()}
    networks = {name: network.model_dump(mode="json") for name, network in settings.networks.items()}
    return {"networks": networks, "configurations": configurations}


def _measuring(settings: Settings, stage: str, c: Configuration) -> dict[str, Any]:
    """What a stage of a configuration reads of the settings of the final measures."""
    if stage == "train":
        # Under running statistics an image does not depend on those beside it (U18), nor its FID on how many pass at a time.
        read = {"precision", "batch_size"} if c.train.sampling_batch_norm == "batch" else {"precision"}
        return {"fid": settings.fid.model_dump(mode="json", include=read)}
    return {
        "fid": settings.fid_of[c.suite].model_dump(mode="json"),
        "sparsity": settings.sparsity.model_dump(mode="json", exclude={"counted_stages"}),
    }


def _settings_of_suite(settings: Settings, stage: str, suite: str) -> dict[str, Any]:
    shown = [*settings.suite(suite), *(_others(settings, suite) if stage == "notebook" else ())]
    hidden: dict[str, Any] = {"train": NOT_SHAPING, "source": {"download"}}
    values: dict[str, Any] = {
        "configurations": {c.name: c.model_dump(mode="json", exclude=hidden) for c in shown},
        "sparsity": {"counted_stages": settings.sparsity.counted_stages},
    }
    if stage in ("summary", "notebook", "report"):
        values["figures"] = settings.figures[suite]
    if stage in ("notebook", "report"):
        values["decide"] = settings.decide.model_dump(mode="json")
    if stage == "notebook":
        values["sources"] = settings.sources.model_dump(mode="json", exclude={key: {"download"} for key in DATASETS})
    return values


def _others(settings: Settings, suite: str) -> list[Configuration]:
    """The configurations of other suites that a suite's notebooks show: what controls stand against."""
    keys = {c.extractor_key for c in settings.suite(suite)}
    return [c for c in settings.configurations.values() if c.suite != suite and c.extractor_key in keys]
