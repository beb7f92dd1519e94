"""Adam is PyTorch's own, and neither it nor the counter of FLOPs brings PyTorch's compiler in."""

import subprocess
import sys

import torch

from selfsparse.adam import Adam

WITHOUT_COMPILER = """
import sys, torch
from selfsparse.adam import Adam
from selfsparse.models.counting import forward_flops
network = torch.nn.Linear(3, 2)
assert forward_flops(network, torch.zeros(1, 3)) == 12
optimizer = Adam(network.parameters(), fused=True)
for _ in range(2):
    optimizer.zero_grad()
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
sys.exit("torch._dynamo" in sys.modules)
"""


def trained(kind: type[torch.optim.Adam], fused: bool) -> list[torch.Tensor]:
    """Weights after 20 steps, in the middle of which the optimizer's state goes to a new one."""
    rng = torch.Generator().manual_seed(0)
    weights = [torch.randn(5, 4, generator=rng).requires_grad_(), torch.randn(3, 5, generator=rng).requires_grad_()]
    optimizer = kind(weights, lr=0.01, betas=(0.5, 0.9), fused=fused)
    for step in range(20):
        optimizer.zero_grad()
        (weights[1] @ weights[0] @ torch.randn(4, 8, generator=rng)).square().mean().backward()
        optimizer.step()
        if step == 9:
            state = optimizer.state_dict()
            optimizer = kind(weights, lr=0.5)
            optimizer.load_state_dict(state)
    return [weight.detach() for weight in weights]


def test_it_is_pytorchs_adam_to_the_bit():
    for fused in (False, True):
        for own, theirs in zip(trained(Adam, fused), trained(torch.optim.Adam, fused), strict=True):
            assert torch.equal(own, theirs)


def test_it_works_without_the_compiler():
    subprocess.run([sys.executable, "-c", WITHOUT_COMPILER], check=True)
