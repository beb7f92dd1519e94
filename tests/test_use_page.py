"""The code of docs/use.md and of README.md runs, in order, in a project with one trained run."""

import re
import shutil
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import hub_mixin
from PIL import Image
from small_project import CONFIGURATION, ROOT, SMALL, run, write_project

from selfsparse.config import load_settings
from selfsparse.hub.export import export_run
from selfsparse.training.loop import train_runs

PAGE = ROOT / "docs/use.md"


def blocks(path, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"))


@pytest.fixture
def project(small, keep_signals, monkeypatch):
    """A trained run, which is also among the generators of git; the Hub is the folder of the project."""
    settings = load_settings(write_project(small, SMALL) / "params.yaml")
    train_runs(settings, settings.configuration(CONFIGURATION), [0], torch.device("cpu"))
    export_run(settings.configuration(CONFIGURATION), 0, "best", small / f"results/quick/generators/{CONFIGURATION}")
    client = SimpleNamespace(
        create_repo=lambda repo_id, **options: SimpleNamespace(repo_id=repo_id),
        upload_folder=lambda repo_id, folder_path, **options: shutil.copytree(folder_path, small / repo_id),
    )
    monkeypatch.setattr(hub_mixin, "HfApi", lambda **options: client)
    return small


@pytest.mark.slow
def test_the_page_runs(project):
    command = re.search(r"(?m)^(selfsparse export .*)", PAGE.read_text(encoding="utf-8"))[1].split()
    found = run(project, *command)
    assert (found.returncode, found.stderr) == (0, "")
    names: dict = {}
    for code in blocks(PAGE, "python"):
        exec(compile(code, str(PAGE), "exec"), names)
    with Image.open(project / "images.png") as image:
        assert image.format == "PNG" and image.size == (8 * 18 + 2, 8 * 18 + 2)  # 64 of 16 x 16, margins of 2
    assert names["images"].shape == (32, 3, 16, 16) and names["generator"].card.startswith("---\n")
    assert names["alpha"].shape == (32, 128) and names["beta"].shape == (32, 4, 4)
    assert names["smaller"].latent_dim == 32


def test_the_module_is_added_in_ten_lines():
    code = next(code for code in blocks(PAGE, "python") if "SparseGenerator(Generator)" in code)
    assert len([line for line in code.splitlines() if line.strip()]) == 10


def test_the_added_module_is_that_of_the_equations():
    """The page's generator against Eq. 3 written out, and gradients that reach both heads of both modules."""
    names: dict = {}
    for code in blocks(PAGE, "python"):
        if "class " in code:
            exec(compile(code, str(PAGE), "exec"), names)
    torch.manual_seed(0)
    sparse = names["SparseGenerator"]()
    z = torch.randn(6, 64)
    y = z[:, :, None, None]
    for deconv, sastm, norm in (
        (sparse.deconv1, sparse.sastm1, sparse.bn1),
        (sparse.deconv2, sparse.sastm2, sparse.bn2),
    ):
        alpha, beta = sastm.coefficients(z)
        h = deconv(y)
        y = norm(torch.einsum("nc,nchw->nchw", alpha, h) + torch.einsum("nhw,nchw->nchw", beta, h)).relu()
    images = sparse(z)
    torch.testing.assert_close(images, torch.tanh(sparse.deconv3(y)), rtol=1e-4, atol=1e-5)
    images.square().mean().backward()
    heads = [head for sastm in (sparse.sastm1, sparse.sastm2) for head in (sastm.channel_head, sastm.position_head)]
    assert all(any(p.grad is not None and p.grad.any() for p in head.parameters()) for head in heads)


def test_the_readmes_python_runs(project):
    for code in blocks(ROOT / "README.md", "python"):
        exec(compile(code, "README.md", "exec"), {})


def test_the_links_of_the_page_lead_somewhere():
    links = re.findall(r"\]\(([^)#\s]+)", PAGE.read_text(encoding="utf-8"))
    assert links and all((PAGE.parent / link).exists() for link in links)
