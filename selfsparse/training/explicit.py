"""The DCGAN discriminator's loss (Eq. 13) and its gradients as one chain of formulas, in place of automatic differentiation.

The same as `objective.discriminator_loss` and its backward pass, up to rounding: the penalty's gradient of a gradient is
written out, so that all of its images go through a layer together, each layer's arithmetic is done once, and neither graph
nor nodes are made. For a CPU, and full float32 or float64. Maps are channels-last, the layout of a CPU's convolutions.

In a layer y = conv(a'), n = (y - mean y) r with r = 1 / sqrt(var y + eps), and a = LeakyReLU(n); N images, P pixels.
"""

import torch
from torch import Tensor
from torch.nn.functional import fold, leaky_relu, pad

from selfsparse.models.dcgan import LEAKY_SLOPE, DCGANDiscriminator
from selfsparse.training.objective import DiscriminatorLoss

EPS = 1e-5  # of nn.InstanceNorm2d
STRIDE, PADDING = [2, 2], [1, 1]
THIN = 4  # input channels up to which a matrix product is faster than a convolution


def _taken_in(x: Tensor, w: Tensor) -> Tensor:
    """Images or maps (N, C', H, W) as a convolution reads them: where C' is THIN, its windows (16 C', N, H / 2, W / 2)."""
    if w.shape[1] > THIN:
        return x
    windows = pad(x, (1, 1, 1, 1)).unfold(2, 4, 2).unfold(3, 4, 2)  # (N, C', H / 2, W / 2, 4, 4)
    return windows.permute(1, 4, 5, 0, 2, 3).flatten(0, 2)


def _convolve(x: Tensor, w: Tensor) -> Tensor:
    """x as taken in, w (C, C', 4, 4) -> (N, C, H / 2, W / 2)."""
    if w.shape[1] > THIN:
        return torch.conv2d(x, w, None, STRIDE, PADDING)
    return (x.flatten(1).t() @ w.flatten(1).t()).view(*x.shape[1:], len(w)).permute(0, 3, 1, 2)


def _to_weight(x: Tensor, g: Tensor, w: Tensor) -> Tensor:
    """The gradient, as w, with respect to a convolution's weight, from its input, as taken in, and its output's gradient."""
    if w.shape[1] > THIN:
        arguments = None, STRIDE, PADDING, [1, 1], False, [0, 0], 1, [False, True, False]
        return torch.ops.aten.convolution_backward(g, x, w, *arguments)[1]
    return (x.flatten(1) @ _rows(g).flatten(0, 1)).t().reshape(w.shape)


def _to_input(g: Tensor, w: Tensor) -> Tensor:
    """The gradient (N, C', H, W) with respect to a convolution's input, from that of its output."""
    height, width = g.shape[2:]
    if w.shape[1] > THIN:
        return torch.conv_transpose2d(g, w, None, STRIDE, PADDING)
    return fold(w.flatten(1).t() @ _rows(g).transpose(1, 2), (2 * height, 2 * width), 4, 1, PADDING, STRIDE)


def _rows(maps: Tensor) -> Tensor:
    """(N, C, H, W), channels-last -> (N, P, C), the same memory."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def _mean(maps: Tensor) -> Tensor:
    return maps.mean((2, 3), keepdim=True)


def _normalise(y: Tensor) -> tuple[Tensor, Tensor]:
    """n (N, C, H, W) and r (N, C, 1, 1)."""
    centred = y - _mean(y)
    r = _mean(centred.square()).add_(EPS).rsqrt_()
    return centred.mul_(r), r


def _through_norm(g: Tensor, n: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient with respect to y, r (g - mean g - n mean(g n)), and mean(g n) (N, C, 1, 1), from that to n."""
    along = _mean(g * n)
    return (g - _mean(g)).addcmul_(n, along, value=-1).mul_(r), along


def _through_activation(g: Tensor, n: Tensor) -> Tensor:
    return torch.ops.aten.leaky_relu_backward(g, n, LEAKY_SLOPE, False)


