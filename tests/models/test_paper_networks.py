"""The paper's networks at true width, layer by layer, against its tables, transcribed and added up by hand here.

Nothing below reads params.yaml or the library to know an answer. Conventions of the tables: DeConv and Conv are 4 x 4,
the first DeConv and the last Conv with stride 1 and padding 0, the others with stride 2 and padding 1. No convolution
has a bias, except inside g2 and in SAGAN's discriminator, which has no norm; a batch norm has two parameters per
channel, an instance norm none.
"""

import itertools
from collections import Counter
from typing import NamedTuple

import pytest
import torch
from small_project import ROOT, write_project
from torch import nn

from selfsparse.config import Configuration, load_settings
from selfsparse.models.build import build_discriminator, build_generator, count_parameters, count_sastm_parameters

# --- Transcribed: (channels in, channels out, height and width out) of every DeConv and Conv, per table. ---------------

GENERATORS = {
    "A1": [(100, 256, 4), (256, 128, 8), (128, 64, 16), (64, 1, 32)],
    "A1 CIFAR-10": [(128, 256, 4), (256, 128, 8), (128, 64, 16), (64, 3, 32)],
    "A2": [(100, 128, 4), (128, 128, 8), (128, 128, 16), (128, 128, 32), (128, 1, 64)],
    "A2 CIFAR-10": [(128, 128, 4), (128, 128, 8), (128, 128, 16), (128, 128, 32), (128, 3, 64)],
    "A3": [(100, 512, 4), (512, 256, 8), (256, 128, 16), (128, 64, 32), (64, 32, 64), (32, 1, 128)],
    "A3 CIFAR-10": [(128, 512, 4), (512, 256, 8), (256, 128, 16), (128, 64, 32), (64, 32, 64), (32, 3, 128)],
    "B1": [(100, 128, 4), (128, 128, 8), (128, 128, 16), (128, 128, 32), (128, 1, 64)],
    "B2": [(100, 128, 4), (128, 128, 8), (128, 128, 16), (128, 128, 32), (128, 128, 64), (128, 1, 128)],
    "C1": [(128, 512, 4), (512, 256, 8), (256, 128, 16), (128, 64, 32), (64, 3, 64)],
    "C2": [(128, 512, 4), (512, 256, 8), (256, 128, 16), (128, 64, 32), (64, 32, 64), (32, 3, 128)],
    "D1": [(128, 512, 4), (512, 256, 8), (256, 128, 16), (128, 3, 32)],
    "D2": [(128, 512, 4), (512, 256, 8), (256, 128, 16), (128, 64, 32), (64, 3, 64)],
}
DISCRIMINATORS = {
    "A1": [(1, 64, 16), (64, 128, 8), (128, 256, 4), (256, 1, 1)],
    "A1 CIFAR-10": [(3, 64, 16), (64, 128, 8), (128, 256, 4), (256, 1, 1)],
    "A2": [(1, 128, 32), (128, 128, 16), (128, 128, 8), (128, 128, 4), (128, 1, 1)],
    "A2 CIFAR-10": [(3, 128, 32), (128, 128, 16), (128, 128, 8), (128, 128, 4), (128, 1, 1)],
    "A3": [(1, 32, 64), (32, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1)],
    "A3 CIFAR-10": [(3, 32, 64), (32, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1)],
    "B1": [(1, 128, 32), (128, 128, 16), (128, 128, 8), (128, 128, 4), (128, 1, 1)],
    "B2": [(1, 128, 64), (128, 128, 32), (128, 128, 16), (128, 128, 8), (128, 128, 4), (128, 1, 1)],
    "C1": [(3, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1)],
    "C2": [(3, 32, 64), (32, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1)],
    "D1": [(3, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1)],
    "D2": [(3, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1)],
}
# The widths of f, and whether g2 has the Linear 512 -> 256 = 16 x 16.
SASTMS = {"A4": ((1024, 512), True), "B3": ((1024, 512, 256), False), "C3": ((256,), False), "D3": ((1024, 512), True)}
# D3 prints f up to 256, but g1 and g2 from 512: its third Linear is left out (U22). D4 and Table 5 are C3.
SASTM_OF = {
    "A1": "A4", "A1 CIFAR-10": "A4", "A2": "A4", "A2 CIFAR-10": "A4", "A3": "A4", "A3 CIFAR-10": "A4",
    "B1": "B3", "B2": "B3", "C1": "C3", "C2": "C3", "D1": "D3", "D2": "C3", "T6": "C3",
}  # fmt: skip
# g2 from 16 x 16 to each size (U21): (layer, size out, parameters), all with one channel and a bias: 16 + 1, 9 + 1.
G2 = {
    4: [("Conv 4x4 s2 p1", 8, 17), ("Conv 4x4 s2 p1", 4, 17)],
    8: [("Conv 4x4 s2 p1", 8, 17)],
    16: [("Conv 3x3 s1 p1", 16, 10)],
    32: [("DeConv 4x4 s2 p1", 32, 17)],
    64: [("DeConv 4x4 s2 p1", 32, 17), ("DeConv 4x4 s2 p1", 64, 17)],
}
# Table 6, completed (U27): the printed blocks are those up to 16 x 16, and down to 8 x 8.
RESNET_FIRST = (128, 512, 4)
RESNET_UP = [(512, 256, 8), (256, 128, 16), (128, 64, 32), (64, 64, 64)]
RESNET_DOWN = [(64, 128, 16), (128, 256, 8), (256, 512, 4)]

