"""Which heads of the SASTM each model has: all of a model that shapes its numbers. How it is shown is in registry.py."""

# (channel head, position head); None: no SASTM (Table 4 of v1, U28).
HEADS = {
    "wgan_gp": None,
    "self_sparse": (True, True),
    "without_psm": (True, False),
    "without_csm": (False, True),
    "sagan": None,
}
