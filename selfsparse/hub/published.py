"""The generators that git holds, so that there is one to draw from before any training: results/<suite>/generators/."""

import shutil

from selfsparse.analysis.comparisons import main_pairs
from selfsparse.errors import DataError
from selfsparse.hub.export import export_run
from selfsparse.paths import suite_dir
from selfsparse.results.reading import load_results


def publish(suite: str) -> None:
    """Write the best generators of a suite's main pairs, a model folder with its card each: results/<suite>/generators/<name>/.

    Of a configuration's runs it is the one with the lowest primary outcome (`Results.primary`).

    Raises:
        DataError: no run of these pairs has been measured, or its weights are not on this disk.
    """
    results, folder, written = load_results(suite), suite_dir(suite) / "generators", set()
    for c in (c for pair in main_pairs(results) for c in pair.both):
        fids = results.primary(c)
        if len(fids):
            export_run(c, int(results.fid.loc[fids.idxmin(), "seed"]), "best", folder / c.name, chosen_from=len(fids))
            written.add(c.name)
    if not written:
        raise DataError(
            f"{suite}: no run of its main pairs has been measured; make them with: dvc repro summary@{suite}"
        )
    for old in folder.iterdir():
        if old.name not in written:
            shutil.rmtree(old)