# --- Added up by hand: parameters of the generator without its SASTMs, of its SASTMs, of the discriminator. ------------

# One stage's f: A4 and D3, z 100: 101*1024 + 1025*512 = 103,424 + 524,800 = 628,224; z 128: 28*1024 more = 656,896
#                B3, z 100: 628,224 + 513*256 = 759,552; C3: 129*256 = 33,024
# One stage's g2: 34 at 4, 17 at 8, 10 at 16, 17 at 32, 34 at 64: in all 61 to 16, 78 to 32, 112 to 64;
#                A4 and D3 before it a Linear of 513*256 = 131,328
# A1   G 16 (100*256 + 256*128 + 128*64 + 64*1) = 16 * 66,624 = 1,065,984; BN 2 (256 + 128 + 64) = 896
#      S 3 (628,224 + 131,328) + 513*448 + 61 = 2,278,656 + 229,824 + 61
#      D 16 (1*64 + 64*128 + 128*256 + 256*1) = 16 * 41,280
# A1 CIFAR-10  G 16 (128*256 + 256*128 + 128*64 + 64*3) = 16 * 73,920 = 1,182,720; BN 896
#      S 28*1024*3 = 86,016 more than A1;  D 16 (3 - 1)*64 = 2,048 more
# A2   G 16 (100*128 + 3*128*128 + 128*1) = 16 * 62,080 = 993,280; BN 2*512 = 1,024
#      S 4 (628,224 + 131,328) + 513*512 + 78 = 3,038,208 + 262,656 + 78
#      D 16 (1*128 + 3*128*128 + 128*1) = 16 * 49,408
# A2 CIFAR-10  G 16 (128*128 + 3*128*128 + 128*3) = 16 * 65,920 = 1,054,720; BN 1,024
#      S 28*1024*4 = 114,688 more;  D 16 (3 - 1)*128 = 4,096 more
# A3   G 16 (100*512 + 512*256 + 256*128 + 128*64 + 64*32 + 32*1) = 16 * 225,312 = 3,604,992; BN 2*992 = 1,984
#      S 5 (628,224 + 131,328) + 513*992 + 112 = 3,797,760 + 508,896 + 112
#      D 16 (1*32 + 32*64 + 64*128 + 128*256 + 256*512 + 512*1) = 16 * 174,624
# A3 CIFAR-10  G 16 (128*512 + 131,072 + 32,768 + 8,192 + 2,048 + 32*3) = 16 * 239,712 = 3,835,392; BN 1,984
#      S 28*1024*5 = 143,360 more;  D 16 (3 - 1)*32 = 1,024 more
# B1   G and D as A2;  S 4 * 759,552 + 257*512 + 78 = 3,038,208 + 131,584 + 78
# B2   G 16 (100*128 + 4*128*128 + 128*1) = 16 * 78,464 = 1,255,424; BN 2*640 = 1,280
#      S 5 * 759,552 + 257*640 + 112 = 3,797,760 + 164,480 + 112
#      D 16 (1*128 + 4*128*128 + 128*1) = 16 * 65,792
# C1   G 16 (128*512 + 512*256 + 256*128 + 128*64 + 64*3) = 16 * 237,760 = 3,804,160; BN 2*960 = 1,920
#      S 4 * 33,024 + 257*960 + 78 = 132,096 + 246,720 + 78
#      D 16 (3*64 + 64*128 + 128*256 + 256*512 + 512*1) = 16 * 172,736
# C2   G and D as A3 CIFAR-10;  S 5 * 33,024 + 257*992 + 112 = 165,120 + 254,944 + 112
# D1   G 16 (128*512 + 512*256 + 256*128 + 128*3) = 16 * 229,760 = 3,676,160; BN 2*896 = 1,792
#      S 3 (656,896 + 131,328) + 513*896 + 61 = 2,364,672 + 459,648 + 61
#      D 16 (3*128 + 128*256 + 256*512 + 512*1) = 16 * 164,736
# T6   G first block 16*128*512 = 1,048,576
#        512->256: BN 1,024 + 9*512*256 = 1,179,648 + BN 512 + 9*256*256 = 589,824 + 1x1 131,072 = 1,902,080
#        256->128: BN 512 + 294,912 + BN 256 + 147,456 + 1x1 32,768 = 475,904
#        128->64:  BN 256 + 73,728 + BN 128 + 36,864 + 1x1 8,192 = 119,168
#        64->64:   BN 128 + 36,864 + BN 128 + 36,864 = 73,984, nothing on the skip path
#        head: BN 128 + 9*64*3 = 1,728
#      S 5 * 33,024 + 257*(512 + 256 + 128 + 64 + 64) + 112 = 165,120 + 263,168 + 112
#      D first 16*3*64 = 3,072
#        64->128: 9*64*128 = 73,728 + 9*128*128 = 147,456 + 1x1 8,192 = 229,376
#        128->256: 294,912 + 589,824 + 32,768 = 917,504;  256->512: 1,179,648 + 2,359,296 + 131,072 = 3,670,016
#        last 16*512 = 8,192
# SAGAN  attention on C channels: queries, keys, values, outputs, C * C/8 each, and gamma: 4*64*8 + 1 = 2,049 at the
#        32 x 32 of C2, 4*128*16 + 1 = 8,193 at that of B2; spectral normalisation has no parameters
#        G C2's 3,837,376 + 2,049;  D C2's 2,795,008 + biases 32 + 64 + 128 + 256 + 512 + 1 = 993 + 2,049
#        G B2's 1,256,704 + 8,193;  D B2's 1,052,672 + biases 5*128 + 1 = 641 + 8,193
TOTALS = {
    "A1": (1_066_880, 2_508_541, 660_480),
    "A1 CIFAR-10": (1_183_616, 2_594_557, 662_528),
    "A2": (994_304, 3_300_942, 790_528),
    "A2 CIFAR-10": (1_055_744, 3_415_630, 794_624),
    "A3": (3_606_976, 4_306_768, 2_793_984),
    "A3 CIFAR-10": (3_837_376, 4_450_128, 2_795_008),
    "B1": (994_304, 3_169_870, 790_528),
    "B2": (1_256_704, 3_962_352, 1_052_672),
    "C1": (3_806_080, 378_894, 2_763_776),
    "C2": (3_837_376, 420_176, 2_795_008),
    "D1": (3_677_952, 2_824_381, 2_635_776),
    "D2": (3_806_080, 378_894, 2_763_776),
    "T6": (3_621_568, 428_400, 4_828_160),
    "C2 SAGAN": (3_839_425, 0, 2_798_050),
    "B2 SAGAN": (1_264_897, 0, 1_061_506),
}
# Without PSM no g2: B2 3,797,760 + 164,480; C1 132,096 + 246,720. Without CSM no g1: 3,797,760 + 112; 132,096 + 78.
ABLATED = {
    ("B2", "without_psm"): 3_962_240,
    ("B2", "without_csm"): 3_797_872,
    ("C1", "without_psm"): 378_816,
    ("C1", "without_csm"): 132_174,
}
# What the SASTMs add to the generator, in per cent, and the generator's millions of parameters: a second computation.
SHARES = {"A1": (1.07, 235), "A3": (3.61, 119), "B1": (1.0, 319), "B2": (1.26, 315), "C1": (3.8, 10), "D1": (3.68, 77)}

