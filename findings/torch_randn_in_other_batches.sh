#!/usr/bin/env bash
# torch 2.15.0, CPU: with the same seed, another batch size draws other latents.
#
# One would guess that torch.randn fills a tensor from a stream, so that one call for all latents and a call for each batch
# give the same ones, as they do with torch.rand. Below 16 values it draws them one by one, from 16 on in blocks of 16, the
# last of which is drawn anew where it is not full. So randn(15) and randn(16) share no value, and everything after a batch
# whose size is no multiple of 16 is another sequence. With 128 values a latent that never shows; with the usual 100 only
# batches of a multiple of four latents agree. "50,000 images, seed 0" is another sample with batches of 250 than of 256.
#
# Seen: rand:  the first 15 of 16 values: 15 as in a call for 15; the first 100 of 200: 100
#       randn: the first 15 of 16 values: 0 as in a call for 15; the first 100 of 200: 84
#       batches of 250 latents of 100 values: 50 % of two batches are as in one call; of 256 latents: 100 %
#       batches of 250 latents of 128 values: 100 % of two batches are as in one call; of 256 latents: 100 %
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'torch==2.15.0' 'numpy==2.4.6'
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch


def draw(function, *sizes):
    generator = torch.Generator().manual_seed(0)
    return torch.cat([function(size, generator=generator) for size in sizes])


def same(a, b):
    return int((a == b[: len(a)]).sum())


found = {}
for name in ("rand", "randn"):
    f = getattr(torch, name)
    found[name] = same(draw(f, 15), draw(f, 16)), same(draw(f, 100), draw(f, 200))
    print(f"{name + ':':6} the first 15 of 16 values: {found[name][0]} as in a call for 15; the first 100 of 200: {found[name][1]}")
for dim in (100, 128):
    shares = []
    for batch in (250, 256):
        n = batch * dim
        shares.append(same(draw(torch.randn, n, n), draw(torch.randn, 2 * n)) / (2 * n))
    print(
        f"batches of 250 latents of {dim} values: {shares[0]:.0%} of two batches are as in one call; of 256 latents:"
        f" {shares[1]:.0%}".replace("%", " %")
    )
    found[dim] = [round(share, 1) for share in shares]
sys.exit(found != {"rand": (15, 100), "randn": (0, 84), 100: [0.5, 1.0], 128: [1.0, 1.0]})
PYTHON
