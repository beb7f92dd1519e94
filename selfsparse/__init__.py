"""Self-Sparse Generative Adversarial Networks, reproduced: model, training, measures and analysis."""