# --- Which tables each configuration follows. ---------------------------------------------------------------------------

TABLES = {
    "mnist-32": "A1",
    "mnist-128": "A3",
    "fashion_mnist-64": "B1",
    "fashion_mnist-128": "B2",
    "cifar10-128": "A3 CIFAR-10",
    "stl10-64": "C1",
    "mini_imagenet-32": "D1",
    "mini_imagenet-64": "D2",
    "celeba_hq-64": "C1",
    "celeba_hq-128": "C2",
    "lsun_bedroom-64": "C1",
    "lsun_bedroom-128": "C2",
    "sketch-128": "B2",
    "sketch_substitute-128": "B2",
}
# As many parameters as the Self-Sparse generator, in the generator alone; the discriminator is the table's own.
# mnist-32  520, 264, 128: 16 (100*520 + 520*264 + 264*128 + 128*1) = 16 * 223,200 = 3,571,200; BN 2*912 = 1,824
# fashion_mnist-128  5 x 272: 16 (100*272 + 4*272*272 + 272*1) = 16 * 323,408 = 5,174,528; BN 2*1,360 = 2,720
# stl10-64  536, 272, 136, 64: 16 (128*536 + 536*272 + 272*136 + 136*64 + 64*3) = 16 * 260,288 = 4,164,608; BN 2*1,008
MATCHED = {"mnist-32": 3_573_024, "fashion_mnist-128": 5_177_248, "stl10-64": 4_166_624}


