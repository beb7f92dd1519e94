"""The proofs hold on the library as it is, and each falls with the code that it is about."""

import math

import pytest
import torch
from small_project import ROOT
from torch import Tensor, nn

from selfsparse.config import load_settings
from selfsparse.models import SASTM, dcgan
from selfsparse.models.dcgan import GeneratorStage
from selfsparse.models.sastm import recombine
from selfsparse.paper import proofs
from selfsparse.paper.proofs import C, Proof, make_stage, prove, run, shifted
from selfsparse.results.reading import load_results
from selfsparse.verdicts.judging import all_verdicts, metrics

CLAIMS = ["C21", "C22", "C26", "C27"]
SETTINGS = load_settings(ROOT / "params.yaml")
PAPER = SETTINGS.suite("paper")


def failing(*claims: str) -> set[str]:
    return {claim for claim in claims or ("C21", "C22", "C26") if not prove(claim, PAPER).holds}


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_proof_holds(claim):
    found = prove(claim, PAPER)
    assert found.holds and found.compared > 20
    assert found.deviation <= 1e-14 if claim in ("C22", "C26") else found.deviation == found.tolerance == 0


@pytest.mark.parametrize("suite", SETTINGS.suites)
def test_only_the_generator_changes_in_every_suite(suite):
    found = prove("C27", SETTINGS.suite(suite))
    assert found.holds and found.compared >= 2


def test_without_networks_nothing_is_proven():
    assert not prove("C27").holds and prove("C27").where == "nothing to compare"


def test_a_proof_leaves_the_global_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    failing(*CLAIMS)
    assert torch.equal(torch.rand(3), expected)


def test_what_the_proofs_look_at_is_not_empty():
    """Maps with zeros and without, of both signs; gates open and shut: else a formula could hold by having nothing to say."""
    for stage in (make_stage(kernel=1), make_stage(), make_stage(first=True)):
        p = run(stage)
        assert (p.alpha == 0).any() and (p.alpha > 0).any() and (p.beta == 0).any() and (p.beta > 0).any()
        assert (p.x > 0).any() and (p.x < 0).any() and (p.y > 0).any() and (p.y == 0).any()
        assert ((p.x == 0).sum((0, 2, 3)) > 0).any()


def test_equation_11_by_hand():
    # xi = 1/2 and mu~ = 4, so s = x - 2; a channel of zeros stays.
    x = torch.tensor([[0.0, 0.0, 3.0, 5.0], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64).reshape(1, 2, 2, 2)
    assert shifted(x).flatten(2).tolist() == [[[-2.0, -2.0, 1.0, 3.0], [0.0, 0.0, 0.0, 0.0]]]


# The library changed


def as_product(h: Tensor, alpha: Tensor | None, beta: Tensor | None) -> Tensor:
    """Eq. 3 with x in place of +."""
    if beta is None:
        return alpha[:, :, None, None] * h
    if alpha is None:
        return beta[:, None] * h
    return alpha[:, :, None, None] * beta[:, None] * h


def without_beta(h: Tensor, alpha: Tensor | None, beta: Tensor | None) -> Tensor:
    return (beta[:, None] if alpha is None else alpha[:, :, None, None]) * h


def detached(h: Tensor, alpha: Tensor | None, beta: Tensor | None) -> Tensor:
    """As is, but no gradient reaches alpha's head."""
    parts = [] if alpha is None else [alpha.detach()[:, :, None, None]]
    return sum(parts + ([] if beta is None else [beta[:, None]])) * h


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        (as_product, {"C21", "C22", "C26"}),
        (without_beta, {"C21", "C22", "C26"}),
        (detached, {"C21", "C26"}),
    ],
)
def test_another_equation_3(monkeypatch, changed, fails):
    monkeypatch.setattr(recombine, "__code__", changed.__code__)  # wherever it was imported
    assert failing() == fails


def test_coefficients_that_are_never_zero(monkeypatch):
    exact = SASTM.coefficients
    monkeypatch.setattr(
        SASTM, "coefficients", lambda self, z: tuple(m if m is None else m + 1e-6 for m in exact(self, z))
    )
    assert failing("C21") == {"C21"}


@pytest.mark.parametrize(
    ("layer", "made", "fails"),
    [
        ("norm", lambda: nn.InstanceNorm2d(C, affine=True), {"C22"}),  # the mean of an image, not of the batch
        ("activation", lambda: nn.LeakyReLU(0.2), {"C26"}),  # lets a gradient pass below 0
    ],
)
def test_another_layer_in_a_stage(monkeypatch, layer, made, fails):
    init = GeneratorStage.__init__

    def changed(self, *args, **options):
        init(self, *args, **options)
        setattr(self, layer, made())

    monkeypatch.setattr(GeneratorStage, "__init__", changed)
    assert failing() == fails


def test_maps_that_are_taken_before_the_sastm(monkeypatch):
    # A stage whose x is h: WGAN-GP under another name.
    monkeypatch.setattr(dcgan, "recombine", lambda h, alpha, beta: h + 0 * recombine(h, alpha, beta))
    assert failing() == {"C21", "C22", "C26"}


def test_another_discriminator_or_generator_for_one_model(monkeypatch):
    for name, field in (("build_discriminator", "discriminator_widths"), ("build_generator", "generator_widths")):
        exact = getattr(proofs, name)

        def wider(c, exact=exact, field=field):
            if c.model == "self_sparse":
                widths = [2 * width for width in getattr(c.network, field)]
                c = c.model_copy(update={"network": c.network.model_copy(update={field: widths})})
            return exact(c)

        monkeypatch.setattr(proofs, name, wider)
        assert failing("C26", "C27") == {"C27"}
        monkeypatch.setattr(proofs, name, exact)


def test_the_verdict_falls_with_the_code(monkeypatch):
    results = load_results("gpu_hour")
    words = {v.claim.id: v.word for v in all_verdicts(results)}
    assert [words[claim] for claim in CLAIMS] == ["holds"] * 4
    monkeypatch.setattr(recombine, "__code__", as_product.__code__)
    found = {v.claim.id: v for v in all_verdicts(results)}
    assert [found[claim].word for claim in CLAIMS] == ["fails", "fails", "fails", "holds"]
    assert found["C22"].outcome.ours.startswith("largest deviation 0.71, of at most 1e-10, in Eq. 11 of 4 images")
    assert metrics(list(found.values()))["claims"]["fails"] == 3


# How a deviation is taken


def test_a_deviation_counts_not_a_number_and_another_shape(monkeypatch):
    def of(*parts):
        monkeypatch.setitem(proofs.PROOFS, "C22", (lambda: iter(parts), 1e-10))
        return prove("C22")

    one = torch.ones(2, 2, dtype=torch.float64)
    assert of(("a", one, one)) == Proof(4, 0.0, 1e-10, "a")
    found = of(("a", one, one + 1), ("b", one * math.nan, one), ("c", one, one))  # |1 - 2| / 2
    assert math.isnan(found.deviation) and found.where == "b" and not found.holds and found.compared == 12
    assert of(("a", one, one + 1), ("c", one, one)) == Proof(8, 0.5, 1e-10, "a")
    assert of(("a", one, 0.5 * one)).deviation == 0.5  # below 1 absolute
    assert of(("a", one, one[:1])).deviation == math.inf
    assert not of(("a", one, one + 1e-9)).holds and of(("a", one, one + 1e-11)).holds
