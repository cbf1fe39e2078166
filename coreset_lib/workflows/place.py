"""Where runs are trained."""

from dataclasses import dataclass, field

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.slurm.options import SlurmOptions


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where runs are trained: by whom, on how many GPUs, by how many processes together.

    Attributes
    ----------
    executor : str
        Key of :data:`coreset_lib.jobs.executor.EXECUTORS`: ``local`` or ``slurm``.
    slurm : SlurmOptions
        What each Slurm job asks for.
    gpus : int, optional
        GPUs of this machine, each with a process of its own; None for what ``device`` says.
    processes : int, optional
        How many train a run together; None for one per GPU, or as many as before.

    Raises
    ------
    CoresetError
        If the processes are not as many as the GPUs.
    """

    executor: str = "local"
    slurm: SlurmOptions = field(default_factory=SlurmOptions)
    gpus: int | None = None
    processes: int | None = None

    def __post_init__(self) -> None:
        if self.gpus and self.processes is not None and self.processes != self.gpus:
            raise CoresetError(
                f"--processes must be the number of GPUs, {self.gpus}, got {self.processes}. "
                "Leave it out."
            )

    @property
    def is_slurm(self) -> bool:
        """Whether Slurm trains the runs."""
        return self.executor == "slurm"

    @property
    def n_processes(self) -> int | None:
        """Processes per run that were asked for; None for as many as before."""
        if self.is_slurm:
            return self.slurm.n_processes
        return self.processes if self.gpus is None else max(self.gpus, 1)

    def check(self, device: str) -> None:
        """Raise CoresetError where runs on this device cannot be trained here.

        Loads PyTorch, but for Slurm.
        """
        if self.is_slurm:
            if device.startswith("cuda") and not self.slurm.gpus:
                raise CoresetError(
                    f"device {device} needs a GPU, got a job without. Give --gpus 1."
                )
            return
        from coreset_lib.training.processes.distributed import check_devices

        check_devices(device, gpus=self.gpus or 0, processes=self.n_processes or 1)
