"""The models and variations that the project knows, each once, with all that tables and figures need of it."""

from dataclasses import dataclass

from selfsparse.heads import HEADS


@dataclass(frozen=True)
class Model:
    """A model as settings, tables and figures call and draw it.

    Attributes:
        label: its name in tables and legends.
        colour, marker, line: of its curves, for matplotlib. The colours are Okabe and Ito's: told apart by the colour-blind,
            and by marker and line also in print without colour.
    """

    name: str
    label: str
    colour: str
    marker: str
    line: str | tuple

    @property
    def heads(self) -> tuple[bool, bool] | None:
        """Whether its SASTM has a channel head and a position head; None without an SASTM."""
        return HEADS[self.name]


MODELS = {
    model.name: model
    for model in (
        Model("wgan_gp", "WGAN-GP", "#0072B2", "o", "-"),
        Model("self_sparse", "Self-Sparse GAN", "#D55E00", "s", "--"),
        Model("without_psm", "without PSM", "#009E73", "^", "-."),
        Model("without_csm", "without CSM", "#CC79A7", "v", ":"),
        Model("sagan", "SAGAN", "#E69F00", "D", (0, (5, 1, 1, 1, 1, 1))),
    )
}
if MODELS.keys() != HEADS.keys():
    raise ImportError(
        f"a model needs its heads in selfsparse/heads.py, and its looks here: {MODELS.keys() ^ HEADS.keys()}"
    )
BASELINE, SPARSE = "wgan_gp", "self_sparse"  # whose comparison the paper is about
SASTM_MODELS = tuple(name for name, model in MODELS.items() if model.heads)

VARIATIONS = {  # what a name says beyond dataset and model, in words
    "resnet": "ResNet",
    "matched": "as many parameters",
    "one_centred": "penalty centred at 1",
    "penalty_10": "penalty weight 10",
    "pytorch_initialisation": "PyTorch's initialisation",
    "batch_statistics": "batch statistics when sampling",
}


def variation_label(rest: str) -> str:
    """Return a variation in words: `betas 0, 0.9` for `betas_0_09`."""
    if rest.startswith("betas_"):
        betas = rest.removeprefix("betas_").split("_")
        return "betas " + ", ".join(beta if beta == "0" else f"0.{beta.removeprefix('0')}" for beta in betas)
    return VARIATIONS.get(rest, rest.replace("_", " "))
