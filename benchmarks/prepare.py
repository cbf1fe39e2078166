"""Time and memory of preparing an image folder, beside ImageFolder reading the same files once."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import parser, publish, spread

N_CLASSES = 10
READERS = {
    "prepare": (
        "import sys, time; from coreset_lib.datasets import load_dataset\n"
        "began = time.perf_counter()\n"
        "d = load_dataset(sys.argv[1], image_size=64, cache=sys.argv[2])\n"
        "seconds = time.perf_counter() - began\n"
        "parts = (d.train, d.val, d.test)\n"
        "total = sum(int(image.sum()) for part in parts for image in part.images)\n"
        "print(seconds, sum(map(len, parts)), total)"
    ),
    "ImageFolder": (
        "import sys, time; import numpy as np; from torchvision.datasets import ImageFolder\n"
        "began = time.perf_counter()\n"
        "d = ImageFolder(sys.argv[1])\n"
        "images = [np.asarray(image) for image, _ in d]\n"
        "seconds = time.perf_counter() - began\n"
        "print(seconds, len(d), sum(int(image[..., 0].sum()) for image in images))"
    ),
}


def write_images(folder: Path, count: int) -> None:
    """Write 64-px grey PNGs: smooth pictures with noise, so that they compress as real ones."""
    from PIL import Image

    random = np.random.default_rng(0)
    x, y = np.meshgrid(np.linspace(0, 6, 64), np.linspace(0, 6, 64))
    for number in range(count):
        a, b, c = random.uniform(0.5, 2, 3)
        picture = 128 + 80 * np.sin(a * x + c) * np.cos(b * y) + random.normal(0, 8, (64, 64))
        target = folder / f"class {number % N_CLASSES}" / f"{number:06d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(target)


def measure(code: str, images: Path, cache: Path) -> dict[str, float | str]:
    """Run a reader in a process of its own; return its seconds, imports left out, and answer."""
    command = [sys.executable, "-c", code, str(images), str(cache)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, _, answer = done.stdout.strip().partition(" ")
    # The largest process so far, decoders included; with them, as many run at once as cores.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": float(seconds), "answer": answer, "peak_mb": peak}


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--files", type=int, default=20_000)
    arguments.add_argument("--repeats", type=int, default=3)
    given = arguments.parse_args()
    results: dict[str, list[dict[str, float | str]]] = {"first": [], "second": [], "folder": []}
    with tempfile.TemporaryDirectory() as scratch:
        images = Path(scratch) / "images"
        write_images(images, given.files)
        for repeat in range(given.repeats):
            cache = Path(scratch) / f"cache {repeat}"
            results["first"].append(measure(READERS["prepare"], images, cache))
            results["second"].append(measure(READERS["prepare"], images, cache))
        for _ in range(given.repeats):
            results["folder"].append(measure(READERS["ImageFolder"], images, Path(scratch)))
    answers = {run["answer"] for runs in results.values() for run in runs}
    assert len(answers) == 1, answers  # the same pixels were read by both
    publish(
        "prepare",
        {
            "files": given.files,
            "seconds": {
                name: spread([float(run["seconds"]) for run in runs])
                for name, runs in results.items()
            },
            "peak_mb_of_the_largest_process": max(float(r["peak_mb"]) for r in results["second"]),
        },
        folder=given.out,
    )


if __name__ == "__main__":
    main()
