"""table_ablation: FIDs with both modules, with one, and without (v2 Table 3), and each model against another."""

from selfsparse.analysis.comparisons import Comparison, among, comparison_table
from selfsparse.analysis.style import Drawing
from selfsparse.analysis.table import Table
from selfsparse.analysis.table_fid import fid_overview, labelled_fids
from selfsparse.config import Configuration
from selfsparse.registry import BASELINE, SASTM_MODELS, SPARSE
from selfsparse.results.reading import Results

ABLATIONS = tuple(model for model in SASTM_MODELS if model != SPARSE)
# The model with the lower FID first, as printed for both datasets of v1's Table 4 (C11, C12). WGAN-GP against the channel
# module alone is not among them: the paper has it both ways (C13).
PRINTED_STEPS = ((SPARSE, "without_psm"), ("without_psm", "without_csm"), (BASELINE, "without_csm"))


def ablated(results: Results) -> list[Configuration]:
    """Return the configurations of all groups in which a module is left out."""
    groups = results.groups().values()
    return [c for group in groups if any(c.model in ABLATIONS for c in group) for c in group]


def belongs(results: Results) -> bool:
    """Whether a suite has anything for this notebook: a module left out."""
    return bool(ablated(results))


def ablation_table(results: Results) -> Table:
    """The FIDs with both modules, with one, and without."""
    return labelled_fids(results, ablated(results), "Ablation")


def ablation_comparisons(results: Results) -> list[Comparison]:
    """Return what the ablation sets against each other: both modules against one, and each model against WGAN-GP."""
    wanted = [(SPARSE, BASELINE), (SPARSE, "without_psm"), (SPARSE, "without_csm"), ("without_psm", "without_csm")]
    wanted += [("without_psm", BASELINE), (BASELINE, "without_csm")]  # C12; of the first the paper has both ways
    own = {c.name for c in ablated(results)}
    return [p for p in among(results, wanted) if p.lower.name in own]


def tests_table(results: Results) -> Table:
    """Each model that is set against another, with its test."""
    return comparison_table(results, ablation_comparisons(results), "Ablation")


def ablation_figure(results: Results) -> list[Drawing]:
    """Every run's lowest FID of the groups in which a module is left out."""
    return fid_overview(results, ablated(results), "ablation")