class Layer(NamedTuple):
    kind: str
    shape: tuple[int, ...]
    parameters: int = 0


def sastm_layers(table: str, z: int, channels: int, size: int, model: str) -> list[Layer]:
    widths, linear = SASTMS[SASTM_OF[table]]
    rows = []
    for a, b in itertools.pairwise([z, *widths]):
        rows += [Layer("Linear", (b,), (a + 1) * b), Layer("ReLU", (b,))]
    if model != "without_csm":
        rows += [Layer("Linear", (channels,), (widths[-1] + 1) * channels), Layer("ReLU", (channels,))]
    if model != "without_psm":
        if linear:
            rows += [Layer("Linear", (256,), 513 * 256), Layer("ReLU", (256,))]
        rows += [Layer("Unflatten", (1, 16, 16))]
        rows += [Layer(kind, (1, to, to), n) for kind, to, n in G2[size]]
        rows += [Layer("ReLU", (1, size, size))]
    return rows


def attention_layers(channels: int, size: int) -> list[Layer]:
    inner = channels // 8
    return [
        *[Layer("Conv 1x1 s1 p0", (inner, size, size), channels * inner)] * 3,
        Layer("Conv 1x1 s1 p0", (channels, size, size), channels * inner),
        Layer("SelfAttention", (channels, size, size), 1),
    ]


def generator_layers(table: str, model: str) -> list[Layer]:
    """Of the DCGAN-like tables, in the order of the forward pass."""
    rows = []
    *stages, (before, channels, size) = GENERATORS[table]
    for a, b, n in stages:
        rows.append(Layer("DeConv 4x4 s1 p0" if n == 4 else "DeConv 4x4 s2 p1", (b, n, n), 16 * a * b))
        if model not in ("wgan_gp", "sagan"):
            rows += sastm_layers(table, stages[0][0], b, n, model)
        rows += [Layer("BatchNorm2d", (b, n, n), 2 * b), Layer("ReLU", (b, n, n))]
        if model == "sagan" and n == 32:
            rows += attention_layers(b, n)
    image = (channels, size, size)
    return [*rows, Layer("DeConv 4x4 s2 p1", image, 16 * before * channels), Layer("Tanh", image)]


def discriminator_layers(table: str, model: str) -> list[Layer]:
    rows = []
    *stages, (before, _, _) = DISCRIMINATORS[table]
    bias = model == "sagan"
    for a, b, n in stages:
        rows.append(Layer("Conv 4x4 s2 p1", (b, n, n), (16 * a + bias) * b))
        if model != "sagan":
            rows.append(Layer("InstanceNorm2d", (b, n, n)))
        rows.append(Layer("LeakyReLU", (b, n, n)))
        if model == "sagan" and n == 32:
            rows += attention_layers(b, n)
    return [*rows, Layer("Conv 4x4 s1 p0", (1, 1, 1), 16 * before + bias)]


