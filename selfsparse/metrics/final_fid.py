"""FID, KID, precision and recall of one configuration's trained generators, each run's once."""

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn

from selfsparse.code import code_hashes
from selfsparse.config import Configuration, Settings
from selfsparse.device import one_thread
from selfsparse.errors import DataError
from selfsparse.files import atomic_path, hash_file
from selfsparse.kept_seeds import KeptSeeds
from selfsparse.made_from import flatten, note
from selfsparse.metrics.extractors import load_extractor
from selfsparse.metrics.generated import first_images, measure_fid, tile
from selfsparse.metrics.kid import kernel_distance
from selfsparse.metrics.measure import load_generator, measure_shape, read_csv, read_run, write_csv
from selfsparse.metrics.precision_recall import precision_recall
from selfsparse.metrics.reference import Reference, load_reference
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
    shape = measure_shape(configuration, seed, device, ("best", "last")) | code_hashes(CODE)
    shape |= flatten({"fid": settings.fid_of[configuration.suite].model_dump(mode="json")})
    for kind, folder in (("extractor", extractor_dir), ("reference", reference_dir)):
        found = folder(configuration.extractor_key)
        if not found.is_dir():
            raise DataError(f"{found} is missing; make it with: dvc repro -s {kind}@{found.name}")
        paths = (path for path in sorted(found.iterdir()) if not path.name.endswith(".partial"))
        shape |= {f"{kind} {path.name}": hash_file(path) for path in paths}
    return shape


@one_thread()
def measure_configuration_fid(settings: Settings, configuration: Configuration, device: torch.device) -> None:
    """Write fid.csv and samples.png: each seed's best and last generator, with fresh latents, at both sample counts.

    A seed that was measured from the same weights is not measured again. A run that diverged has no rows; run.json says that
    it did.
    """
    seeds = configuration.train.seeds
    kept = KeptSeeds(configuration, "fid", {seed: fid_shape(settings, configuration, seed, device) for seed in seeds})
    print(kept.describe("measures FIDs of"), flush=True)
    measure_fids(settings, configuration, device, kept)
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        found = read_csv(kept.there(seed) / "fid.csv")
        if found and not rows:
            with atomic_path(kept.staging / "samples.png") as partial:
                shutil.copyfile(kept.there(seed) / "samples.png", partial)
        rows += found
    write_csv(kept.staging / "fid.csv", columns(FidRow), rows)
    kept.finish()
    for row in rows:
        print(
            f"{configuration.name} seed {row['seed']} {row['generator']}: FID {float(row['fid']):.4f}"
            f" ({int(row['n_fake']):,} generated, {int(row['n_real']):,} real)"
        )


def measure_fids(settings: Settings, configuration: Configuration, device: torch.device, kept: KeptSeeds) -> None:
    """Write the folders of the seeds that have to be measured, each with made_from.json, which vouches for it."""
    if not kept.reasons:
        return
    images = sum(configuration.extractor.samples) * len(kept.reasons)  # as many again where best is not last
    extractor = load_extractor(settings, extractor_dir(configuration.extractor_key), device, images)
    references = [load_reference(reference_dir(configuration.extractor_key), size) for size in ("small", "large")]
    for seed in kept.reasons:
        folder, rows = kept.path(seed), []
        run, run_dir = read_run(configuration, seed)
        if run["status"] == "finished":
            generator = load_generator(configuration, run_dir / "best.safetensors", device)
            _write_sheet(settings, configuration, generator, device, folder / "samples.png")
            measures = [_measure(settings, configuration, generator, extractor, r, device) for r in references]
            rows += [{"seed": seed, "generator": "best", **values} for values in measures]
            if run["best_step"] != run["steps"]:
                generator = load_generator(configuration, run_dir / "last.safetensors", device)
                measures = [_measure(settings, configuration, generator, extractor, r, device) for r in references]
            rows += [{"seed": seed, "generator": "last", **values} for values in measures]
        write_csv(folder / "fid.csv", columns(FidRow), rows)
        note(folder, kept.shapes[seed])


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
