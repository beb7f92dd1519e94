"""The claims C1 to C45: complete, made of configurations that exist, and with the numbers that the paper prints."""

import math

import pydantic
import pytest
from small_project import ROOT, params

from selfsparse.config import load_settings
from selfsparse.paper import reported, reported_sparsity
from selfsparse.paper.findings import FINDINGS, finding
from selfsparse.paper.printed import Claim, Claims, Selector, claims, printed_table, text_number
from selfsparse.paper.proofs import PROOFS
from selfsparse.results.rows import SETTLING_SHARE

FOUND = claims()
STAND_INS = {"C6", *(f"C{i}" for i in range(11, 19)), *(f"C{i}" for i in range(20, 27))}
# What the paper prints, read from the texts a second time.
PRINTED = {
    "C1": {"cells": 12, "datasets": 7},
    "C2": {"smallest_percent": 4.76, "largest_percent": 21.84},
    "C3": {"percent": 4.76, "close_to_percent": 5},
    "C4": {"celeba_hq_64_percent": 4.76, "celeba_hq_128_percent": 14.43, "lsun_64_percent": 6.86, "lsun_128_percent": 17.02},
    "C6": {"grayscale_cells": 4, "rgb_cells": 8},
    "C8": {"wgan_gp": 54.23, "self_sparse": 46.85},
    "C9": {"wgan_gp": 9.65, "self_sparse": 9.41},  # 63.88 − 54.23, 56.26 − 46.85
    "C10": {"wgan_gp_50k": 54.23, "wgan_gp_5k": 63.88, "other_paper": 55.1},
    "C11": {
        "fashion_mnist_self_sparse": 17.67, "fashion_mnist_without_psm": 21.51, "fashion_mnist_without_csm": 163.71,
        "stl10_self_sparse": 56.23, "stl10_without_psm": 60.85, "stl10_without_csm": 64.87,
    },
    "C12": {
        "fashion_mnist_without_csm": 163.71, "fashion_mnist_wgan_gp": 20.41, "stl10_without_csm": 64.87,
        "stl10_wgan_gp": 63.88,
    },
    "C13": {
        "fashion_mnist_without_psm": 21.51, "fashion_mnist_wgan_gp": 20.41, "stl10_without_psm": 60.85,
        "stl10_wgan_gp": 63.88,
    },
    "C15": {
        "wgan_gp_betas_0_09": 63.88, "self_sparse_betas_0_09": 56.23, "wgan_gp_betas_05_0999": 67.13,
        "self_sparse_betas_05_0999": 56.51,
    },
    "C16": {"dcgan_wgan_gp": 63.88, "dcgan_self_sparse": 56.23, "resnet_wgan_gp": 65.16, "resnet_self_sparse": 60.31},
    "C20": {"steps": 5000},
    **{f"C{28 + i}": {"xi_bar": xi} for i, xi in enumerate((0.44, 0.47, 0.26, 0.39, 0.53, 0.47, 0.21, 0.31))},
    "C37": {"r": 0.62},
    "C38": {"r": 0.79},
    "C39": {"r_64": 0.62, "r_128": 0.79},
    "C41": {"wgan_gp": 76.68, "self_sparse": 67.58},
    "C44": {
        "celeba_hq_wgan_gp": 32.40, "celeba_hq_sagan": 30.94, "celeba_hq_self_sparse": 27.72, "sketch_wgan_gp": 76.68,
        "sketch_sagan": 76.97, "sketch_self_sparse": 67.58,
    },
    "C45": {"wgan_gp_5k": 63.88, "self_sparse_5k": 56.26, "wgan_gp_50k": 54.23, "self_sparse_50k": 46.85},
}  # fmt: skip
# v1's section or table, v2's, as the texts have them; for claims that stand in one place each.
PLACES = {
    "C3": ("Sec. 4.3", "Sec. 3.3"),
    "C6": ("Sec. 4.3", "Sec. 3.3"),
    "C7": ("Sec. 5", "Sec. 4"),
    "C10": ("Sec. 4.3; Table 3", ""),
    "C11": ("Sec. 4.4; Table 4", "Sec. 3.4; Table 3"),
    "C15": ("Sec. 4.4; Table 5", "Sec. 3.4; Table 4"),
    "C16": ("Sec. 4.4; Table 6", "Sec. 3.4; Table 7"),
    "C19": ("Sec. 4.5", "Sec. 3.5"),
    "C28": ("Table 7", "Table 8"),
    "C37": ("Sec. 4.6", "Sec. 3.6"),
    "C40": ("Sec. 5", "Sec. 4"),
    "C41": ("", "Sec. 3.7; Table 9"),
    "C44": ("", "Sec. 3.7; Table 10"),
}
# Fields of a claim's parameters, by rule.
PARAMETERS = {
    "lower_mean_one_sided_welch_holm": {"quantities", "lower", "higher", "one_of_each", "comparisons", "varies"},
    "ordering_of_three": {"quantity", "order"},
    "larger_decrease_one_sided_holm": {"datasets", "resolutions", "shown_beside"},
    "close_to_printed": {"quantity", "against", "values", "margins", "not_significant_with"},
    "correlation_beside_printed": {"resolution", "margin"},
    "correlation_positive": set(),
    "larger_correlation": {"resolutions"},
    "monotone_except": {"exceptions"},
    "same_order": {"quantities"},
    "zero_and_above": {"quantity", "sizes", "zero", "above"},
    "smaller_spread": set(),
    "grows_in_a_stage": {"quantity"},
    "lower_in_every_stage": {"quantity", "lower", "higher"},
    "falls_and_is_lower": {"quantity", "lower", "higher"},
    "net_saving": set(),
    "signs_settle": {"most"},
    "share_above": {"quantity", "value"},
    "proof": set(),
    "computed_from_print": {"finding", "leaves_out"},
    "not_testable": {"why"},
}


