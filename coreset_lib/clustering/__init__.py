"""K-Medoids clustering of features, with the number of clusters fixed or chosen."""

from coreset_lib.clustering.engines import ENGINES
from coreset_lib.clustering.medoids import choose_k, k_medoids
from coreset_lib.clustering.points import METRICS
from coreset_lib.clustering.result import KCurvePoint, KMedoidsResult

__all__ = ["ENGINES", "METRICS", "KCurvePoint", "KMedoidsResult", "choose_k", "k_medoids"]
