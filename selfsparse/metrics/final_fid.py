"""FID, KID, precision and recall of one configuration's trained generators, each run's once."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from selfsparse.code import code_hashes
from selfsparse.config import Configuration, Settings
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, hash_file, write_csv
from selfsparse.made_from import flatten
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.final import FinalMeasure
from selfsparse.metrics.generated import first_images, measure_fid, tile
from selfsparse.metrics.kid import kernel_distance
from selfsparse.metrics.precision_recall import precision_recall
from selfsparse.metrics.reference import Reference, load_reference
from selfsparse.metrics.trained import read_run, run_shape, trained_generator
from selfsparse.models.sampling import draw_latents
from selfsparse.paths import extractor_dir, reference_dir
from selfsparse.results.rows import FidRow, columns

SHEET_SIDE = 8
CODE = "selfsparse/metrics/final_fid.py"


def fid_shape(settings: Settings, configuration: Configuration, seed: int, device: torch.device) -> dict[str, Any]:
    """Return everything that shapes the FIDs of a run, as a flat dictionary of plain values.

    Raises:
        DataError: the run, the extractor or the references are missing.
    """
    shape = run_shape(configuration, seed, device, ("best", "last")) | code_hashes(CODE)
    shape |= flatten({"fid": settings.fid_of[configuration.suite].model_dump(mode="json")})
    for kind, folder in (("extractor", extractor_dir), ("reference", reference_dir)):
        found = folder(configuration.extractor_key)
        if not found.is_dir():
            raise DataError(f"{found} is missing; make it with: dvc repro -s {kind}@{found.name}")
        paths = (path for path in sorted(found.iterdir()) if not path.name.endswith(".partial"))
        shape |= {f"{kind} {path.name}": hash_file(path) for path in paths}
    return shape


def write_fids(settings: Settings, configuration: Configuration, seed: int, device: torch.device, folder: Path) -> None:
    """Write fid.csv and samples.png: a run's best and last generator, with fresh latents, at both sample counts.

    A run that diverged has no rows; run.json says that it did.
    """
    run, run_dir = read_run(configuration, seed)
    rows: list[dict[str, Any]] = []
    if run["status"] == "finished":
        extractor = load_extractor(settings, extractor_dir(configuration.extractor_key), device)
        references = [load_reference(reference_dir(configuration.extractor_key), size) for size in ("small", "large")]
        generator = trained_generator(configuration, run_dir / "best.safetensors", device)
        _write_sheet(settings, configuration, generator, device, folder / "samples.png")
        found = [_measure(settings, configuration, generator, extractor, r, device) for r in references]
        rows += [{"seed": seed, "generator": "best", **values} for values in found]
        if run["best_step"] != run["steps"]:
            generator = trained_generator(configuration, run_dir / "last.safetensors", device)
            found = [_measure(settings, configuration, generator, extractor, r, device) for r in references]
        rows += [{"seed": seed, "generator": "last", **values} for values in found]
    write_csv(folder / "fid.csv", columns(FidRow), rows)


def _measure(
    settings: Settings,
    configuration: Configuration,
    generator: nn.Module,
    extractor: nn.Module,
    reference: Reference,
    device: torch.device,
) -> dict[str, float | int | None]:
    latents = draw_latents(reference.wanted, configuration.latent_dim, settings.fid.latent_seed)
    fid, features = measure_fid(
        generator,
        latents,
        extractor,
        reference,
        settings.fid.batch_size,
        device,
        configuration.train.sampling_batch_norm,
    )
    measures: dict[str, float | None] = dict.fromkeys(("kid", "kid_std", "precision", "recall"))
    if features is not None:
        real, fid_settings = torch.from_numpy(reference.features), settings.fid_of[configuration.suite]
        measures["kid"], measures["kid_std"] = kernel_distance(
            real, features, fid_settings.kid_subsets, fid_settings.kid_subset_size, fid_settings.latent_seed
        )
        measures["precision"], measures["recall"] = precision_recall(real, features)
    return {"n_fake": reference.wanted, "n_real": reference.gaussian.count, "fid": fid, **measures}


def _write_sheet(
    settings: Settings, configuration: Configuration, generator: nn.Module, device: torch.device, path: Path
) -> None:
    count, batch_size = SHEET_SIDE**2, settings.fid.batch_size
    latents = draw_latents(max(count, batch_size), configuration.latent_dim, settings.fid.latent_seed)
    batch_norm = configuration.train.sampling_batch_norm
    images = first_images(generator, latents, count, batch_size, device, batch_norm)
    with atomic_path(path) as partial:
        tile(images, SHEET_SIDE).save(partial, format="PNG")


def _line(row: dict[str, str]) -> str:
    counts = f"{int(row['n_fake']):,} generated, {int(row['n_real']):,} real"
    return f" {row['generator']}: FID {float(row['fid']):.4f} ({counts})"


FIDS = FinalMeasure("fid", fid_shape, write_fids, {"fid": columns(FidRow)}, "samples.png", ("fid", _line))
