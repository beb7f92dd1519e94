"""The stage: rows of runs that were really trained, one of them with channels made dead in its weights."""

import csv

import pytest
import torch
from killing import kill_alpha, kill_beta
from safetensors.torch import load_file, save_file
from small_project import SMALL, write_project

from selfsparse.compact.measure import measure_configuration_compact
from selfsparse.config import load_settings
from selfsparse.metrics.measure import load_generator
from selfsparse.models.build import count_parameters
from selfsparse.training.loop import train_runs

pytestmark = pytest.mark.usefixtures("keep_signals")
CPU = torch.device("cpu")


def rows(path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def measured(project, name):
    settings = load_settings(write_project(project, SMALL) / "params.yaml")
    c = settings.configuration(name)
    path = project / f"results/quick/runs/{name}/seed0/best.safetensors"
    if not path.exists():
        train_runs(settings, c, [0], CPU)
        return settings, c, path, None, None
    measure_configuration_compact(settings, c, CPU)
    folder = project / f"results/quick/sparsity/{name}"
    return settings, c, path, rows(folder / "dead_channels.csv"), rows(folder / "compact.csv")


@pytest.mark.parametrize(("name", "dead"), [("digits-16-self_sparse", (3, 1)), ("digits-16-without_psm", (2, 2))])
def test_dead_channels_are_counted_removed_and_change_no_image(small, name, dead):
    _, c, path, _, _ = measured(small, name)
    generator = load_generator(c, path, CPU)
    for stage, count in enumerate(dead):
        kill_alpha(generator, stage, list(range(count)))
        if generator.stages[stage].sastm.position_head is not None:
            kill_beta(generator, stage)
    save_file(generator.state_dict(), path)
    _, _, _, stages, compacts = measured(small, name)
    assert [int(row["proven"]) for row in stages] == list(dead)
    assert all(int(row["observed"]) >= count for row, count in zip(stages, dead, strict=True))
    assert [row["kind"] for row in compacts] == ["proven", "observed"]
    proven = compacts[0]
    assert (proven["channels"], proven["removed"], proven["revived"]) == ("12", str(sum(dead)), "0")
    assert proven["heads_removed"] == ("2" if name.endswith("self_sparse") else "0")
    assert int(proven["full_parameters"]) == count_parameters(generator) > int(proven["compact_parameters"])
    assert int(proven["full_flops"]) > int(proven["compact_flops"]) > 0
    assert float(proven["max_difference"]) < 1e-5 and float(proven["changed_images"]) < 0.1
    assert 0 < float(proven["latency_ratio"]) < 10
    assert (proven["latents"], proven["fresh_latents"]) == ("30", "30")


def test_where_nothing_is_dead_nothing_is_filled_in(small):
    path = measured(small, "digits-16-without_csm")[2]
    state = load_file(path)
    for key in [key for key in state if "position_head" in key and key.endswith("bias")]:
        state[key] += 1.0  # beta > 0
    save_file(state, path)
    _, _, _, stages, compacts = measured(small, "digits-16-without_csm")
    assert [(row["proven"], row["observed"], row["alpha_never"]) for row in stages] == [("0", "0", "")] * 2
    for row in compacts:
        assert row["removed"] == row["heads_removed"] == "0" and row["full_flops"] == row["compact_flops"]
        assert {row[k] for k in ("latency_ratio", "revived", "max_difference", "changed_images")} == {""}


def test_a_model_without_sastm_has_no_rows(small):
    settings = load_settings()
    measure_configuration_compact(settings, settings.configuration("digits-16-wgan_gp"), CPU)
    folder = small / "results/quick/sparsity/digits-16-wgan_gp"
    assert rows(folder / "dead_channels.csv") == rows(folder / "compact.csv") == []
    assert (folder / "compact.csv").read_text().startswith("seed,kind,channels,removed,")
