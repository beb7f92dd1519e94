"""PyTorch's Adam without PyTorch's compiler, whose import takes each process two seconds."""

import inspect

import torch


class Adam(torch.optim.Adam):
    """torch.optim.Adam, its numbers and its state, for programs that compile nothing.

    PyTorch wraps these methods so that its compiler leaves them alone, and the wrappers import it at the first call.
    """

    add_param_group, zero_grad, state_dict, load_state_dict = (
        inspect.unwrap(getattr(torch.optim.Adam, name))
        for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    )
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
