"""What the report shows: every table and figure of the paper in the paper's order, then what the paper lacks.

Captions are in our words. Numbers are those of the journal version, where it has the table or figure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from IPython.display import Markdown

from selfsparse.analysis import (
    comparison_sentences,
    mechanism_sentences,
    sensitivity_tables,
    sentences,
    training,
)
from selfsparse.results.reading import Results


@dataclass(frozen=True)
class Item:
    """One section of the report.

    Attributes:
        id: its anchor on the page.
        paper: what of the paper it regenerates; "" for what the paper lacks.
        notebook: the notebook that saved the tables and figures, and that tells the rest.
        tables: names of tables to show, without suffix, in this order.
        figures: patterns of figures to show, likewise; one that begins with "!" leaves out.
        claims: the claims whose verdicts rest on this section.
        says: functions that say in words what was measured.
        figures_first: whether the figures stand above the tables.
    """

    id: str
    paper: str
    title: str
    caption: str
    notebook: str
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    says: tuple[Callable[[Results], Markdown], ...] = ()
    figures_first: bool = False


PAPER = (
    Item(
        "figures-1-to-3",
        "Figures 1 to 3",
        "The generator and its sparse transform",
        "Where the module (SASTM) stands in the generator, how its two heads make α for every channel and β for every"
        " position, and what passes between the layers of one stage. Drawn from the networks as they are built.",
        "table_architectures",
        figures=("generator-A3", "sastm-A3", "stage-A3"),
        claims=("C26", "C27"),
    ),
    Item(
        "section-2-2",
        "Section 2.2",
        "What the module is said to do, measured",
        "The paper proves or argues three roles: fewer kernels to search, fewer gradients lost behind batch norm"
        " (Eq. 11 and 12), deconvolution weights that are less often negative. Here each is measured during training.",
        "figure_mechanism",
        tables=("kernels",),
        figures=("equation_12", "zero_gradients-*", "weights-*", "dead_channels-*"),
        claims=("C21", "C22", "C23", "C24", "C25"),
        says=(mechanism_sentences.kernels,),
        figures_first=True,
    ),
    Item(
        "table-1",
        "Table 1",
        "Datasets and resolutions",
        "The datasets of the paper with their sizes of images, beside those that this suite trains on.",
        "table_resolutions",
        tables=("resolutions",),
        says=(comparison_sentences.resolutions,),
    ),
    Item(
        "table-2",
        "Table 2",
        "FID of every configuration",
        "The main result: the lowest FID of each training, mean and standard deviation of three, with and without the"
        " module. The paper has no test; the second table adds one for every pair.",
        "table_fid",
        tables=("fid", "fid_decrease"),
        figures=("fid",),
        claims=("C1", "C2", "C3", "C4", "C6"),
        says=(sentences.fid,),
    ),
    Item(
        "figure-4",
        "Figure 4",
        "FID over training",
        "FID against generator steps, mean of the trainings and each of them, or from five on a 95 % band; and how many"
        " steps it takes to reach the baseline's best FID.",
        "figure_fid_curves",
        tables=("steps",),
        figures=("fid_curves", "steps_to_baseline"),
        claims=("C5",),
        says=(comparison_sentences.steps,),
        figures_first=True,
    ),
    Item(
        "table-3-of-v1",
        "Table 3 of the first version",
        "FID by two sample counts",
        "The same generators measured by the smaller and by the larger count of images. The journal version leaves this"
        " table out.",
        "table_samples",
        tables=("samples",),
        claims=("C8", "C9", "C45"),
        says=(comparison_sentences.samples,),
    ),
    Item(
        "table-3",
        "Table 3",
        "Ablation",
        "FID with both heads of the module, without the position head (PSM), without the channel head (CSM), and with"
        " neither.",
        "table_ablation",
        tables=("ablation", "ablation_tests"),
        figures=("ablation",),
        claims=("C11", "C12", "C13"),
        says=(sentences.ablation,),
    ),
    Item(
        "figure-5",
        "Figure 5",
        "Feature maps of the channel head alone",
        "Maps behind the module with the channel head alone, above those with both heads. Grey is exactly zero.",
        "figure_feature_maps",
        figures=("csm_alone*",),
        claims=("C14",),
        says=(sentences.csm_alone,),
    ),
    Item(
        "table-4",
        "Table 4",
        "Adam's betas",
        "Both models under two pairs of betas of the optimiser.",
        "table_robustness",
        tables=("betas", "betas_tests", "betas_moves"),
        claims=("C15",),
    ),
    Item(
        "table-7",
        "Table 7",
        "DCGAN and ResNet",
        "Both models in two architectures.",
        "table_robustness",
        tables=("architectures", "architectures_tests"),
        claims=("C16",),
    ),
    Item(
        "figure-6",
        "Figure 6",
        "Feature maps before and behind the module",
        "Maps of every stage of WGAN-GP and of the models with the module, before and behind it, with the α and β that"
        " make the difference. Grey is exactly zero.",
        "figure_feature_maps",
        figures=("*", "!csm_alone*"),
        claims=("C17", "C18"),
        says=(sentences.feature_maps,),
    ),
    Item(
        "figure-7",
        "Figure 7",
        "Signs of α and β over training (Hypothesis 1)",
        "The paper shows that maps which are zero stay zero. Here the changes between zero and above zero are counted, and"
        " α and β of one latent are shown at every snapshot.",
        "figure_mechanism",
        figures=("signs-*", "coefficients-*"),
        claims=("C20",),
        says=(mechanism_sentences.signs,),
    ),
    Item(
        "table-8",
        "Table 8",
        "Sparsity and FID reduction",
        "Mean sparsity ξ̄ of the module's output beside the relative reduction of FID, with Pearson's r between the two.",
        "table_sparsity",
        tables=("sparsity", "pearson"),
        figures=("reduction", "stages"),
        claims=("C28", "C29", "C30", "C31", "C32", "C33", "C34", "C35", "C36", "C37", "C38", "C39", "C40"),
        says=(sentences.sparsity,),
    ),
    Item(
        "table-9",
        "Table 9",
        "Sketch",
        "FID on architectural drawings. The paper's were never published; drawings of another origin go by another name.",
        "table_sagan",
        tables=("sketch",),
        claims=("C41", "C43"),
    ),
    Item(
        "figure-8",
        "Figure 8",
        "Generated images side by side",
        "The paper shows sketches of both models. Here is a sheet for every configuration, of latents that nobody picked.",
        "figure_samples",
        figures=("samples-*",),
        claims=("C42",),
        says=(sentences.samples,),
    ),
    Item(
        "table-10",
        "Table 10",
        "SAGAN",
        "FID of SAGAN beside both models.",
        "table_sagan",
        tables=("sagan", "sagan_tests"),
        claims=("C44",),
    ),
    Item(
        "appendix",
        "Tables 5, 6 and A1 to D4",
        "Networks, layer by layer",
        "Every row that the paper prints about a network, against the network as it is built. The notebook has all of the"
        " tables.",
        "table_architectures",
        tables=("agreement",),
    ),
)

BEYOND = (
    Item(
        "sensitivity",
        "",
        "Would another reading flip the main claim?",
        "What the paper leaves open, changed one at a time for both models, and the comparison of their FIDs made again.",
        "table_sensitivity",
        tables=("sensitivity", "sensitivity_moves"),
        figures=("sensitivity",),
        says=(sensitivity_tables.seen,),
        figures_first=True,
    ),
    Item(
        "audit",
        "",
        "The paper's own arithmetic",
        "What follows from the printed numbers, and what does not, before anything is trained: the same for every suite.",
        "audit",
        tables=("findings",),
        figures=("decreases", "power", "sparsity"),
        claims=("C7", "C10"),
    ),
    Item(
        "other-measures",
        "",
        "FID with fresh latents, KID, precision and recall",
        "The lowest of many noisy FIDs is too low, so that best and last generators are measured again; and three other"
        " measures from the same features.",
        "table_fid",
        tables=("fid_three", "quality"),
        says=(comparison_sentences.biases, comparison_sentences.quality),
    ),
    Item(
        "controls",
        "",
        "Controls",
        "A baseline with as many parameters as the model with the module, and both models under the other gradient penalty.",
        "table_robustness",
        tables=("matched", "penalty"),
    ),
    Item(
        "compact",
        "",
        "What sparsity buys",
        "Channels that are zero for every latent are taken out of the trained generators: what is left, and whether it"
        " still makes the same images.",
        "table_compact",
        tables=("models", "dead", "generators"),
        claims=("C19",),
    ),
    Item(
        "training",
        "",
        "Losses and gradient norms",
        "What the paper does not print: whether training is stable, seen from the losses and the norms of the gradients.",
        "figure_training",
        tables=("losses",),
        figures=("losses-*", "gradient_norms-*"),
        says=(training.seen,),
        figures_first=True,
    ),
)

VERDICTS = "verdicts"  # the notebook that every claim's verdict is told in


def in_order(notebooks: Iterable[str]) -> list[str]:
    """Return names of notebooks in the order of the report: the verdicts, what it shows, and any other."""
    order = [VERDICTS, *(item.notebook for item in (*PAPER, *BEYOND))]
    return sorted(notebooks, key=lambda name: (order.index(name) if name in order else len(order), name))
