"""What the audit finds, in words: what is printed, what we computed, what follows, what does not, what nobody can know.

Every number comes from the tables of audit.py. A finding's verdict is on the printed numbers alone, never on the method.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from IPython.display import Markdown

from selfsparse.analysis import audit
from selfsparse.analysis.table import Table
from selfsparse.analysis.tables import table_of
from selfsparse.paper.printed import text_number
from selfsparse.results.comparability import paper_moments
from selfsparse.results.text import count, interval, number, p_value, probability, short
from selfsparse.statistics.correlation import correlation_difference
from selfsparse.statistics.inference import LEVEL, sign_test

FOLLOWS, PARTLY, NOT = "follows", "follows in part", "does not follow"


@dataclass(frozen=True)
class Finding:
    """One question to the printed numbers, and its answer."""

    question: str
    claims: tuple[str, ...]
    verdict: str
    printed: str
    computed: str
    follows: str
    does_not: str
    unknown: str


def percentages() -> Finding:
    """Do the printed percentages follow from the printed FIDs?"""
    table = audit.percentages().data
    rounded, cut = int(table["rounds_to_printed"].sum()), int(table["cuts_off_to_printed"].sum())
    may_round, may_cut = int(table["unrounded_may_round"].sum()), int(table["unrounded_may_cut_off"].sum())
    off = (table["printed_percent"] - table["recomputed_percent"]).abs().max()
    ends = [number(text_number(f"{end}_decrease_percent")) for end in ("smallest", "largest")]
    possible = bool((table["unrounded_may_round"] | table["unrounded_may_cut_off"]).all())
    return Finding(
        "Do the printed percentages follow from the printed FIDs?",
        ("C2",),
        FOLLOWS if possible else PARTLY,
        f"{len(table)} percentages, among them the range from {ends[0]} % to {ends[1]} %.",
        f"From the printed FIDs, {rounded} are reached by rounding and {cut} by cutting off; none is more than "
        f"{number(off)} away. FIDs before rounding could give {may_round} by rounding and {may_cut} by cutting off.",
        "All are within what the rounding of the FIDs explains, and the two ends are those of the 12 cells.",
        "That a percentage was computed wrongly: no difference is larger than rounding allows.",
        "The FIDs before rounding, and whether the authors rounded or cut off.",
    )


def growth() -> Finding:
    """Does the gain grow with the resolution?"""
    table = audit.growth().data
    named = table[table["named_by_the_paper"]]
    changes = "; ".join(f"{r.dataset_label}: {number(r.change)}" for r in _labelled(table).itertuples())
    grows = int((table["change"] > 0).sum())
    p = " and ".join(probability(x) for x in named["p_one_sided"])
    return Finding(
        "Does the gain grow with the resolution?",
        ("C4",),
        FOLLOWS if (named["change"] > 0).all() else NOT,
        "That it does from 64 × 64 to 128 × 128 on CelebA-HQ and LSUN bedrooms.",
        f"Change of the relative decrease in percentage points, from the lower to the higher resolution: {changes}.",
        f"The growth on the two datasets that the paper names (one-sided p {p}, from three trainings each).",
        f"A general rule, which the paper does not state either: the gain grows on {grows} of the {len(table)} datasets "
        "that have two resolutions.",
        "Whether the resolution is the cause: the networks have one more stage at the higher one.",
    )


def _labelled(table):
    labels = {pair.lower.split("-")[0]: pair.label.rsplit(" ", 3)[0] for pair in audit.main_pairs().values()}
    return table.assign(dataset_label=table["dataset"].map(labels))


def significance() -> Finding:
    """Is the lower FID more than chance, cell by cell?"""
    table = audit.significance().data
    below = {name: int((table[name] < LEVEL).sum()) for name in table if name.startswith("p")}
    kept = " and ".join(table.loc[table["p_holm"] < LEVEL, "comparison"])
    lower = int((table["difference"] < 0).sum())
    celeba = table.set_index("comparison").loc["CelebA-HQ 64 × 64"]
    other = sum((table["p_if_ddof_0"] < LEVEL) != (table["p"] < LEVEL))
    return Finding(
        "Is the lower FID more than chance, cell by cell?",
        ("C1", "C3", "C6"),
        FOLLOWS if below["p_holm"] == len(table) else PARTLY,
        f"Mean and standard deviation of {int(text_number('trainings'))} trainings in {len(table)} cells; no test. "
        "Of CelebA-HQ at 64 × 64, that the gain is not significant.",
        f"Welch's t test: p < {LEVEL} in {below['p']} of {len(table)} cells, and in {below['p_holm']} after Holm's "
        f"correction ({kept}). One-sided, the reading kindest to the claim: {below['p_one_sided']}, and "
        f"{below['p_one_sided_holm']} after correction. If the printed ± divides by n: {below['p_if_ddof_0']} and "
        f"{below['p_holm_if_ddof_0']}.",
        f"The mean is lower in {lower} of {len(table)} cells. On CelebA-HQ at 64 × 64, {p_value(celeba['p'])}: "
        "that the gain there is not significant.",
        "That Self-Sparse GAN is better in every single cell: three trainings do not carry that. Nor does it follow that "
        "it is not better: all differences point one way.",
        f"Whether ± divides by n or by n − 1, which changes the answer in {other} of the cells; whether the seeds of "
        "both models were paired; and how much the choice of the best of many FIDs per training adds.",
    )


def others() -> Finding:
    """Do the ablations and the ResNet say what the text says?"""
    table = audit.other_comparisons().data.set_index("comparison")
    psm, stl = table.loc["STL-10 64, PSM only"], table.loc["STL-10 64, CSM only"]
    resnet, csm = table.loc["STL-10 64, ResNet"], table.loc["Fashion-MNIST 128, CSM only"]
    both = table[table.index.str.contains("both modules")]
    return Finding(
        "Do the ablations and the ResNet bear out the text?",
        ("C11", "C12", "C13", "C16"),
        PARTLY,
        "That both modules together improve significantly, that the position module alone may not function well, that "
        "the channel module alone may lack generation power, and that the method is robust to the architecture.",
        f"Both modules against the channel module alone: p = {' and '.join(probability(p) for p in both['p'])}. The "
        f"position module alone against WGAN-GP on STL-10: {number(-psm['difference'])} higher, {p_value(psm['p'])}. "
        f"The channel module alone on Fashion-MNIST: {number(-csm['difference'])} higher, {p_value(csm['p'])}. "
        f"ResNet: {number(-resnet['difference'])} lower, {p_value(resnet['p'])}.",
        "Both modules together have the lowest mean on both datasets and with both architectures. On Fashion-MNIST, the "
        "position module alone fails beyond doubt.",
        "On STL-10, that the position module alone is worse than no module, or that the channel module alone lacks power: "
        f"its mean is {number(-stl['difference'])} below WGAN-GP's. With the ResNet, that the gain is more than the spread "
        "of the trainings.",
        "Whether the failure on Fashion-MNIST is the module's or that of its initial values, which are not printed; by the "
        f"small spread ({number(paper_moments('fashion_mnist-128-without_csm').std)}), all trainings failed alike.",
    )


def sagan() -> Finding:
    """Is Self-Sparse GAN better than SAGAN?"""
    table = audit.other_comparisons().data.set_index("comparison")
    celeba, sketch = table.loc["CelebA-HQ 128, SAGAN"], table.loc["Sketch 128, SAGAN"]
    order = table.loc["Sketch 128, WGAN-GP and SAGAN"]
    lowest = (table.loc[["CelebA-HQ 128, SAGAN", "Sketch 128, SAGAN", "Sketch 128"], "difference"] < 0).all()
    return Finding(
        "Is Self-Sparse GAN better than WGAN-GP and SAGAN?",
        ("C41", "C44"),
        FOLLOWS if lowest else NOT,
        "Its FID is the lowest of the three on CelebA-HQ and on Sketch.",
        f"Against SAGAN: {p_value(celeba['p'])} on CelebA-HQ, {probability(sketch['p'])} on Sketch. On Sketch, "
        f"SAGAN lies {number(-order['difference'])} above WGAN-GP ({p_value(order['p'])}).",
        "The order of the means on both datasets.",
        "That the method is better than SAGAN in general: on Sketch this SAGAN is no better than the baseline.",
        "How SAGAN was built and trained: layers, loss, learning rates and steps are not printed, nor is Sketch published.",
    )


def power() -> Finding:
    """Are three trainings enough?"""
    table = audit.power_table().data
    weak = int((table["power_3"] < 0.8).sum())
    return Finding(
        "Are three trainings enough?",
        (),
        PARTLY,
        "Three trainings in every cell.",
        f"Were the printed means and standard deviations the true ones, Welch's test at n = 3 would have a power between "
        f"{number(table['power_3'].min())} and {number(table['power_3'].max())}, below 0.80 in {weak} of {len(table)} "
        f"cells. Reaching 0.80 takes {count(table['runs_80'].min())} to {count(table['runs_80'].max())} trainings.",
        f"In {len(table) - weak} cells three are enough; "
        f"{count(table['runs_80'].max())} would be in all, one cell at a time.",
        "That a cell without significance has no effect: at n = 3 a true effect of this size is often missed.",
        "The true spread: a standard deviation of three values is itself uncertain by a factor of about "
        f"{short(_spread_factor(3))} upwards at 95 %.",
    )


def _spread_factor(n: int) -> float:
    """Return the upper 95 % limit of a standard deviation over its estimate from n values."""
    from scipy.special import chdtri

    return float(((n - 1) / chdtri(n - 1, 0.975)) ** 0.5)


def spread() -> Finding:
    """Does the method stabilise training?"""
    table = audit.spread().data
    larger = int((table["larger"] == "Self-Sparse GAN").sum())
    p = sign_test(larger, len(table))
    relative = int((table["self_sparse_percent"] > table["wgan_gp_percent"]).sum())
    return Finding(
        "Does the method stabilise training?",
        ("C7",),
        FOLLOWS if p < LEVEL and 2 * larger < len(table) else NOT,
        "That it does; no measure of stability is printed but the standard deviations across seeds.",
        f"The standard deviation is larger for Self-Sparse GAN in {larger} of {len(table)} cells (sign test, p = "
        f"{probability(p)}), relative to the mean in {relative}.",
        "Nothing on stability: the printed spreads go more often against the claim than with it.",
        "That the method stabilises; nor that it destabilises, as the sign test shows no direction either.",
        "What the authors mean by stable. If it is the course of a curve, or how many trainings fail, nothing is printed.",
    )


def coefficients() -> Finding:
    """Are the printed correlation coefficients right?"""
    table = audit.correlation_table().data.dropna(subset=["paper_r"])
    off = (table["paper_r"] - table["r"]).abs().max()
    return Finding(
        "Are the printed correlation coefficients right?",
        ("C36", "C37", "C38"),
        FOLLOWS if off <= 0.005 and audit.ordered() else NOT,
        f"Pearson's r of {' and '.join(number(r) for r in table['paper_r'])}, and that a larger sparsity goes with a "
        "larger reduction but for two exceptions.",
        f"r = {' and '.join(number(r, 3) for r in table['r'])} from the printed pairs, four each.",
        "Both coefficients, and the order: without the two exceptions it holds, with them it does not.",
        "That the order is a finding: three pairs in each group, left after taking one out of four, agree by chance in "
        "one of 36 cases, and which ones to take out was seen in the same data.",
        "Which trainings, checkpoints and latents the sparsity was measured on.",
    )


def correlation() -> Finding:
    """Does the correlation validate the module?"""
    found = audit.correlations()
    low, high, pooled, combined = found["64"], found["128"], found["all"], found["combined"]
    z, p = correlation_difference(low, high)
    needed = audit.correlation_table().data.set_index("pairs_of")["pairs_80"]
    return Finding(
        "Does the correlation rise with the resolution, and validate the module?",
        ("C39", "C40"),
        FOLLOWS if p < LEVEL and combined.p < LEVEL else NOT,
        "That it rises with the resolution, and that a positive correlation validates the module.",
        f"With four pairs each: p = {number(low.p)} and {number(high.p)}, 95 % intervals {interval(low.low, low.high)} and "
        f"{interval(high.low, high.high)}. Difference of Fisher's z: {number(z)}, one-sided p = {number(p)}. All eight "
        f"pairs in one: r = {number(pooled.r)}, p = {number(pooled.p)}. Both combined, each with a level of its own, "
        f"the reading kindest to the claim: r = {number(combined.r)}, p = {number(combined.p)}.",
        "Both printed coefficients are positive.",
        "That sparsity and gain are correlated at all beyond these pairs, that the correlation rises, or that it "
        "validates the module: a correlation over datasets says nothing of a cause.",
        f"The true correlation. Were it the printed one, {count(needed['64'])} and {count(needed['128'])} pairs would "
        "find it with a power of 80 %. The pairs also differ in the module's layers and in z (U52).",
    )


def samples() -> Finding:
    """Do 50K samples change the picture on STL-10?"""
    table = audit.samples_table().data
    few, many, drop, main = (table.iloc[i] for i in range(4))
    return Finding(
        "Do 50K samples change the picture on STL-10?",
        ("C8", "C9", "C45"),
        FOLLOWS if many["self_sparse"] < many["wgan_gp"] and few["self_sparse"] < few["wgan_gp"] else NOT,
        "One FID of each model by 5,000 and by 50,000 samples, without a standard deviation.",
        f"Relative decrease {number(few['decrease_percent'])} % and {number(many['decrease_percent'])} %; drops of "
        f"{number(drop['wgan_gp'])} and {number(drop['self_sparse'])}. By 5K the table prints "
        f"{number(few['self_sparse'])}, the main table {number(main['self_sparse'])} for the same cell.",
        "The order of the models is the same by both counts, on this one dataset.",
        "That 5K samples are a usable proxy elsewhere: one dataset and two models.",
        "Whether 50K is one training or a mean, of which checkpoint, and against how many real images, so no test is "
        "possible; and which of the two FIDs by 5K is the right one.",
    )


def baseline() -> Finding:
    """Is the baseline as good as published?"""
    table = audit.baseline_table().data
    few, many, other = (table.iloc[i] for i in range(3))
    reported = number(other["fid"], 1)
    return Finding(
        "Is the baseline as good as another paper's?",
        ("C10",),
        FOLLOWS if many["fid"] < other["fid"] else NOT,
        f"That {number(few['fid'])} is smaller than {reported}, owing to 5K samples at 64 × 64 against 50K at 48 × 48, and that "
        f"{number(many['fid'])} by 50K shows that the baseline is not lowered.",
        f"{number(few['fid'])} − {reported} = {number(few['above_the_other'])}: it is larger, as the explanation that follows it "
        f"presupposes. {number(many['fid'])} − {reported} = {number(many['above_the_other'])}.",
        f'{number(many["fid"])} is smaller than {reported}. Taking "smaller" as a slip for "larger", the passage is in itself '
        "consistent.",
        f"That the baseline is as good as that of the other paper; what speaks against it is no number of this paper. {reported} stands in Table 2 of the SN-GAN paper (Miyato et "
        "al., reference [12]), whose appendix measures by 5,000 generated images; [36] repeats it. Then it belongs beside "
        f"{number(few['fid'])}, which is larger.",
        "What one would get at 48 × 48, or the other at 64 × 64: FIDs at two resolutions have no common scale. [36] may have "
        "measured anew by 50K.",
    )


def betas() -> Finding:
    """Is the method robust to Adam's betas?"""
    table = audit.betas_table().data.set_index("what")
    gains, moves = table.filter(like="gain", axis=0), table.filter(like="move", axis=0)
    moved_less = audit.betas_interaction()
    sparse, wgan = (moves.loc[f"move of {model} between the pairs"] for model in ("Self-Sparse GAN", "WGAN-GP"))
    return Finding(
        "Is the method robust to Adam's betas?",
        ("C15",),
        FOLLOWS if (gains["p"] < LEVEL).all() else PARTLY,
        "FIDs of both models under two pairs of betas on STL-10.",
        f"Gains of {' and '.join(number(x) for x in gains['difference'])} (p = "
        f"{' and '.join(probability(p) for p in gains['p'])}); between the pairs, Self-Sparse GAN moves by "
        f"{number(sparse['difference'])} ({p_value(sparse['p'])}) and WGAN-GP by {number(wgan['difference'])} "
        f"({p_value(wgan['p'])}). The difference of the two moves has {p_value(moved_less)}.",
        "Self-Sparse GAN is better under both pairs on this dataset.",
        "That it moves less between the pairs: its mean does, and the difference of the moves is not significant. Robustness to "
        "betas in general: two pairs, one dataset.",
        "Which pair the main table has. The section on settings gives STL-10 betas 0.5 and 0.999, while the table of betas "
        "puts the main table's FIDs beside 0 and 0.9 (U6). The order of the models is the same either way.",
    )