def resnet_generator_layers(model: str) -> list[Layer]:
    z, width, n = RESNET_FIRST
    sparse = model != "wgan_gp"
    rows = [Layer("DeConv 4x4 s1 p0", (width, n, n), 16 * z * width)]
    rows += sastm_layers("T6", z, width, n, model) if sparse else []
    for a, b, n in RESNET_UP:
        half = n // 2
        rows += [
            Layer("BatchNorm2d", (a, half, half), 2 * a),
            Layer("ReLU", (a, half, half)),
            Layer("Upsample", (a, n, n)),
            Layer("Conv 3x3 s1 p1", (b, n, n), 9 * a * b),
            Layer("BatchNorm2d", (b, n, n), 2 * b),
            Layer("ReLU", (b, n, n)),
            Layer("Conv 3x3 s1 p1", (b, n, n), 9 * b * b),
        ]
        rows += sastm_layers("T6", z, b, n, model) if sparse else []
        rows += [Layer("Upsample", (a, n, n))]
        rows += [Layer("Identity", (b, n, n)) if a == b else Layer("Conv 1x1 s1 p0", (b, n, n), a * b)]
    return [
        *rows,
        Layer("BatchNorm2d", (64, 64, 64), 128),
        Layer("ReLU", (64, 64, 64)),
        Layer("Conv 3x3 s1 p1", (3, 64, 64), 9 * 64 * 3),
        Layer("Tanh", (3, 64, 64)),
    ]


def resnet_discriminator_layers() -> list[Layer]:
    rows = [Layer("Conv 4x4 s2 p1", (64, 32, 32), 16 * 3 * 64)]
    for a, b, n in RESNET_DOWN:
        twice = 2 * n
        rows += [
            Layer("InstanceNorm2d", (a, twice, twice)),
            Layer("LeakyReLU", (a, twice, twice)),
            Layer("Conv 3x3 s1 p1", (b, twice, twice), 9 * a * b),
            Layer("InstanceNorm2d", (b, twice, twice)),
            Layer("LeakyReLU", (b, twice, twice)),
            Layer("Conv 3x3 s1 p1", (b, twice, twice), 9 * b * b),
            Layer("AvgPool2d", (b, n, n)),
            Layer("Conv 1x1 s1 p0", (b, twice, twice), a * b),
            Layer("AvgPool2d", (b, n, n)),
        ]
    return [
        *rows,
        Layer("InstanceNorm2d", (512, 4, 4)),
        Layer("LeakyReLU", (512, 4, 4)),
        Layer("Conv 4x4 s1 p0", (1, 1, 1), 16 * 512),
    ]


def expected_layers(table: str, model: str) -> tuple[list[Layer], list[Layer]]:
    """Generator's and discriminator's."""
    if table == "T6":
        return resnet_generator_layers(model), resnet_discriminator_layers()
    return generator_layers(table, model), discriminator_layers(table, model)


def expected_totals(table: str, model: str) -> tuple[int, int, int]:
    """Parameters of the generator, of which SASTMs; of the discriminator."""
    base, sastm, discriminator = TOTALS[f"{table} SAGAN" if model == "sagan" else table]
    sastm = {"wgan_gp": 0, "sagan": 0, "self_sparse": sastm}.get(model, ABLATED.get((table, model)))
    return base + sastm, sastm, discriminator


def total(layers: list[Layer]) -> int:
    return sum(layer.parameters for layer in layers)


# --- What the library built. ---------------------------------------------------------------------------------------------


def kind_of(module: nn.Module) -> str:
    for kind, known in (("DeConv", nn.ConvTranspose2d), ("Conv", nn.Conv2d)):
        if isinstance(module, known):  # spectral normalisation makes a class of its own
            assert module.dilation == (1, 1) and module.groups == 1
            (k, _), (s, _), (p, _) = module.kernel_size, module.stride, module.padding
            assert (module.kernel_size, module.stride, module.padding) == ((k, k), (s, s), (p, p))
            return f"{kind} {k}x{k} s{s} p{p}"
    return type(module).__name__


