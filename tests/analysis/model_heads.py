"""The heads that each model has, as the paper says: alpha (a), beta (b)."""

HEADS = {"wgan_gp": "", "self_sparse": "ab", "without_psm": "a", "without_csm": "b"}
