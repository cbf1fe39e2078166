"""Run every benchmark one after another; nothing else should run meanwhile."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Tools, and studies that want data and hours.
NOT_BENCHMARKS = (
    *("measuring.py", "generated_runs.py", "run_all.py"),
    *("score_table.py", "recommended.py", "refinement.py", "label_noise.py", "embeddings.py"),
    *("near_copies.py", "demo_recipe.py", "gpu.py"),
    *("recommended_second.py", "recommended_candidates.py", "recommended_tables.py"),
    *("studies.py", "study_arms.py", "study_claims.py", "study_evidence.py", "study_verdicts.py"),
)


def main() -> int:
    scripts = sorted(path for path in HERE.glob("*.py") if path.name not in NOT_BENCHMARKS)
    failed = [s.name for s in scripts if subprocess.run([sys.executable, s]).returncode]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