def each_claim(condition=lambda claim: True):
    return pytest.mark.parametrize("claim", [pytest.param(c, id=c.id) for c in FOUND if condition(c)])


@pytest.fixture(scope="module")
def suite():
    return {c.name: c for c in load_settings(ROOT / "params.yaml").suite("paper")}


def test_every_claim_once_and_in_order():
    found = [c.id for c in FOUND]
    assert found == [f"C{i}" for i in range(1, len(found) + 1)] and len(found) >= 45


def test_printed_numbers():
    found = {c.id: {k: v for k, v in c.printed.items() if not isinstance(v, str)} for c in FOUND}
    assert {name: numbers for name, numbers in found.items() if numbers} == PRINTED


@pytest.mark.parametrize(("name", "places"), PLACES.items())
def test_places(name, places):
    assert (FOUND[name].v1, FOUND[name].v2) == places


@each_claim()
def test_an_entry_is_complete(claim):
    assert claim.v1 or claim.v2
    assert claim.statement.endswith(".") and claim.measure.endswith(".")
    assert "\n" not in claim.statement + claim.measure + claim.note
    assert claim.printed or claim.kind in ("proof", "mechanism", "statement")
    assert set(claim.parameters) <= PARAMETERS[claim.rule]


def test_the_rules_are_used_and_their_parameters_known():
    assert set(FOUND.rules) == set(PARAMETERS) == {c.rule for c in FOUND}


@each_claim(lambda c: c.configurations)
def test_its_configurations_exist(claim, suite):
    names = claim.names()
    assert len(set(names)) == len(names) and set(names) <= suite.keys()
    for (dataset, resolution, model, _), name in zip(claim.fields(), names, strict=True):
        c = suite[name]
        assert (c.dataset.dataset, c.dataset.resolution, c.model) == (dataset, resolution, model)


@each_claim(lambda c: not c.configurations)
def test_what_needs_no_configuration(claim):
    assert claim.rule in ("proof", "computed_from_print")


def test_the_main_table_is_that_of_c1():
    assert sorted(FOUND["C1"].names()) == sorted(printed_table("fid")["name"])
    assert len(FOUND["C1"].names()) == 2 * FOUND["C1"].printed["cells"]
    assert len({dataset for dataset, *_ in FOUND["C1"].fields()}) == FOUND["C1"].printed["datasets"]
    channels = reported().loc[FOUND["C6"].names()[::2], "channels"]
    assert [(channels == n).sum() for n in (1, 3)] == [FOUND["C6"].printed[k] for k in ("grayscale_cells", "rgb_cells")]


def test_every_configuration_serves_a_claim(suite):
    assert {name for c in FOUND for name in c.names()} == set(suite)


def test_the_same_numbers_as_in_the_tables():
    fid, xi = reported()["paper_fid_mean"], reported_sparsity()["paper_xi"]
    assert [FOUND[f"C{28 + i}"].printed["xi_bar"] for i in range(8)] == xi.tolist()
    assert [FOUND[f"C{28 + i}"].names() for i in range(8)] == [[name] for name in xi.index]
    assert [FOUND[f"C{i}"].printed["r"] for i in (37, 38)] == printed_table("pearson")["paper_r"].tolist()
    for name in ("C11", "C12", "C13", "C44"):
        claim = FOUND[name]
        numbers = {f"{d}_{m}": fid[n] for (d, _, m, _), n in zip(claim.fields(), claim.names(), strict=True)}
        assert claim.printed == numbers
    assert list(FOUND["C15"].printed.values()) == [fid[n] for n in FOUND["C15"].names()]
    assert list(FOUND["C16"].printed.values()) == [fid[n] for n in FOUND["C16"].names()]


def test_both_readings_of_the_betas():
    """Every claim with a printed number of STL-10's main row is scored under both (U6)."""
    main = {"stl10-64-wgan_gp", "stl10-64-self_sparse"}
    for c in FOUND:
        expected = ("tables", "text") if main & set(c.names()) and c.rule != "computed_from_print" else ("tables",)
        assert c.readings == expected, c.id
    assert set(FOUND.readings) == {"tables", "text"}