def recorded_layers(network: nn.Module, inputs: torch.Tensor) -> list[Layer]:
    """Every layer without layers of its own, in the order of a forward pass, by forward hooks."""
    rows: list[Layer] = []

    def record(module: nn.Module, _: object, output: torch.Tensor) -> None:
        own = module.parameters(recurse=type(module).__name__ != "SelfAttention")  # its gamma alone
        rows.append(Layer(kind_of(module), tuple(output.shape[1:]), sum(p.numel() for p in own)))

    for name, module in network.named_modules():
        children = [child for child, _ in module.named_children() if child != "parametrizations"]
        if "parametrizations" not in name and (not children or type(module).__name__ == "SelfAttention"):
            module.register_forward_hook(record)
    assert network(inputs).shape in ((2,), (2, *rows[-1].shape))  # scores, or images
    return rows


def build(configuration: Configuration) -> tuple[nn.Module, nn.Module]:
    with torch.device("meta"):
        return build_generator(configuration), build_discriminator(configuration)


_checked: dict[tuple[str, str], tuple[str, str]] = {}


def check(configuration: Configuration, table: str, model: str) -> None:
    generator, discriminator = build(configuration)
    found = count_parameters(generator), count_sastm_parameters(generator), count_parameters(discriminator)
    assert found == expected_totals(table, model), configuration.name
    printed = repr(generator), repr(discriminator)
    if (table, model) in _checked:  # a pass on the meta device takes a tenth of a second: one for each distinct network
        assert _checked[table, model] == printed, configuration.name
        return
    z = torch.empty(2, GENERATORS[table][0][0] if table != "T6" else RESNET_FIRST[0], device="meta")
    in_generator, in_discriminator = expected_layers(table, model)
    images = torch.empty(2, *in_generator[-1].shape, device="meta")
    assert recorded_layers(generator, z) == in_generator, configuration.name
    assert recorded_layers(discriminator, images) == in_discriminator, configuration.name
    _checked[table, model] = printed


def table_of(c: Configuration) -> str:
    return "T6" if c.name.endswith("-resnet") else TABLES["-".join(c.name.split("-")[:2])]


@pytest.fixture(scope="module")
def settings():
    return load_settings(ROOT / "params.yaml")


@pytest.mark.parametrize("table", [*GENERATORS, "T6"])
def test_the_sums_by_hand_are_those_of_the_layers(table):
    """The literal totals against the literal layers: the library has no part in it."""
    base, sastm, in_discriminator = TOTALS[table]
    plain, discriminator = expected_layers(table, "wgan_gp")
    assert (total(plain), total(discriminator)) == (base, in_discriminator)
    assert total(expected_layers(table, "self_sparse")[0]) == base + sastm


@pytest.mark.parametrize(("table", "model"), ABLATED)
def test_the_sums_of_the_ablations(table, model):
    assert total(expected_layers(table, model)[0]) == TOTALS[table][0] + ABLATED[table, model]


@pytest.mark.parametrize("table", ["B2", "C2"])
def test_the_sums_of_sagan(table):
    generator, discriminator = expected_layers(table, "sagan")
    assert (total(generator), 0, total(discriminator)) == TOTALS[f"{table} SAGAN"]


@pytest.mark.parametrize("table", SHARES)
def test_what_sastm_adds(table):
    millions, percent = SHARES[table]
    base, sastm, _ = TOTALS[table]
    assert base / 1e6 == pytest.approx(millions, rel=0.01)
    assert round(100 * sastm / base) == percent


@pytest.mark.slow
def test_every_layer_of_the_36_configurations(settings):
    found = settings.suite("paper")
    for c in found:
        check(c, table_of(c), c.name.split("-")[2])
    # Per model of the paper's tables; the ResNet's two are among the first two.
    assert Counter(c.name.split("-")[2] for c in found) == {
        "wgan_gp": 15, "self_sparse": 15, "without_psm": 2, "without_csm": 2, "sagan": 2,
    }  # fmt: skip
    assert {table_of(c) for c in found} == {"A1", "A3", "A3 CIFAR-10", "B1", "B2", "C1", "C2", "D1", "D2", "T6"}


