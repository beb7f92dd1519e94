"""Where every file of the project lies, relative to the project's root."""

from pathlib import Path


def project_root() -> Path:
    """Return the nearest folder at or above the current one that holds params.yaml and dvc.yaml.

    Elsewhere (a notebook server started outside, say) it is the checkout that this package was installed from.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    return Path(__file__).resolve().parents[1]


def workspace_root() -> Path:
    """Return the folder that a user's relative places count from: the project's root, or the one that it is a copy of.

    `dvc exp run --temp` and `dvc queue start` run stages in a copy below `.dvc/tmp/exps`, which they delete afterwards.
    """
    root = project_root()
    return next((folder.parents[2] for folder in root.parents if folder.match(".dvc/tmp/exps")), root)


def packed_dir(dataset: str) -> Path:
    """Return the folder of a packed dataset `<dataset>-<resolution>`: images.npy, labels.npy, manifest.json."""
    return project_root() / "data" / "packed" / dataset


def extractor_dir(extractor: str) -> Path:
    """Return the folder of a feature extractor `<dataset>-<resolution>-<extractor>`."""
    return project_root() / "data" / "extractors" / extractor


def reference_dir(extractor: str) -> Path:
    """Return the folder with the statistics of the real images under a feature extractor."""
    return project_root() / "data" / "references" / extractor


# Beside the suites: notebooks on the paper itself, below notebooks/paper_audit/, and what they show.
PAPER_AUDIT = "paper_audit"


def suite_dir(suite: str) -> Path:
    """Return `results/<suite>`; a suite's, or that of PAPER_AUDIT."""
    return project_root() / "results" / suite


def result_dir(suite: str, kind: str, configuration: str) -> Path:
    """Return the folder of one configuration's `runs`, `fid` or `sparsity`."""
    return suite_dir(suite) / kind / configuration


def provenance_file(suite: str, configuration: str) -> Path:
    """Return where it is noted when, where and from which commit a configuration was trained; git holds it, DVC does not."""
    return suite_dir(suite) / "provenance" / f"{configuration}.json"


def latency_file(suite: str, configuration: str) -> Path:
    """Return the file of the times of a configuration's smaller generators; git holds it, DVC does not."""
    return suite_dir(suite) / "latency" / f"{configuration}.csv"


def staging_dir(kind: str, configuration: str) -> Path:
    """Return the folder in which a stage gathers what it makes for a configuration's `runs`, `fid` or `sparsity`."""
    return project_root() / ".checkpoints" / f"{configuration}.{kind}"


def checkpoint_dir(configuration: str) -> Path:
    """Return the folder that a configuration's interrupted runs resume from; git and DVC ignore it."""
    return project_root() / ".checkpoints" / configuration
