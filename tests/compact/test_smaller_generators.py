"""The stage: rows of runs that were really trained, one of them with channels made dead in its weights."""

import csv
import shutil
from types import SimpleNamespace

import pytest
import torch
from killing import kill_alpha, kill_beta
from safetensors.torch import load_file, save_file
from small_project import SMALL, files, write_project

from selfsparse.compact.dead import DeadParts
from selfsparse.compact.measure import SPARSITIES, _revived_heads, compare, latency_ratio
from selfsparse.config import load_settings
from selfsparse.metrics.final import measure_configuration
from selfsparse.metrics.trained import trained_generator
from selfsparse.models.build import count_parameters
from selfsparse.models.sampling import draw_latents
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
    measure_configuration(settings, c, CPU, [SPARSITIES])
    folder = project / f"results/quick/sparsity/{name}"
    return settings, c, path, rows(folder / "dead_channels.csv"), rows(folder / "compact.csv")


@pytest.mark.parametrize(
    ("alpha", "beta", "revived"),
    [
        ([True, True, False], [True, True], 0),  # the channel that lives now is one that was removed
        ([True, False, True], [True, True], 1),  # one of the kept alphas lives now, the other does not
        ([True, True, True], [True, False], 1),
        ([False, False, True], [False, False], 2),
    ],
)
def test_a_head_that_comes_alive_in_part_is_counted(alpha, beta, revived):
    with_heads, without = (
        SimpleNamespace(channel_head=1, position_head=1),
        SimpleNamespace(channel_head=None, position_head=None),
    )
    full, small = (SimpleNamespace(stages=[SimpleNamespace(sastm=heads)]) for heads in (with_heads, without))
    dead = DeadParts(torch.tensor([False, False, True]), torch.ones(3, dtype=bool), torch.ones(1, 2, dtype=bool))
    now = DeadParts(dead.channels, torch.tensor(alpha), torch.tensor([beta]))
    assert _revived_heads(full, small, [dead], [now]) == revived


@pytest.mark.parametrize(("name", "dead"), [("digits-16-self_sparse", (3, 1)), ("digits-16-without_psm", (2, 2))])
def test_dead_channels_are_counted_removed_and_change_no_image(small, name, dead):
    _, c, path, _, _ = measured(small, name)
    generator = trained_generator(c, path, CPU)
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
    assert proven["heads_revived"] == "0"
    timed = rows(path.parents[3] / f"latency/{name}.csv")
    assert [row["kind"] for row in timed] == ["proven", "observed"]
    assert all(row["seed"] == "0" and 0 < float(row["latency_ratio"]) < 10 for row in timed)
    assert (proven["latents"], proven["fresh_latents"]) == ("30", "30")


@torch.no_grad()
def open_for_a_fresh_latent_only(generator, settings, c, heads) -> None:
    """Make the first stage's coefficients of these heads 0 for all latents of the observation, and above 0 for another."""
    sastm = generator.stages[0].sastm
    tried = draw_latents(settings.sparsity.latents, c.latent_dim, settings.sparsity.latent_seed)  # 30, fewer than 32
    fresh = draw_latents(1, c.latent_dim, settings.fid.latent_seed)
    wanted = torch.tensor([[-1.0]] * len(tried) + [[1.0]])
    direction = torch.linalg.lstsq(torch.cat([tried, fresh]).double(), wanted.double()).solution[:, 0]
    sastm.mlp[0].weight[:], sastm.mlp[0].bias[:] = direction.float(), 0.0  # f = 0, and 1 for the fresh one
    for name, head in (("channel", sastm.channel_head), ("position", sastm.position_head)):
        for key, parameter in head.named_parameters():
            parameter.copy_(
                parameter.abs() + 0.1 if key.endswith("weight") else torch.full_like(parameter, name not in heads)
            )


