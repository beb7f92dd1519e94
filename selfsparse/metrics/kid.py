"""The kernel inception distance: unbiased, so fair between sample counts; torch-fidelity's own function."""

import torch
from torch import Tensor


def kernel_distance(real: Tensor, generated: Tensor, subsets: int, subset_size: int, seed: int) -> tuple[float, float]:
    """KID of features (N, D) and (M, D): mean and standard deviation over random subsets, in float64.

    Subsets are at most half as large as the smaller set, or their standard deviation would say nothing.
    """
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

    result = kid_features_to_metric(
        real.to(torch.float64),
        generated.to(torch.float64),
        kid_subsets=subsets,
        kid_subset_size=min(subset_size, max(2, min(len(real), len(generated)) // 2)),
        rng_seed=seed,
        verbose=False,
    )
    return float(result[KEY_METRIC_KID_MEAN]), float(result[KEY_METRIC_KID_STD])
