"""One function per use case: what the command line, the dashboard and notebooks call.

Every function takes the things themselves (a run, a configuration, a plan) and keyword options;
``cache`` is the folder of runs and prepared datasets, by default ``CORESET_LENS_CACHE``, else
``cache`` in the working directory. What a person did wrong raises
:class:`coreset_lib.errors.CoresetError`. Importing this package loads neither PyTorch nor a user
interface.
"""

from coreset_lib.export.provenance import Export
from coreset_lib.workflows.checking import quick_check, start_quick_check, stop_quick_check
from coreset_lib.workflows.comparing import (
    comparison_cost,
    evaluate,
    evaluation_manifest,
    evaluation_plan,
    evaluation_script,
    evaluations,
    export_evaluation,
    start_evaluation,
    stop_evaluation,
    submit_evaluation,
)
from coreset_lib.workflows.correcting import keep_label_table, train_corrected
from coreset_lib.workflows.exporting import (
    UNCONFIRMED,
    cluster,
    cluster_class,
    compare_tables,
    export_coreset,
    export_scores,
    export_selection,
    lost_classes,
    rebuild,
    take_away,
)
from coreset_lib.workflows.labels import (
    classes_too_small_to_judge,
    export_corrections,
    hand_out_corrections,
    suspicion,
    suspicion_table,
)
from coreset_lib.workflows.place import Place
from coreset_lib.workflows.refining import (
    answer_refinement,
    continue_refinement,
    export_refinement,
    find_refinement,
    refine,
    refinement_plan,
    refinement_warning,
    refinements,
    start_refinement,
    stop_refinement,
)
from coreset_lib.workflows.reporting import run_report
from coreset_lib.workflows.runs import (
    average,
    find_run,
    open_store,
    repetitions,
    stability,
    stability_table,
    stop,
)
from coreset_lib.workflows.training import (
    create_runs,
    open_for_resuming,
    prepare,
    resume,
    slurm_script,
    start,
    start_runs,
    train,
    train_here,
)
from coreset_lib.workflows.watch import Watch
from coreset_lib.workflows.working import end_work_on_request, work

__all__ = [
    "UNCONFIRMED",
    "Export",
    "Place",
    "Watch",
    "answer_refinement",
    "average",
    "classes_too_small_to_judge",
    "cluster",
    "cluster_class",
    "compare_tables",
    "comparison_cost",
    "continue_refinement",
    "create_runs",
    "end_work_on_request",
    "evaluate",
    "evaluation_manifest",
    "evaluation_plan",
    "evaluation_script",
    "evaluations",
    "export_coreset",
    "export_corrections",
    "export_evaluation",
    "export_refinement",
    "export_scores",
    "export_selection",
    "find_refinement",
    "find_run",
    "hand_out_corrections",
    "keep_label_table",
    "lost_classes",
    "open_for_resuming",
    "open_store",
    "prepare",
    "quick_check",
    "rebuild",
    "refine",
    "refinement_plan",
    "refinement_warning",
    "refinements",
    "repetitions",
    "resume",
    "run_report",
    "slurm_script",
    "stability",
    "stability_table",
    "start",
    "start_evaluation",
    "start_quick_check",
    "start_refinement",
    "start_runs",
    "stop",
    "stop_evaluation",
    "stop_quick_check",
    "stop_refinement",
    "submit_evaluation",
    "suspicion",
    "suspicion_table",
    "take_away",
    "train",
    "train_corrected",
    "train_here",
    "work",
]