def parameters() -> Finding:
    """Does the module reduce the network's parameters?"""
    table = audit.parameters_table().data
    more = int((table["added"] > table["without"]).sum())
    low, high = table["added_percent"].min(), table["added_percent"].max()
    return Finding(
        "Does the module reduce the network's parameters?",
        ("C19",),
        NOT,
        "That sparse feature maps reduce the network's parameters; no number of parameters is printed.",
        f"In the networks of the appendix as we build them, the module adds {number(low, 0)} % to {number(high, 0)} % to "
        f"the generator of WGAN-GP; in {more} of {len(table)} it has more parameters than that whole generator.",
        "Kernels of channels that are zero for every latent could be left out, if there are any.",
        "A smaller network: the module is needed to generate, and where it is larger than the baseline's generator, no "
        "number of free kernels makes up for it. The models are compared at different sizes.",
        "How many channels were zero in the authors' networks; and the module's exact size, as layers of its position "
        "head are not printed (U21) and f may be shared by the stages (U20).",
    )


FINDINGS: dict[str, Callable[[], Finding]] = {
    f.__name__: f
    for f in (
        percentages, growth, significance, power, others, sagan, spread, samples, baseline, betas, coefficients,
        correlation, parameters,
    )
}  # fmt: skip


@cache
def finding(name: str) -> Finding:
    """Return a finding by its name; a claim with the rule computed_from_print names one."""
    return FINDINGS[name]()


def shown(name: str) -> Markdown:
    """Return a finding as the notebook shows it."""
    found = finding(name)
    about = f" ({', '.join(found.claims)})" if found.claims else ""
    lines = {
        "Printed": found.printed,
        "Computed": found.computed,
        "Follows": found.follows,
        "Does not follow": found.does_not,
        "Cannot be known": found.unknown,
    }
    text = [f"**{found.question}** From the printed numbers it **{found.verdict}**{about}."]
    return Markdown("\n".join([*text, "", *(f"- **{name}.** {line}" for name, line in lines.items())]))


def findings_table() -> Table:
    """Every question with its verdict, in the notebook's order."""
    rows = []
    for name in FINDINGS:
        found = finding(name)
        data = {"finding": name, "question": found.question, "claims": " ".join(found.claims), "verdict": found.verdict}
        text = {"Question": found.question, "Claims": ", ".join(found.claims) or "–", "From the print": found.verdict}
        rows.append((data, text))
    return table_of(rows, ([], []), "What the printed numbers carry. The verdict is on the print, not on the method.")
