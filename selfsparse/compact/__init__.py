"""What sparsity saves: the smaller generator that a trained Self-Sparse GAN allows, and what it saves."""
