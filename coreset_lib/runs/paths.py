"""File names of a run directory: the only place that knows them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunPaths:
    """Where the parts of one run lie below its directory ``root``."""

    root: Path

    @property
    def cache(self) -> Path:
        """The cache directory that the run lies in."""
        return self.root.parents[1]

    @property
    def manifest(self) -> Path:
        """What was run: options, dataset, versions."""
        return self.root / "manifest.json"

    @property
    def status(self) -> Path:
        """How far it is."""
        return self.root / "status.json"

    @property
    def metrics(self) -> Path:
        """One line of JSON per epoch."""
        return self.root / "metrics.jsonl"

    @property
    def samples(self) -> Path:
        """Table of the training samples."""
        return self.root / "samples.csv"

    @property
    def labels(self) -> Path:
        """Labels of the training samples, a fast twin of a column of ``samples``."""
        return self.root / "labels.npy"

    @property
    def true_labels(self) -> Path:
        """True labels of the training samples, where the source or an injection knows them."""
        return self.root / "true_labels.npy"

    @property
    def noisy_flags(self) -> Path:
        """Labels that co-teaching calls wrong, bool, shape (samples,)."""
        return self.root / "verdict.npy"

    @property
    def noisy_flags_info(self) -> Path:
        """Options, seed and noise rate of those flags."""
        return self.root / "verdict.json"

    @property
    def wrong_labels(self) -> Path:
        """Table of the training samples known to be labelled wrongly."""
        return self.root / "wrong_labels.csv"

    @property
    def multi_hot(self) -> Path:
        """Labels of training samples with any number of them, shape (samples, labels)."""
        return self.root / "multi_hot.npy"

    @property
    def dynamics(self) -> Path:
        """Folder of the recorded planes."""
        return self.root / "dynamics"

    def plane(self, name: str) -> Path:
        """One recorded plane."""
        return self.dynamics / f"{name}.npy"

    @property
    def embedding(self) -> Path:
        """The embedding that map, neighbours and clusters go by, (samples, features)."""
        return self.root / "embedding.npy"

    @property
    def embedding_info(self) -> Path:
        """Which kind that is, of which epoch, and why."""
        return self.root / "embedding.json"

    def embedding_of(self, kind: str) -> Path:
        """One kind of embedding, (samples, features)."""
        return self.root / f"embedding_{kind}.npy"

    @property
    def snapshots(self) -> Path:
        """Folder of the embeddings after a few epochs."""
        return self.root / "snapshots"

    def snapshot(self, epoch: int) -> Path:
        """The embedding of the training split after an epoch (1-based), 16 bits."""
        return self.snapshots / f"epoch_{epoch:05d}.npy"

    def val_snapshot(self, epoch: int) -> Path:
        """The same of the validation split."""
        return self.snapshots / f"val_{epoch:05d}.npy"

    @property
    def held_out(self) -> Path:
        """Folder of the networks' answers on the part of the samples that each was not shown."""
        return self.root / "held_out"

    @property
    def held_out_plan(self) -> Path:
        """How many such networks are trained, and how."""
        return self.held_out / "plan.json"

    def held_out_fold(self, fold: int, what: str) -> Path:
        """What one of these networks makes of all samples: embedding or probabilities."""
        return self.held_out / f"fold_{fold:02d}_{what}.npy"

    @property
    def vgg16(self) -> Path:
        """Last pooling layer of a frozen VGG-16, (samples, features)."""
        return self.root / "vgg16.npy"

    @property
    def vgg16_info(self) -> Path:
        """Side of the images and weights that it was made with."""
        return self.root / "vgg16.json"

    @property
    def val_embedding(self) -> Path:
        """The surrogate's last embedding of the validation split."""
        return self.root / "val_embedding.npy"

    @property
    def val_labels(self) -> Path:
        """Labels of the validation split."""
        return self.root / "val_labels.npy"

    @property
    def val_multi_hot(self) -> Path:
        """The same of samples with any number of labels, shape (samples, labels)."""
        return self.root / "val_multi_hot.npy"

    def images(self, part: str) -> Path:
        """Images of a split, of a run that was recorded from somebody's own training."""
        return self.root / f"{part}_images.npy"

    @property
    def test_labels(self) -> Path:
        """Labels of the test split, of such a run."""
        return self.root / "test_labels.npy"

    @property
    def test_multi_hot(self) -> Path:
        """The same of samples with any number of labels, shape (samples, labels)."""
        return self.root / "test_multi_hot.npy"

    @property
    def pca(self) -> Path:
        """Parameters of the PCA before UMAP."""
        return self.root / "pca.json"

    @property
    def umap(self) -> Path:
        """Map coordinates, (samples, 2)."""
        return self.root / "umap.npy"

    @property
    def umap_info(self) -> Path:
        """Parameters and seed of UMAP."""
        return self.root / "umap.json"

    @property
    def checkpoint(self) -> Path:
        """Weights and optimiser state after the last complete epoch."""
        return self.root / "checkpoints" / "last.pt"

    def kept_weights(self, epoch: int) -> Path:
        """Weights after one epoch, kept for good."""
        return self.root / "checkpoints" / f"epoch_{epoch:05d}.pt"

    @property
    def vog_pixel(self) -> Path:
        """Variance of gradients with respect to the pixels, (samples,)."""
        return self.root / "vog_pixel.npy"

    @property
    def views(self) -> Path:
        """Folder of the named views."""
        return self.root / "views"

    def view(self, name: str) -> Path:
        """One named view."""
        return self.views / f"{name}.json"

    def selection(self, name: str) -> Path:
        """One stored selection."""
        return self.root / "selections" / f"{name}.npy"

    @property
    def log(self) -> Path:
        """What the training process printed."""
        return self.root / "train.log"

    @property
    def stop_request(self) -> Path:
        """Present once somebody asked the run to stop."""
        return self.root / "stop"

    @property
    def lock(self) -> Path:
        """Locked by the one process that trains the run or waits for its device."""
        return self.root / "lock"

    @property
    def disk_reserve(self) -> Path:
        """Disk space kept aside while training, to report a full disk with."""
        return self.root / ".reserve"

    @property
    def naming(self) -> Path:
        """What people call the run."""
        return self.root / "naming.json"

    @property
    def precision(self) -> Path:
        """What runs of former versions decided by measuring: whether to use 16 bits on a CPU."""
        return self.root / "precision.json"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files."""
        return self.root / "tensorboard"

    @property
    def partner_error(self) -> Path:
        """What ended one of several processes that train the run, other than the leader."""
        return self.root / ".partner_error"

    @property
    def slurm_job(self) -> Path:
        """Which Slurm job trains the run."""
        return self.root / "slurm.json"

    @property
    def slurm_script(self) -> Path:
        """The script that was handed to Slurm."""
        return self.root / "job.sbatch"


def runs_folder(cache: Path) -> Path:
    """Folder of all runs below a cache directory."""
    return cache / "runs"


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files in a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.lstat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total
