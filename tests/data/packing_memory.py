"""Pack images made on the fly and print the peak memory of doing so: python packing_memory.py COUNT FOLDER.

300,000 images take 14.7 GB of disk and some minutes; test_packed.py runs it for fewer.
"""

import json
import re
import resource
import sys
import time
from pathlib import Path

import numpy as np

from selfsparse.config import Dataset
from selfsparse.data.images import Source
from selfsparse.data.packed import pack


def images(count: int):
    """Yield random photographs' worth of pixels, a little wider than high: each is cropped and resized."""
    noise = np.random.default_rng(0).integers(0, 256, (1000, 192, 3), np.uint8)
    for i in range(count):
        top = i % 840
        yield noise[top : top + 160]


def peak() -> int:
    """Return this process's peak memory in bytes; on Linux getrusage would count what its parent held as well."""
    status = Path("/proc/self/status")
    if status.is_file():
        return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(count: int, folder: Path) -> None:
    """Print count, peak memory in bytes, seconds and size of the array as JSON."""
    begun = time.monotonic()
    source = Source.unlabelled(count, images(count), {"source": "made up"})
    pack(source, Dataset(dataset="photos", resolution=128, channels=3, filter="bilinear", border=0), folder)
    size = (folder / "images.npy").stat().st_size
    print(json.dumps({"images": count, "peak": peak(), "seconds": round(time.monotonic() - begun), "bytes": size}))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
