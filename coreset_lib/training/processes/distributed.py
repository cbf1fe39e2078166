"""Several processes that train one network: PyTorch's DistributedDataParallel.

Every update still takes one batch of ``batch_size`` samples, in the order that one process
would take them; the processes share out each batch. So every sample is visited once an epoch,
none is added to make the shares equal, and the schedule stays that of one process. Batch norm
sees the share of one process, as usual with DDP; its running statistics are averaged over the
processes after every epoch.
"""

import contextlib
import inspect
import os
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from coreset_lib.errors import CoresetError
from coreset_lib.recording.recorder import DynamicsRecorder
from coreset_lib.seeds import stream_seed
from coreset_lib.training.device import resolve_device
from coreset_lib.training.loop import Trainer, TrainingStopped, epoch_batches, evaluate, predict
from coreset_lib.training.processes.ranks import LOOPBACK, STORE_PORT, Ranks, meeting_point

PATIENCE = timedelta(minutes=15)


def device_of(name: str, ranks: Ranks) -> torch.device:
    """Return the device of one process: its own GPU, or the CPU that all share.

    Raises
    ------
    CoresetError
        If this machine does not have it.
    """
    device = resolve_device(name)
    if ranks.world_size == 1:
        return device
    if ":" in name or device.type == "mps":
        raise CoresetError(
            f"device must be auto, cuda or cpu where {ranks.world_size} processes train together, "
            f"got {name}."
        )
    if device.type == "cpu":
        return device
    check_gpus(ranks.local_rank + 1)
    torch.cuda.set_device(ranks.local_rank)
    return torch.device("cuda", ranks.local_rank)


def check_devices(name: str, *, gpus: int, processes: int) -> None:
    """Raise CoresetError unless this machine has what several processes ask for.

    Parameters
    ----------
    name : str
        As for :func:`coreset_lib.training.device.resolve_device`.
    gpus : int
        How many GPUs were asked for, 0 if none was.
    processes : int
    """
    check_gpus(gpus)
    device = device_of(name, Ranks(world_size=processes))
    if gpus and device.type != "cuda":
        raise CoresetError(
            f"device must be auto or cuda where GPUs are asked for, got {name}. "
            "Leave --gpus out or ask for processes."
        )
    if device.type == "cuda":
        check_gpus(processes)


def check_gpus(n_wanted: int) -> None:
    """Raise CoresetError if this machine has fewer GPUs."""
    n_gpus = torch.cuda.device_count()
    if n_wanted > n_gpus:
        raise CoresetError(
            f"GPUs must be at most the {n_gpus} of this machine, one for each process, got "
            f"{n_wanted}. Ask for fewer, or choose device cpu."
        )


@dataclass(frozen=True, eq=False)
class Group:
    """The processes that train together, connected.

    Attributes
    ----------
    ranks : Ranks
    control : process group
        Connects their CPUs, to agree on things without waiting for a GPU.
    """

    ranks: Ranks
    control: Any

    def share(self, indices: Tensor) -> Tensor:
        """Return this process's share of some samples; shares differ by one at most."""
        return indices[self.ranks.rank :: self.ranks.world_size]

    def add_up(self, values: Tensor) -> None:
        """Replace values by their sum over the processes."""
        dist.all_reduce(values)

    def add_up_for_leader(self, values: Tensor) -> None:
        """Replace values of the leader by their sum; those of the others lose their meaning."""
        dist.reduce(values, dst=0)

    def check_same(self, what: str, value: int) -> None:
        """Raise CoresetError unless all processes have the same number."""
        values = torch.tensor([value, -value])
        dist.all_reduce(values, op=dist.ReduceOp.MAX, group=self.control)
        if values[0] != -values[1]:
            raise CoresetError(
                f"all processes must find the same {what}, got {value} here and "
                f"{int(values[0])} elsewhere. They must see the same run directory."
            )


def _store_of_leader(environment: Mapping[str, str], ranks: Ranks) -> Any:
    """Return the store that a leader on this machine has opened, if it has started this process."""
    port = environment.get(STORE_PORT)
    if port is None:
        return None
    return open_store(int(port), ranks.world_size, is_master=False)


def open_store(port: int, n_processes: int, *, is_master: bool) -> Any:
    """Open, or find, where processes of this machine meet; port 0 is any that is free."""
    return dist.TCPStore(  # pyright: ignore[reportPrivateImportUsage]
        LOOPBACK,
        port,
        n_processes,
        is_master=is_master,
        wait_for_workers=False,
        timeout=PATIENCE,
    )


@contextlib.contextmanager
def connected(ranks: Ranks, device: torch.device) -> Generator[Group | None]:
    """Connect the processes for the block; None where there is only one."""
    if ranks.world_size == 1:
        yield None
        return
    store = ranks.store or _store_of_leader(os.environ, ranks)
    if store is None:
        os.environ.update(meeting_point(os.environ))
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(
        backend, rank=ranks.rank, world_size=ranks.world_size, store=store, timeout=PATIENCE
    )
    try:
        control = dist.group.WORLD if backend == "gloo" else dist.new_group(backend="gloo")
        yield Group(ranks, control)
    finally:
        dist.destroy_process_group()


def _without_syncing() -> dict[str, Any]:
    """Return the option of DDP that leaves running statistics alone; its name has changed.

    They are averaged once an epoch, and not sent around with every batch.
    """
    known = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    return {name: False}


