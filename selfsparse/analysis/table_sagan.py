"""table_sagan: FIDs on drawings (v2 Table 9), and SAGAN beside both models (v2 Table 10)."""

from selfsparse.analysis.comparisons import SKETCHES, Comparison, among, comparison_table, pairs
from selfsparse.analysis.table import Table
from selfsparse.analysis.table_fid import labelled_fids
from selfsparse.config import Configuration
from selfsparse.data.registry import DATASETS
from selfsparse.paper import paper_moments
from selfsparse.registry import BASELINE, SPARSE
from selfsparse.results.reading import Results

ORDER = (BASELINE, "sagan", SPARSE)


def sketches(results: Results) -> list[Configuration]:
    """Return the configurations on drawings: the paper's Sketch, or its substitute under a name of its own."""
    return [c for c in results.configurations if c.dataset.dataset in SKETCHES]


def belongs(results: Results) -> bool:
    """Whether a suite has anything for this notebook: drawings, or SAGAN."""
    return bool(sketches(results) or sagan_groups(results))


def sketch_table(results: Results) -> Table:
    """FIDs on drawings."""
    names = dict.fromkeys(DATASETS[c.dataset.dataset].title for c in sketches(results))
    return labelled_fids(results, sketches(results), " and ".join(names) or "Sketch")


def sketch_tests_table(results: Results) -> Table:
    """WGAN-GP and Self-Sparse GAN on drawings, with their test."""
    return comparison_table(results, [p for p in pairs(results) if p.lower.dataset.dataset in SKETCHES], "Drawings")


def sagan_groups(results: Results) -> list[list[Configuration]]:
    """Return the groups that hold SAGAN."""
    return [group for group in results.groups().values() if any(c.model == "sagan" for c in group)]


def sagan_table(results: Results) -> Table:
    """FIDs of WGAN-GP, SAGAN and Self-Sparse GAN."""
    rows = [
        c
        for group in sagan_groups(results)
        for c in sorted((c for c in group if c.model in ORDER), key=lambda c: ORDER.index(c.model))
    ]
    return labelled_fids(results, rows, "WGAN-GP, SAGAN and Self-Sparse GAN")


def sagan_comparisons(results: Results) -> list[Comparison]:
    """Return Self-Sparse GAN against both others, and WGAN-GP and SAGAN in the order that the paper prints."""
    own = {c.name for group in sagan_groups(results) for c in group}
    wanted = [(SPARSE, BASELINE), (SPARSE, "sagan"), (BASELINE, "sagan"), ("sagan", BASELINE)]

    def as_printed(p: Comparison) -> bool:
        if SPARSE in p.models:
            return True
        printed = {c.model: paper_moments(c.name).mean for c in p.both}
        return (printed[BASELINE] < printed["sagan"]) == (p.lower.model == BASELINE)

    return [p for p in among(results, wanted) if p.lower.name in own and as_printed(p)]


def sagan_tests_table(results: Results) -> Table:
    """The three models against each other, with their tests."""
    return comparison_table(results, sagan_comparisons(results), "SAGAN")
