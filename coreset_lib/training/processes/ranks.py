"""Which of several processes that train one run together this one is, told by its launcher."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coreset_lib.checks import check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError

MOST_PROCESSES = 64
PORTS = (20_000, 40_000)
LOOPBACK = "127.0.0.1"
STORE_PORT = "CORESET_LENS_STORE_PORT"


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The processes that train together; by default one that trains alone.

    Attributes
    ----------
    rank : int
        Number of this process; 0 leads: it alone writes to the run directory.
    world_size : int
        How many they are.
    local_rank : int
        Number of this process on its machine, which is also the number of its GPU.
    store : object, optional
        Where they meet, if the leader has opened it already.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    store: Any = None

    @property
    def is_leader(self) -> bool:
        """Whether this process writes what all of them find."""
        return self.rank == 0


ALONE = Ranks()


def ranks_of(environment: Mapping[str, str]) -> Ranks:
    """Return what torchrun, or srun with several tasks, says of this process.

    Raises
    ------
    CoresetError
        If the variables of the launcher contradict each other.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    if environment.get("WORLD_SIZE") is None and environment.get("SLURM_STEP_ID") is not None:
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")
    given = [environment.get(name) for name in names]
    if given[1] is None:
        return ALONE
    try:
        rank, size, local_rank = (int(text or "") for text in given)
        if not 0 <= rank < size or local_rank < 0:
            raise ValueError
    except ValueError:
        told = ", ".join(f"{name}={text}" for name, text in zip(names, given, strict=True))
        raise CoresetError(
            f"the launcher must number its processes from 0, got {told}. Start them with torchrun "
            "or srun."
        ) from None
    return Ranks(rank=rank, world_size=size, local_rank=local_rank)


def meeting_point(environment: Mapping[str, str]) -> dict[str, str]:
    """Return where the tasks of an srun meet, unless somebody has said so already.

    That is the node that srun was called on, and a port made of the job's number.
    """
    first, last = PORTS
    job = int(environment.get("SLURM_JOB_ID", "0"))
    found = {
        "MASTER_ADDR": environment.get("SLURM_LAUNCH_NODE_IPADDR", LOOPBACK),
        "MASTER_PORT": str(first + job % (last - first)),
    }
    return {name: environment.get(name, value) for name, value in found.items()}


def check_shares(config: TrainingConfig, n_samples: int, n_processes: int) -> None:
    """Raise CoresetError unless every process gets two samples of every batch.

    Batch norm cannot be trained on one.
    """
    check_whole("processes", n_processes, least=1, most=MOST_PROCESSES)
    least = 2 * n_processes
    for what, found in (("batch size", config.batch_size), ("training samples", n_samples)):
        if n_processes > 1 and found < least:
            raise CoresetError(
                f"{what} must be at least {least} for {n_processes} processes, two for each, "
                f"got {found}. Use fewer processes."
            )