@pytest.mark.parametrize(
    ("heads", "removed", "revived", "heads_revived"),
    [({"channel"}, 0, 0, 1), ({"position"}, 0, 0, 1), ({"channel", "position"}, 7, 7, 1)],
    ids=["channel", "position", "both"],
)
def test_what_comes_alive_again_for_a_fresh_latent_is_counted(small, heads, removed, revived, heads_revived):
    """Where both are 0 all eight channels are; one of them stays, with the channel head, and counts nowhere."""
    name = "digits-16-self_sparse"
    settings, c, path, _, _ = measured(small, name)
    generator = trained_generator(c, path, CPU)
    kill_beta(generator, 1)  # a head that is proven dead stays so
    open_for_a_fresh_latent_only(generator, settings, c, heads)
    with torch.no_grad():
        # No dead channel in the second stage, into which the first one's batch norm sends something also where its maps are 0.
        generator.stages[1].sastm.channel_head[0].bias.fill_(1.0)
        generator.stages[0].norm.bias.fill_(5.0)
    save_file(generator.state_dict(), path)
    proven, observed = measured(small, name)[4]
    counts = ("removed", "heads_removed", "revived", "heads_revived")
    assert [proven[key] for key in counts] == ["0", "1", "0", "0"] and float(proven["max_difference"]) < 1e-5
    assert [observed[key] for key in counts] == [str(removed), "2", str(revived), str(heads_revived)]
    assert float(observed["max_difference"]) > 1e-4


def test_all_but_the_times_are_the_same_again(small):
    """To the byte, also where something was removed: what a stopwatch says has a file of its own."""
    name = "digits-16-without_psm"
    _, c, path, _, _ = measured(small, name)
    generator = trained_generator(c, path, CPU)
    kill_alpha(generator, 0, [0, 1])
    save_file(generator.state_dict(), path)
    folder, found = path.parents[3] / f"sparsity/{name}", []
    for _ in range(2):
        assert measured(small, name)[4][0]["removed"] == "2"
        found.append(files(folder))
        shutil.rmtree(folder)
    assert found[0] == found[1] and {"dead_channels.csv", "compact.csv"} < found[0].keys()
    assert b"latency" not in found[0]["compact.csv"]


class Timed(torch.nn.Module):
    """Takes some seconds of a clock that no one else moves, twice as many in its first pass, and adds to its latents."""

    def __init__(self, clock: list[float], seconds: float, added: float = 0.0) -> None:
        super().__init__()
        self.clock, self.seconds, self.added, self.passes = clock, seconds, added, 0

    def __deepcopy__(self, memo):
        return Timed(self.clock, self.seconds, self.added)

    def forward(self, z):
        self.clock[0] += self.seconds * (1 if self.passes else 100)
        self.passes += 1
        return z + self.added * (z > 0.5)


def test_the_latency_is_the_smaller_ones_share(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("selfsparse.compact.measure.time.thread_time", lambda: clock[0])
    assert latency_ratio(Timed(clock, 4.0), Timed(clock, 3.0), torch.zeros(1, 2)) == pytest.approx(0.75)


def test_images_are_compared_pixel_by_pixel_over_all_batches():
    """Five images in batches of two: one pixel of the second differs by 0.1, nothing in the others."""
    z = torch.zeros(5, 1, 2, 2)
    z[1, 0, 1, 0] = 0.75
    largest, share = compare(Timed([0.0], 0), Timed([0.0], 0, added=0.125), z, 2, CPU, "running")
    assert (largest, share) == (0.125, 0.2)


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
        assert not (path.parents[3] / "latency/digits-16-without_csm.csv").exists()
        assert {row[k] for k in ("revived", "heads_revived", "max_difference", "changed_images")} == {""}


def test_a_model_without_sastm_has_no_rows(small):
    measured(small, "digits-16-wgan_gp")
    *_, stages, compacts = measured(small, "digits-16-wgan_gp")
    folder = small / "results/quick/sparsity/digits-16-wgan_gp"
    assert stages == compacts == [] and len(rows(folder / "sparsity.csv")) == 2
    assert (folder / "compact.csv").read_text().startswith("seed,kind,channels,removed,")