class ExplicitDiscriminator:
    """A DCGAN discriminator's loss and gradients, and its scores."""

    def __init__(self, network: DCGANDiscriminator) -> None:
        self._network = network

    def _weights(self) -> tuple[list[Tensor], Tensor]:
        """The kernels, and the score's weights (1, C, 4, 4), channels-last."""
        *kernels, score = (p.detach().contiguous(memory_format=torch.channels_last) for p in self._network.parameters())
        return kernels, score

    def _forward(
        self, images: Tensor, kernels: list[Tensor], score: Tensor
    ) -> tuple[Tensor, list[Tensor], list[tuple[Tensor, Tensor]]]:
        """Images -> scores (N,), the input of each layer and the last one's output, and n and r of each layer."""
        inputs, norms = [], []
        x = images
        for w in kernels:
            inputs.append(_taken_in(x, w))
            norms.append(_normalise(_convolve(inputs[-1], w)))
            x = leaky_relu(norms[-1][0], LEAKY_SLOPE)
        return _rows(x).flatten(1) @ _rows(score).flatten(), [*inputs, x], norms

    @torch.no_grad()
    def backward(
        self,
        real: Tensor,
        fake: Tensor,
        points: Tensor | None,
        penalty_weight: float,
        penalty_centre: int = 0,
        loss: str = "wasserstein",
    ) -> DiscriminatorLoss:
        """Return the loss, and leave its gradients in `grad` of the network's parameters.

        Args:
            real, fake: images (N, C, R, R).
            points: of the penalty (N, C, R, R); None for no penalty.
            penalty_weight, penalty_centre, loss: as of `objective.discriminator_loss`.
        """
        kernels, score = self._weights()
        n = len(real)
        scores, inputs, norms = self._forward(
            torch.cat([fake, real] if points is None else [fake, real, points]), kernels, score
        )
        of_fake, of_real = scores[:n], scores[n : 2 * n]
        to_scores = torch.full_like(scores, 1 / n)  # the gradient of the loss with respect to each score
        if loss == "hinge":
            total = (1 + of_fake).relu().mean() + (1 - of_real).relu().mean()
            to_scores[:n] *= of_fake > -1
            to_scores[n : 2 * n] *= of_real < 1
        else:
            total = of_fake.mean() - of_real.mean()
        to_scores[n : 2 * n].neg_()
        to_scores[2 * n :] = 1  # of the points, the gradient of their own scores

        # From scores to images: of real and fake the loss's gradient, of the points that of the score.
        hat = slice(2 * n, None)
        g = (to_scores[:, None, None, None] * score).contiguous(memory_format=torch.channels_last)
        chain = []  # of each layer, from the last: the gradient with respect to n, mean(g n), and to y
        for layer in reversed(range(len(kernels))):
            values, r = norms[layer]
            g = _through_activation(g, values)
            to_y, along = _through_norm(g, values, r)
            chain.append((g, along, to_y))
            if layer:
                g = _to_input(to_y, kernels[layer])
        chain.reverse()
        for parameter in self._network.parameters():  # laid out as the parameter: Adam reads both by their addresses
            parameter.grad = torch.zeros_like(parameter)
        *grads, of_score = (parameter.grad for parameter in self._network.parameters())
        of_score += (to_scores[: 2 * n] @ _rows(inputs[-1][: 2 * n]).flatten(1)).view(4, 4, -1).permute(2, 0, 1)
        penalty = total.new_zeros(())
        if points is not None:
            gradient = _to_input(chain[0][2][hat], kernels[0])
            penalty, u = _penalty(gradient, penalty_centre)
            u *= penalty_weight
            # Back through that chain, from images to scores: u is the gradient with respect to what came out of a layer ...
            seconds = []
            for layer, (w, (g, along, to_y), (values, r)) in enumerate(zip(kernels, chain, norms, strict=True)):
                g, along, to_y, values, r = g[hat], along[hat], to_y[hat], values[hat], r[hat]
                u = _taken_in(u, w)
                grads[layer] += _to_weight(u, to_y, w)
                v = _convolve(u, w)
                u, v_along = _through_norm(v, values, r)
                u = _through_activation(u, values)
                to_r = (v * to_y).sum((2, 3), keepdim=True) / r
                to_n = v.mul_(along).addcmul_(g, v_along).mul_(-r)
                seconds.append((to_n, to_r))
            of_score += u.sum(0)
            # ... and through the layers themselves, whose n and r that chain depends on.
            q = None
            for layer in reversed(range(len(kernels))):
                (to_n, to_r), values, r = seconds[layer], norms[layer][0][hat], norms[layer][1][hat]
                if q is not None:
                    to_n += _through_activation(q, values)
                to_y, _ = _through_norm(to_n, values, r)
                to_y.addcmul_(values, to_r * r.square() / (-values[0, 0].numel()))
                chain[layer][2][hat] = to_y
                if layer:
                    q = _to_input(to_y, kernels[layer])
        for w, grad, x, (_, _, to_y) in zip(kernels, grads, inputs[:-1], chain, strict=True):
            grad += _to_weight(x, to_y, w)
        return DiscriminatorLoss(total + penalty_weight * penalty, penalty)

    def scores(self, images: Tensor) -> Tensor:
        """Images (N, C, R, R) -> scores (N,), which can be differentiated once, with respect to the images alone."""
        return _Scores.apply(images, self)


def _penalty(gradient: Tensor, centre: int) -> tuple[Tensor, Tensor]:
    """`objective.gradient_penalty` of a gradient (N, C, R, R), and the penalty's own with respect to it."""
    if centre == 0:
        return gradient.square().sum((1, 2, 3)).mean(), gradient * (2 / len(gradient))
    norm = torch.linalg.vector_norm(gradient, dim=(1, 2, 3), keepdim=True)
    slope = torch.where(norm > 0, (norm - 1) / norm, 0)
    return (norm - 1).square().mean(), slope * gradient * (2 / len(gradient))


class _Scores(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images: Tensor, explicit: ExplicitDiscriminator) -> Tensor:
        kernels, score = explicit._weights()
        scores, _, norms = explicit._forward(images, kernels, score)
        ctx.save_for_backward(*(tensor for norm in norms for tensor in norm))
        ctx.weights = kernels, score
        return scores

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, to_scores: Tensor) -> tuple[Tensor, None]:
        (kernels, score), saved = ctx.weights, ctx.saved_tensors
        g = (to_scores[:, None, None, None] * score).contiguous(memory_format=torch.channels_last)
        for w, n, r in zip(reversed(kernels), saved[-2::-2], saved[::-2], strict=True):
            g = _to_input(_through_norm(_through_activation(g, n), n, r)[0], w)
        return g, None