def test_the_tables_that_no_experiment_uses(tmp_path):
    changes = {
        "configurations.fashion_mnist-64-wgan_gp.network": "A2",
        "configurations.fashion_mnist-64-self_sparse.network": "A2",
        "configurations.celeba_hq-64-wgan_gp.network": "A2",
        "configurations.celeba_hq-64-self_sparse.network": "A2",
        "configurations.mini_imagenet-32-wgan_gp.network": "A1",
        "configurations.mini_imagenet-32-self_sparse.network": "A1",
    }
    settings = load_settings(write_project(tmp_path, changes) / "params.yaml")
    for model in ("wgan_gp", "self_sparse"):
        check(settings.configuration(f"fashion_mnist-64-{model}"), "A2", model)
        check(settings.configuration(f"celeba_hq-64-{model}"), "A2 CIFAR-10", model)
        check(settings.configuration(f"mini_imagenet-32-{model}"), "A1 CIFAR-10", model)


def test_models_of_one_dataset_share_the_discriminator(settings):
    """Claim C27: WGAN-GP, Self-Sparse GAN, both ablations and all controls of it; the ResNet has its own."""
    groups: dict[tuple, set] = {}
    members = Counter()
    for c in [*settings.suite("paper"), *settings.suite("controls")]:
        if "-sagan" in c.name:
            continue
        with torch.device("meta"):
            discriminator = build_discriminator(c)
        key = ("-".join(c.name.split("-")[:2]), c.name.endswith("-resnet"))
        shapes = tuple((name, p.shape) for name, p in discriminator.named_parameters())
        groups.setdefault(key, set()).add((repr(discriminator), shapes))
        members[key] += 1
    # 14 datasets at their sizes, one of them as ResNet, too.
    assert len(groups) == 15 and {len(distinct) for distinct in groups.values()} == {1}
    assert members["fashion_mnist-128", False] == 4 + 3 and members["stl10-64", False] == 4 + 2 + 3


def test_controls_with_as_many_parameters(settings):
    for dataset, parameters in MATCHED.items():
        table = TABLES[dataset]
        base, sastm, in_discriminator = TOTALS[table]
        assert parameters == pytest.approx(base + sastm, rel=0.01)
        generator, discriminator = build(settings.configuration(f"{dataset}-wgan_gp-matched"))
        assert (count_parameters(generator), count_sastm_parameters(generator)) == (parameters, 0)
        assert count_parameters(discriminator) == in_discriminator
        # The last DeConv leads to the table's image, from layers of the table's number.
        kinds = [(layer.kind, layer.shape[1:]) for layer in generator_layers(table, "wgan_gp")]
        z = torch.empty(2, GENERATORS[table][0][0], device="meta")
        assert [(layer.kind, layer.shape[1:]) for layer in recorded_layers(generator, z)] == kinds
        # The settings of training are those of the configuration that it is a control of.
        twin = settings.configuration(f"{dataset}-wgan_gp")
        assert settings.configuration(f"{dataset}-wgan_gp-matched").train == twin.train


def test_controls_with_the_other_penalty(settings):
    for dataset in MATCHED:
        for model in ("wgan_gp", "self_sparse"):
            c = settings.configuration(f"{dataset}-{model}-one_centred")
            twin = settings.configuration(f"{dataset}-{model}")
            check(c, TABLES[dataset], model)
            own, others = c.model_dump(), twin.model_dump()
            assert own["train"].pop("penalty_centre") == 1 and others["train"].pop("penalty_centre") == 0
            assert [own.pop("name"), own.pop("suite")] == [c.name, "controls"]
            assert [others.pop("name"), others.pop("suite")] == [twin.name, "paper"]
            assert own == others


def test_the_public_sketches_follow_the_private_ones(settings):
    for model in ("wgan_gp", "self_sparse"):
        c = settings.configuration(f"sketch_substitute-128-{model}")
        check(c, "B2", model)
        assert c.train == settings.configuration(f"sketch-128-{model}").train


def test_there_are_no_other_controls(settings):
    names = [f"{dataset}-wgan_gp-matched" for dataset in MATCHED]
    names += [f"{dataset}-{model}-one_centred" for dataset in MATCHED for model in ("wgan_gp", "self_sparse")]
    names += [f"sketch_substitute-128-{model}" for model in ("wgan_gp", "self_sparse")]
    assert {c.name for c in settings.suite("controls")} == set(names)
