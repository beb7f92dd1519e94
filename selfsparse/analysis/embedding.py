"""The figures that an executed notebook links to, put into what `jupyter nbconvert` makes of it."""

import base64
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from selfsparse.analysis.notebooks import FIGURES


class EmbedFigures(Preprocessor):
    """Replaces links to results/<suite>/figures/ by the figures, where they exist, so that a page is whole anywhere.

    nbconvert's own --embed-images leaves out whatever lies outside the notebook's folder, and LaTeX knows no HTML.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Change the outputs of one cell; paths count from nbconvert's resources, from the notebook's own folder."""
        folder = Path(resources.get("metadata", {}).get("path", "")) / FIGURES
        for output in cell.get("outputs", []):
            figure = output.get("metadata", {}).get("figure")
            if figure and (folder / figure["file"]).is_file():
                png = base64.b64encode((folder / figure["file"]).read_bytes()).decode()
                output.data = {"image/png": png, "text/plain": figure["alt"]}
                output.metadata = {"image/png": {"alt": figure["alt"], "width": figure["width"]}}
        return cell, resources
