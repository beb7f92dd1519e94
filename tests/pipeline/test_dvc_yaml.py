"""The pipeline as DVC reads it: its stages, what they depend on, and the settings they name."""

import json
import shutil

import pandas as pd
import pytest
from ruamel.yaml import YAML
from small_project import ROOT, params, params_text


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """Every stage by its address, resolved by DVC itself in a copy of the project."""
    folder = tmp_path_factory.mktemp("dvc")
    shutil.copy(ROOT / "dvc.yaml", folder)
    (folder / "params.yaml").write_text(params_text(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
            patch.setenv(name, str(folder / "dvc_own" / name))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.chdir(folder)
        from dvc.repo import Repo

        repo = Repo.init(str(folder), no_scm=True)
        found = {stage.addressing: stage for stage in repo.index.stages}
        repo.close()
    return found


DVC_YAML = (ROOT / "dvc.yaml").read_text(encoding="utf-8")


def paths(entries) -> set[str]:
    return {entry.def_path for entry in entries}


def test_all_stages_of_the_36_configurations(stages):
    names = list(pd.read_csv(ROOT / "selfsparse/paper/configurations.csv")["name"])
    assert len(names) == 36
    for name in names:
        data = "-".join(name.split("-")[:2])
        expected = {f"data@{data}", f"extractor@{data}-inception", f"reference@{data}-inception"}
        expected |= {f"{kind}@{name}" for kind in ("train", "measure")}
        assert expected <= stages.keys(), name
        assert paths(stages[f"train@{name}"].outs) == {f"results/paper/runs/{name}"}
        outs = {f"results/paper/{kind}/{name}" for kind in ("fid", "sparsity")}
        assert paths(stages[f"measure@{name}"].outs) == outs


def test_every_stage_depends_on_its_own_inputs_and_on_no_other_code_or_settings(stages):
    """data/inputs/ holds both; dvc.yaml names the data besides."""
    for name, stage in stages.items():
        kind, _, key = name.partition("@")
        named = {
            p
            for p in paths(stage.deps)
            if not p.startswith(("data/packed", "data/extractors", "data/references", "results/"))
        }
        listing = {f"data/listings/{params()['datasets'][key]['dataset']}.json"} if kind == "data" else set()
        expected = set() if name == "inputs" else {f"data/inputs/{kind}/{key or 'all'}.json"} | listing
        assert named == expected, name


def test_the_inputs_are_written_every_time(stages):
    """DVC cannot see a change in a folder outside the project, nor one in the imports of a stage."""
    assert [name for name, stage in stages.items() if stage.always_changed] == ["inputs"]
    assert paths(stages["inputs"].outs) == {"data/listings", "data/inputs"}


def test_there_are_no_other_stages(stages):
    kinds = {name.split("@")[0] for name in stages}
    assert kinds == {
        "inputs", "data", "extractor", "reference", "train", "measure", "correlation", "summary", "generators", "verdicts",
        "paper_audit", "notebook", "report",
    }  # fmt: skip


def test_every_suite_has_its_fid_curves_in_dvcs_plots(stages):
    plots = {name: plot for entry in YAML(typ="safe").load(DVC_YAML)["plots"] for name, plot in entry.items()}
    made = {p for stage in stages.values() for p in paths(stage.outs)}
    for suite in params()["suites"]:
        plot = plots.pop(f"fid curves of {suite}")
        assert plot["y"] == {f"results/{suite}/summary/curves.csv": "fid"} and f"results/{suite}/summary" in made
        extractors = {row["extractor"] for row in params()["configurations"].values() if row["suite"] == suite}
        names = {"Inception-v3" if name == "inception" else name for name in extractors}
        assert set(plot["y_label"].removeprefix("FID (").removesuffix(")").split(", ")) == names, suite
    assert not plots


def test_the_template_of_the_curves_is_filled_by_dvc():
    from dvc_render.vega import VegaRenderer

    rows = [{"configuration": "a", "seed": "0", "step": str(n), "fid": str(9 - n), "rev": "HEAD"} for n in range(3)]
    names = {"x": "step", "y": "fid", "title": "T", "x_label": "generator steps", "y_label": "FID (lenet)"}
    renderer = VegaRenderer(rows, "curves", template="fid_curves", template_dir=str(ROOT / ".dvc/plots"), **names)
    filled = renderer.get_filled_template()
    assert filled["data"]["values"] == rows and "DVC_METRIC" not in json.dumps(filled)
    runs, mean = filled["layer"]
    assert runs["encoding"]["detail"]["field"] == "seed" and mean["encoding"]["y"]["aggregate"] == "mean"
    assert filled["encoding"]["color"]["field"] == "configuration"  # a legend entry each


def test_each_stage_is_a_script_of_its_name(stages):
    for name, stage in stages.items():
        arguments = name.replace("@", " --suite " if name.startswith("notebook@") else " ")
        assert stage.cmd == f"python -m pipeline.{arguments}" and (ROOT / f"pipeline/{name.split('@')[0]}.py").is_file()


def test_everything_a_stage_reads_is_made_by_another(stages):
    made = {p for stage in stages.values() for p in paths(stage.outs)}
    for name, stage in stages.items():
        for p in paths(stage.deps):
            if p.startswith(("data/", "results/")):
                # Itself, all of a folder, or one file of a folder that a stage makes as a whole.
                assert p in made or any(m.startswith(p + "/") or p.startswith(m + "/") for m in made), (name, p)


@pytest.mark.parametrize("configuration", list(params()["configurations"]))
def test_a_trainings_data_are_its_own(stages, configuration):
    row = params()["configurations"][configuration]
    data = f"{row['dataset']}-{row['resolution']}"
    stage = stages[f"train@{configuration}"]
    assert {p for p in paths(stage.deps) if not p.startswith("data/inputs")} == {
        f"data/packed/{data}",
        f"data/extractors/{data}-{row['extractor']}",
        f"data/references/{data}-{row['extractor']}",
    }
    assert paths(stage.outs) == {f"results/{row['suite']}/runs/{configuration}"}


IN_GIT = ("correlation", "summary", "generators", "verdicts", "paper_audit", "notebook", "report")


def test_small_results_go_to_git_and_weights_do_not(stages):
    for name, stage in stages.items():
        kind = name.split("@")[0]
        cached = {out.use_cache for out in stage.outs}
        assert cached == {kind not in IN_GIT}, name
    assert YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"].keys() == {
        name.split("@")[0] for name in stages
    }
