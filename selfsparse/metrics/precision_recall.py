"""Precision and recall of generated images by nearest neighbours (Kynkäänniemi et al., 2019): torch-fidelity's own function."""

import torch
from torch import Tensor

NEIGHBOURS = 3  # as its authors take, and torch-fidelity by default
WHOLE = 10_000  # most features whose distances are held in memory all at once


def precision_recall(real: Tensor, generated: Tensor) -> tuple[float, float]:
    """Share of generated features (M, D) among the real ones (N, D), and of real ones among the generated ones.

    A feature lies among others where it is no farther from one of them than that one's third nearest neighbour. Both
    shares depend on N and M. In float64, as rounding would part a feature from its own copy.
    """
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

    result = prc_features_to_metric(
        generated.to(torch.float64),
        real.to(torch.float64),
        prc_neighborhood=min(NEIGHBOURS, len(real) - 1, len(generated) - 1),
        prc_batch_size=WHOLE,
        save_cpu_ram=max(len(real), len(generated)) > WHOLE,
        verbose=False,
    )
    return float(result[KEY_METRIC_PRECISION]), float(result[KEY_METRIC_RECALL])
