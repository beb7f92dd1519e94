"""Runs that diverge, from the step at which they do to the tables: shown as diverged, never missing, never zero."""

import math
import re

import pytest
import torch
from small_project import SMALL, files, write_project

from selfsparse.analysis import table_ablation, table_fid, table_sparsity
from selfsparse.analysis.table import to_csv, to_markdown
from selfsparse.config import load_settings
from selfsparse.results.reading import load_results
from selfsparse.training.loop import train_runs
from selfsparse.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("keep_signals")
WHOLE, PART, NONE = "digits-16-wgan_gp", "digits-16-self_sparse", "digits-16-without_csm"
MAKERS = (table_fid.fid_table, table_ablation.ablation_table, table_fid.measures_table, table_fid.quality_table,
          table_sparsity.sparsity_table, table_sparsity.pearson_table, table_sparsity.stages_table)  # fmt: skip


@pytest.fixture
def overflow(monkeypatch):
    """Make the generator's gradient overflow at a step of some runs, as a loss that grows beyond float32 would."""
    original = Trainer._take_step

    def at(steps: dict[tuple[str, int], int]) -> None:
        def take_step(trainer):
            losses = original(trainer)
            if trainer.step + 1 == steps.get((trainer.configuration.name, trainer.seed)):
                for weight in trainer.generator.parameters():
                    weight.data.fill_(math.inf)
                losses = losses * math.nan
            return losses

        monkeypatch.setattr(Trainer, "_take_step", take_step)

    return at


def through_the_pipeline(settings) -> None:
    from pipeline import correlation, measure, summary, verdicts

    for name in (WHOLE, PART, NONE):
        train_runs(settings, settings.configuration(name), (0, 1), torch.device("cpu"))
        measure.main(settings, name)
    for stage in (correlation, summary, verdicts):
        stage.main(settings, "quick")


@pytest.mark.slow
def test_one_or_all_seeds_of_a_configuration_diverge(small, overflow, capsys):
    overflow({(PART, 1): 6, (NONE, 0): 1, (NONE, 1): 3})
    settings = load_settings(write_project(small, {**SMALL, "suites.quick.train.seeds": [0, 1]}) / "params.yaml")
    through_the_pipeline(settings)
    said = capsys.readouterr().err
    # States are saved every 2 steps, FIDs measured at 0 and 4: all of seed, step, last checkpoint and best weights.
    best = small / f"results/quick/runs/{PART}/seed1/best.safetensors"
    assert (
        "seed 1: DIVERGED: not finite at step 6; the run stops here. Last checkpoint: of step 4; best generator:"
        in said
    )
    assert f"in {best}" in said and best.is_file()
    assert "seed 0: DIVERGED: not finite at step 1; the run stops here. Last checkpoint: none was saved;" in said

    results = load_results("quick")
    shown = table_fid.fid_table(results).text.set_index("Configuration")
    assert shown.loc[[WHOLE, PART, NONE], "Runs"].tolist() == ["finished", "1 finished, 1 diverged", "diverged"]
    assert shown.loc[[WHOLE, PART], "n"].tolist() == ["2", "1"]
    assert shown.loc[NONE, "Ours, FID"] == "diverged"
    numbers = table_fid.fid_table(results).data.set_index("configuration")
    assert numbers.loc[PART, "fid_mean"] == results.best_in_training(settings.configuration(PART)).iloc[0] > 0
    assert math.isnan(numbers.loc[NONE, "fid_mean"])
    for make in MAKERS:
        text = to_markdown(make(results)) + to_csv(make(results))
        assert not re.search(r"\b(nan|inf)\b", text)
    # A diverged run's curve ends at its last measure; nothing of it enters a mean.
    assert results.curves[results.curves["configuration"] == NONE]["step"].tolist() == [0, 0]
    assert set(results.fid["configuration"]) == set(results.sparsity["configuration"]) == {WHOLE, PART}
    assert '"diverged": 2' in files(small)["results/quick/summary.json"].decode()
