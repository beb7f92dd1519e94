"""Trained generators outside the pipeline: loading, drawing, exporting and sharing them."""
