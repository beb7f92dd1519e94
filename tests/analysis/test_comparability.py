"""What may stand against the paper's number: every printed setting and the printed images, and what differs is named."""

import pytest
from verdict_results import SETTINGS, paper_results

from selfsparse.analysis.table_fid import fid_table
from selfsparse.results.comparability import comparable, comparison, differences
from selfsparse.verdicts.judging import own_configurations


def changed(configuration, **fields):
    c = SETTINGS.configuration(configuration)
    parts = {
        part: getattr(c, part).model_copy(update=fields[part])
        for part in ("train", "network", "dataset", "extractor", "source")
        if part in fields
    }
    rest = {key: value for key, value in fields.items() if key not in parts}
    return c.model_copy(update=parts | rest)


def test_the_papers_own_on_the_printed_images():
    whole = {c.name: differences(c) for c in paper_results().configurations}
    sketches = {name for name in whole if name.startswith("sketch")}
    assert len(whole) == 36 and {name for name, found in whole.items() if found} == sketches
    assert {whole[name] for name in sketches} == {("Sketch: drawings of one's own, as the paper's are private",)}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"train": {"generator_lr": 0.01}}, "generator lr 0.01, not 0.0001"),
        ({"train": {"discriminator_lr": 0.0001}}, "discriminator lr 0.0001, not 0.0003"),
        ({"train": {"discriminator_steps": 5}}, "discriminator steps 5, not 2"),
        ({"train": {"betas": (0.0, 0.9)}}, "betas (0.0, 0.9), not (0.5, 0.999)"),
        ({"train": {"steps": 2000}}, "steps 2,000, not 100,000"),
        ({"train": {"steps": 200000}}, "steps 200,000, not 100,000"),
        ({"train": {"evaluate_every": 5000}}, "interval of the evaluations 5,000, not 500"),
        ({"extractor": {"extractor": "lenet"}}, "extractor lenet, not inception"),
        ({"extractor": {"samples": (1000, 50000)}}, "generated images of an FID 1,000, not 5,000"),
        ({"network": {"generator_widths": (128, 64, 32)}}, "generator widths (128, 64, 32), not (256, 128, 64)"),
        (
            {"network": {"discriminator_widths": (32, 64, 128)}},
            "discriminator widths (32, 64, 128), not (64, 128, 256)",
        ),
        ({"network": {"sastm_widths": (256, 128)}}, "sastm widths (256, 128), not (1024, 512)"),
        ({"network": {"position_size": 8}}, "position size 8, not 16"),
        ({"network": {"architecture": "resnet"}}, "architecture resnet, not dcgan"),
        ({"dataset": {"resolution": 64}}, "resolution 64, not 32"),
        ({"dataset": {"channels": 3}}, "channels 3, not 1"),
        ({"latent_dim": 64}, "latent size 64, not 100"),
        ({"name": "mnist-32-mine"}, "not in the paper"),
    ],
)
def test_what_differs_is_named(fields, said):
    c = changed("mnist-32-self_sparse", **fields)
    assert said in differences(c) and not comparable(c)
    assert said in comparison(c)


def test_what_is_left_open_is_no_difference():
    open_ones = {"batch_size": 128, "penalty_weight": 1.0, "penalty_centre": 1, "initialisation": "pytorch"}
    assert comparable(changed("mnist-32-self_sparse", train=open_ones))
    assert comparable(changed("mnist-32-wgan_gp", network={"sastm_widths": (8,)}))  # which has no module
    assert comparable(changed("celeba_hq-128-sagan", train={"discriminator_steps": 2}))  # U31


def test_a_part_of_the_images_is_not_the_papers():
    assert differences(SETTINGS.configuration("lsun_bedroom-64-wgan_gp")) == ("LSUN bedrooms: a subset of 303,125 of 3,033,042 images",)  # fmt: skip
    assert comparable(changed("lsun_bedroom-64-wgan_gp", source={"images": "all"}))


def test_verdicts_and_tables_ask_the_same():
    results = paper_results()
    own = {c.name for c in own_configurations(results).values()}
    assert own == {c.name for c in results.configurations if comparable(c)}
    data = fid_table(results).data
    assert set(data.loc[data["comparable"], "configuration"]) == own