@dataclass(eq=False)
class DistributedTrainer(Trainer):
    """A trainer that does its share of every batch.

    The processes must be of one configuration and go on from the same epoch.
    """

    group: Group | None = None
    parallel: DistributedDataParallel | None = None
    scales: list[float] = field(default_factory=lambda: list[float]())

    @classmethod
    def of(cls, trainer: Trainer, group: Group) -> "DistributedTrainer":
        """Return a trainer that works with those of the other processes."""
        devices = [trainer.train.labels.device] if trainer.train.labels.is_cuda else None
        parallel = DistributedDataParallel(
            trainer.network,
            device_ids=devices,
            gradient_as_bucket_view=True,
            **_without_syncing(),
        )
        return cls(**vars(trainer), group=group, parallel=parallel)

    def train_epoch(self, epoch: int) -> tuple[float, float]:
        """Visit this process's share of the samples; return loss and accuracy over all."""
        figures = self._add_up(super().train_epoch(epoch))
        self._average_buffers()
        if self.recorder is not None and self.config.recording == "minibatch":
            self.recorder.combine(self._group.add_up_for_leader)
        return figures

    def evaluate(self) -> tuple[float, float]:
        """Return loss and accuracy on val, the same in every process."""
        everything = torch.arange(len(self.val), device=self.val.labels.device)
        return self._add_up(evaluate(self.network, self.val, self._group.share(everything)))

    def batches(self, epoch: int) -> list[Tensor]:
        """Return this process's shares of the epoch's batches."""
        size = self._group.ranks.world_size
        whole = epoch_batches(
            len(self.train),
            self.config.batch_size,
            seed=self.config.seed,
            epoch=epoch,
            least=2 * size,
            device=self.train.labels.device,
        )
        shares = [self._group.share(indices) for indices in whole]
        # Gradients are averaged over processes, while the loss is to be the mean over samples.
        self.scales = [len(s) * size / len(b) for s, b in zip(shares, whole, strict=True)]
        return shares

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, and arrange for the gradients to be averaged over the processes."""
        assert self.parallel is not None
        return self.parallel(images)

    def backward(self, loss: Tensor, number: int) -> None:
        """Compute the gradients of the mean loss over the whole batch."""
        (loss * self.scales[number]).backward()

    def shift_seed(self, epoch: int, number: int) -> int:
        """Return the seed of the changes to a batch, another one in every process."""
        rank = self._group.ranks.rank
        return stream_seed(self.config.seed, "shift", epoch, number, rank)

    def record_clean_pass(self, recorder: DynamicsRecorder) -> None:
        """Record this process's share in eval mode and bring all shares together."""
        recorder.start_epoch()
        everything = torch.arange(len(self.train), device=self.train.labels.device)
        for indices, logits, _ in predict(self.network, self.train, self._group.share(everything)):
            recorder.record(indices, logits)
        recorder.combine(self._group.add_up_for_leader)

    @property
    def _group(self) -> Group:
        """The other processes."""
        assert self.group is not None
        return self.group

    def _add_up(self, parts: tuple[float, float]) -> tuple[float, float]:
        """Add up what each process contributes to two figures."""
        values = torch.tensor(parts, dtype=torch.float64, device=self._device)
        self._group.add_up(values)
        first, second = values.tolist()
        return first, second

    @torch.no_grad()
    def _average_buffers(self) -> None:
        """Give every process the same running statistics: the mean of all."""
        for buffer in self.network.buffers():
            if buffer.is_floating_point():
                self._group.add_up(buffer)
                buffer /= self._group.ranks.world_size

    @property
    def _device(self) -> torch.device:
        """Where this process computes."""
        return self.train.labels.device


class AgreedStop:
    """Whether any process was asked to stop; all of them learn it at the same batch.

    The answer of a batch is fetched at the next one, so that nobody waits for it.
    """

    def __init__(self, stop: threading.Event, group: Group) -> None:
        self._stop = stop
        self._group = group
        self._asked = torch.zeros(1, dtype=torch.int32)
        self._answer: Any = None

    def is_set(self) -> bool:
        """Tell the others and return what they said at the last batch."""
        if self.settle():
            return True
        self._asked.fill_(int(self._stop.is_set()))
        self._answer = dist.all_reduce(self._asked, group=self._group.control, async_op=True)
        return False

    def settle(self) -> bool:
        """Wait for the last answer, if one is under way, and return it."""
        if self._answer is None:
            return False
        self._answer.wait()
        self._answer = None
        return bool(self._asked.item())


def agreed_stop(stop: threading.Event, group: Group | None) -> threading.Event | AgreedStop:
    """Return what says whether to stop: of several processes, when any of them was asked."""
    return stop if group is None else AgreedStop(stop, group)


def settle(agreed: threading.Event | AgreedStop) -> None:
    """Leave no question to the other processes unanswered before the connection ends."""
    if isinstance(agreed, AgreedStop):
        agreed.settle()


def batch_hook(
    note: Callable[[float], None], stop: threading.Event | AgreedStop
) -> Callable[[float], None]:
    """Note progress after each batch and end the training when asked to."""

    def on_batch(progress: float) -> None:
        note(progress)
        if stop.is_set():
            raise TrainingStopped

    return on_batch
