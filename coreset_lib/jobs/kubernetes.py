"""Workers of one comparison as an Indexed Job of Kubernetes: the manifest, for kubectl."""

import json
import re
from dataclasses import dataclass

from coreset_lib.checks import check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.results import EvaluationPaths

MOST_WORKERS = 1000
RETRIES = 3
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[\w][\w./:@-]{0,254}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class KubernetesOptions:
    """What every pod gets.

    Attributes
    ----------
    image : str
        Container image in which this program is installed, of the same version as here.
    volume_claim : str
        PersistentVolumeClaim that holds the cache; pods see it under the cache's path.
    n_workers : int
        From 1 to 1000.
    gpus : int
        GPUs of a pod, 0 or 1.
    """

    image: str
    volume_claim: str
    n_workers: int = 8
    gpus: int = 0

    def __post_init__(self) -> None:
        check_whole("--tasks", self.n_workers, least=1, most=MOST_WORKERS)
        check_whole("--gpus", self.gpus, least=0, most=1)
        if not _IMAGE.fullmatch(self.image):
            raise CoresetError(
                f"--image must name a container image with coreset-lens in it, got {self.image!r}. "
                "Write it as in: --image registry/coreset-lens:1.0"
            )
        if not _NAME.fullmatch(self.volume_claim):
            raise CoresetError(
                "--volume-claim must name the PersistentVolumeClaim that holds the cache, in small "
                f"letters, digits and dashes, got {self.volume_claim!r}. "
                "kubectl get pvc lists what there is."
            )


def job_manifest(paths: EvaluationPaths, options: KubernetesOptions) -> str:
    """Return the manifest of an Indexed Job whose pods share a comparison, as YAML.

    A pod that fails is tried again three times, and its failure leaves the others alone
    (``backoffLimitPerIndex``); what a lost pod was training, another one takes over.

    Parameters
    ----------
    paths : EvaluationPaths
        Inside its cache.
    options : KubernetesOptions
    """
    folder = paths.root.resolve()
    cache = folder.parents[1]
    limits = f"\n            limits:\n              nvidia.com/gpu: {options.gpus}"
    return f"""\
# kubectl apply -f this file; afterwards the same evaluate command without --executor writes
# the results.
apiVersion: batch/v1
kind: Job
metadata:
  name: {_quoted(f"coreset-lens-{paths.root.name}")}
spec:
  completionMode: Indexed
  completions: {options.n_workers}
  parallelism: {options.n_workers}
  backoffLimitPerIndex: {RETRIES}
  maxFailedIndexes: {options.n_workers}
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: worker
          image: {_quoted(options.image)}
          command: {_list("coreset-lens", "work", str(folder))}
          resources:
            requests:
              cpu: "1"{limits if options.gpus else ""}
          volumeMounts:
            - name: cache
              mountPath: {_quoted(str(cache))}
      volumes:
        - name: cache
          persistentVolumeClaim:
            claimName: {_quoted(options.volume_claim)}
"""


def _quoted(text: str) -> str:
    """Return a text as a YAML string: a JSON string is one."""
    return json.dumps(text)


def _list(*texts: str) -> str:
    """Return texts as a YAML list."""
    return json.dumps(list(texts))
