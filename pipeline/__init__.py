"""The pipeline's stages, one thin script each; dvc.yaml runs them."""
