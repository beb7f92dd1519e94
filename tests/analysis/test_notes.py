"""What every table says of images that are not the paper's."""

from small_project import write_project

from selfsparse.analysis.page import open_page
from selfsparse.analysis.table import Table, said
from selfsparse.config import load_settings
from selfsparse.results.comparability import image_note, image_notes


def notes(folder, suite: str, changes: dict | None = None) -> list[str]:
    return image_notes(load_settings(write_project(folder, changes) / "params.yaml").suite(suite), {})


def test_the_paper_suite_says_its_subset_of_lsun(tmp_path):
    sketch = "Sketch: drawings of one's own, as the paper's are private."
    assert notes(tmp_path, "paper") == ["LSUN bedrooms: a subset of 303,125 of 3,033,042 images.", sketch]
    assert notes(tmp_path, "paper", {"sources.lsun_bedroom.images": "all"}) == [sketch]
    assert notes(tmp_path, "quick") == []
    (controls,) = notes(tmp_path, "controls")
    assert controls.startswith("sketch_substitute:") and "not the paper's Sketch" in controls


def test_what_was_trained_counts_not_what_the_settings_say_today(tmp_path):
    settings = load_settings(write_project(tmp_path, {"sources.lsun_bedroom.images": "all"}) / "params.yaml")
    trained = {"lsun_bedroom-64-wgan_gp": {"settings": {"source": {"download": True, "images": 1000}}}}
    found = image_notes(settings.suite("paper"), trained)
    assert "LSUN bedrooms: a subset of 1,000 of 3,033,042 images." in found and len(found) == 2


def test_the_papers_own_images_need_no_note():
    assert image_note("lsun_bedroom", {"images": 3_033_042}) == image_note("cifar10", {"split": "all"}) == ""
    assert "50,000" in image_note("cifar10", {"split": "train"})


def test_the_note_stands_under_a_table(tmp_path, monkeypatch):
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    page = open_page("paper", "table_fid")
    table = page.table("any", Table([{"a": 1}], {"a": said("a")}, "Some numbers."))
    shown, about = table._repr_mimebundle_()
    for kind in ("text/markdown", "text/latex"):
        assert "Some numbers. LSUN bedrooms: a subset of 303,125 of 3,033,042 images. Sketch:" in shown[kind]
    assert about == {"table": "any"}
    assert page.table("none", Table([], {"a": said("a")}, "")).data.startswith("This suite")