def test_the_other_reading_exchanges_the_labels(suite):
    claim = FOUND["C15"]
    exchanged = dict(zip(claim.names("tables"), claim.names("text"), strict=True))
    pairs = {name: f"{name}-betas_05_0999" for name in ("stl10-64-wgan_gp", "stl10-64-self_sparse")}
    assert exchanged == pairs | {other: name for name, other in pairs.items()}
    betas = {name: list(suite[name].train.betas) for name in exchanged}
    for cell, ours in exchanged.items():
        assert {tuple(betas[cell]), tuple(betas[ours])} == {(0.0, 0.9), (0.5, 0.999)}


def test_the_other_reading_lacks_only_the_ablations(suite):
    missing = {c.id: [n for n in c.names("text") if n not in suite] for c in FOUND if "text" in c.readings}
    assert {name: names for name, names in missing.items() if names} == {
        "C11": ["stl10-64-without_psm-betas_05_0999", "stl10-64-without_csm-betas_05_0999"],
        "C12": ["stl10-64-without_csm-betas_05_0999"],
        "C13": ["stl10-64-without_psm-betas_05_0999"],
    }
    for c in FOUND:
        kept = [f for f in c.fields("text") if f[0] != "stl10"]
        assert kept == [f for f in c.fields() if f[0] != "stl10"]


def test_where_a_small_suite_may_stand_in():
    assert {c.id for c in FOUND if c.stand_in_allowed} == STAND_INS


def test_every_proof_is_that_of_a_claim():
    assert set(PROOFS) == {c.id for c in FOUND if c.rule == "proof"}


@each_claim(lambda c: c.rule == "close_to_printed")
def test_the_values_are_printed_and_their_margins_have_a_reason(claim):
    assert set(claim.parameters["values"].values()) <= {k for k, v in claim.printed.items() if not isinstance(v, str)}
    assert claim.parameters["values"].keys() == claim.parameters["margins"].keys() and "margin" in claim.note


def test_the_margins_of_a_decrease_are_twice_the_printed_spread():
    """100 √((s_W S / W)² + s_S²) / W, the spread of one training's decrease in percentage points."""
    for (w, sw, s, ss), margin in (((15.95, 0.44, 15.19, 0.18), 6), ((20.37, 0.87, 15.92, 1.10), 13)):
        assert margin == round(2 * 100 * math.hypot(sw * s / w, ss) / w)
    margins = {c.id: c.parameters["margins"] for c in FOUND if c.parameters.get("quantity") == "decrease_percent"}
    assert margins == {"C2": {"celeba_hq-64": 6, "fashion_mnist-64": 13}, "C3": {"celeba_hq-64": 6}}


def test_what_a_note_says_of_the_printed_spreads():
    assert "larger for Self-Sparse GAN in 8 of the 12 cells" in FOUND["C7"].note
    assert "in 8 of 12 cells" in finding("spread")["computed"]


def test_the_step_of_the_signs_is_that_of_the_training():
    assert FOUND["C20"].printed["steps"] == SETTLING_SHARE * text_number("generator_steps")


@each_claim(lambda c: PARAMETERS[c.rule] & {"order", "zero", "lower"})
def test_the_models_of_a_comparison_are_selected(claim):
    named = set()
    for p in (claim.parameters, *claim.parameters.get("comparisons", ())):
        given = [p[role] for role in ("lower", "higher", "order", "zero", "above") if role in p]
        named |= {model for models in given for model in ([models] if isinstance(models, str) else models)}
    assert named == {model for _, _, model, _ in claim.fields()}


@each_claim(lambda c: c.rule == "computed_from_print")
def test_its_finding_is_in_the_audit(claim):
    assert claim.parameters["finding"] in FINDINGS
    assert finding(claim.parameters["finding"])["verdict"] == "follows"  # C10, in print
    assert finding(claim.parameters["finding"])["claims"] == claim.id


def test_what_cannot_be_had():
    assert set(FOUND.unavailable) == {"sketch"} <= {d["dataset"] for d in params()["datasets"].values()}


def test_a_selector_takes_single_values_and_lists():
    selector = Selector(dataset="stl10", resolution=64, model=["wgan_gp", "self_sparse"], variation=["", "resnet"])
    models, variations = ("wgan_gp", "self_sparse"), ("betas_05_0999", "resnet")
    assert list(selector.fields("text")) == [("stl10", 64, model, v) for v in variations for model in models]


def test_every_claim_belongs_to_a_part():
    parts = FOUND.by_part()
    assert list(parts) == list(FOUND.parts) and [c.id for own in parts.values() for c in own] == [c.id for c in FOUND]
    assert set(FOUND.terms) == {"own", "stand_in", "unavailable"}


def test_an_unknown_rule_is_refused():
    claim = Claim(id="C1", statement="It works.", kind="ordering", measure="By eye.", rule="guess")
    with pytest.raises(pydantic.ValidationError, match="no such rule: C1: guess"):
        Claims(readings={}, unavailable={}, rules={"proof": "It holds."}, claims=(claim,))
