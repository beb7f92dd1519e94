"""A figure on its way to the page."""

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure with the name of its files, and the text for those who cannot see it."""

    name: str
    figure: Figure
    alt: str
