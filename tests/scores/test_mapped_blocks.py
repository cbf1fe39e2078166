"""Reading a plane from disk block by block without keeping it in memory."""

from pathlib import Path

import numpy as np
import pytest

from coreset_lib import dynamics as dynamics_module
from coreset_lib.dynamics import TrainingDynamics

SMAPS = Path("/proc/self/smaps")


def open_plane(path: Path, mode: str) -> TrainingDynamics:
    plane = np.load(path, mmap_mode=mode)
    return TrainingDynamics({"margin": plane}, np.zeros(plane.shape[1], np.int64), 8, ("a", "b"))


@pytest.fixture
def plane_file(tmp_path: Path) -> Path:
    path = tmp_path / "margin.npy"
    np.save(path, np.random.default_rng(0).random((8, 250_000), dtype=np.float32))
    return path


def resident_kib(path: Path) -> int:
    """Memory that the process holds of a mapped file."""
    lines = SMAPS.read_text().splitlines()
    at = [number for number, line in enumerate(lines) if line.endswith(str(path))]
    return sum(
        int(line.split()[1])
        for number in at
        for line in lines[number : number + 6]
        if line.startswith("Rss:")
    )


@pytest.mark.skipif(not SMAPS.exists(), reason="only Linux tells what is mapped")
def test_what_was_read_of_a_map_leaves_memory_again(
    plane_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dynamics_module, "BLOCK_CELLS", 200_000)
    dynamics = open_plane(plane_file, "r")
    held: list[int] = []
    total = 0.0
    for _, (block,) in dynamics.blocks(("margin",)):
        total += float(block.sum(dtype=np.float64))
        held.append(resident_kib(plane_file))
    assert total == pytest.approx(np.load(plane_file).sum(dtype=np.float64))
    assert max(held) > 100
    assert resident_kib(plane_file) < 100


def test_changes_to_a_private_map_are_kept(plane_file: Path):
    dynamics = open_plane(plane_file, "c")
    dynamics.planes["margin"][3, 7] = 5.0
    for _ in dynamics.blocks(("margin",)):
        pass
    assert dynamics.planes["margin"][3, 7] == 5.0
