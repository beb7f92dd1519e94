"""`pip install .` without the suite: the module, the networks and trained generators need no package beyond its own."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from small_project import CONFIGURATION, ROOT

# In a process that can import nothing of the distributions that only the suite brings.
CODE = """
import sys
from importlib.machinery import PathFinder

class Light(PathFinder):
    @classmethod
    def find_spec(cls, name, *place):
        return None if name.partition(".")[0] in {missing!r} else super().find_spec(name, *place)

sys.meta_path = [Light if finder is PathFinder else finder for finder in sys.meta_path]
import torch
from selfsparse import SASTM, load_generator
from selfsparse.models.build import build_discriminator, build_generator

x = SASTM(latent_dim=8, channels=4, size=4)(torch.randn(2, 4, 4, 4), torch.randn(2, 8))
generator = load_generator({run!r})
discriminator = build_discriminator(generator.configuration)
images = generator.sample(4)
generator.save_pretrained("saved")
again = load_generator("saved")
print(tuple(x.shape), tuple(images.shape), discriminator(generator(torch.randn(2, 32))).shape, torch.equal(again.sample(4), images))
from torchvision.utils import save_image  # as the README does
save_image(images / 255, "images.png")
try:
    import selfsparse.__main__
except SystemExit as end:
    print(end)
"""


def installed_with(names: list[str]) -> set[str]:
    """The distributions that come with some, by what their metadata ask for on this machine."""
    found: set[str] = set()
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            wanted = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:  # of another platform
            continue
        found.add(name)
        waiting += [canonicalize_name(r.name) for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


def test_a_generator_is_loaded_without_the_suite(trained):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    light = installed_with([Requirement(text).name for text in project["dependencies"]])
    suite = {canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"]["suite"]}
    assert len(suite - light) > 10 and not {"dvc", "pandas", "scipy", "ruamel-yaml"} & light
    named = {module: {*map(canonicalize_name, names)} for module, names in packages_distributions().items()}
    missing = {module for module, names in named.items() if module != "selfsparse" and not names & light}
    assert {"dvc", "pandas", "scipy", "ruamel", "matplotlib", "papermill"} <= missing
    code = CODE.format(missing=missing, run=f"results/quick/runs/{CONFIGURATION}/seed0")
    command, own = [sys.executable, "-c", code], {"PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=trained, env=own, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    shapes, *said = found.stdout.splitlines()
    assert shapes == "(2, 4, 4, 4) (4, 1, 16, 16) torch.Size([2]) True" and (trained / "images.png").is_file()
    if "typer" in missing:  # which early releases of huggingface_hub bring
        assert said[0] == (
            "error: the command selfsparse is part of the suite, which is not installed here: pip install '.[suite]'"
        )
