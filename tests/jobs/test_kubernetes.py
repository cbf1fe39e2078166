"""The manifest of a comparison's Job holds what Kubernetes' published schema asks for."""

import json

import pytest
import yaml

from coreset_lib import cli, workflows
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.jobs.kubernetes import KubernetesOptions
from coreset_lib.selection import SelectionConfig

GOOD = {"image": "registry.example/coreset-lens:1.0", "volume_claim": "lens-cache"}


@pytest.fixture
def plan(trained_run):
    arm = Arm(name="random", variants=(SelectionConfig(strategy="random", score=None),))
    return EvaluationPlan(
        run_id=trained_run.run_id, arms=(arm,), rates=(0.4,), n_seeds=2, model="small_cnn", epochs=1
    )


@pytest.mark.parametrize("gpus", [0, 1])
@pytest.mark.parametrize("name", ["cache", 'a cache: with "quotes" # and more'])
def test_the_manifest_is_an_indexed_job(plan, tmp_path, gpus, name):
    import kubernetes_validate

    cache = tmp_path / name
    options = KubernetesOptions(**GOOD, n_workers=5, gpus=gpus)
    manifest = yaml.safe_load(workflows.evaluation_manifest(plan, options, cache=cache))
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    spec = manifest["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 5, 5)
    assert spec["backoffLimitPerIndex"] > 0
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    folder = cache.resolve() / "evaluations" / plan.evaluation_id
    assert container["command"] == ["coreset-lens", "work", str(folder)]
    assert container["volumeMounts"][0]["mountPath"] == str(cache.resolve())
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == "lens-cache"
    assert ("limits" in container["resources"]) == bool(gpus)
    assert json.loads((folder / "plan.json").read_bytes())["plan"]["n_seeds"] == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"image": ""}, "--image must name"),
        ({"image": "a b"}, "--image must name"),
        ({"volume_claim": ""}, "--volume-claim must name"),
        ({"volume_claim": "Upper_Case"}, "--volume-claim must name"),
        ({"n_workers": 0}, "--tasks must be"),
        ({"gpus": 2}, "--gpus must be"),
    ],
)
def test_options_that_cannot_be(wrong, said):
    with pytest.raises(CoresetError, match=said):
        KubernetesOptions(**GOOD | wrong)


def test_the_command_writes_it(trained_run, tmp_path, capsys):
    script = tmp_path / "job.yaml"
    command = ["evaluate", trained_run.run_id, "--cache", trained_run.paths.cache, "--seeds", 1]
    command += ["--out", tmp_path / "r.csv", "--executor", "kubernetes"]
    assert cli._run([str(each) for each in command]) == 2
    assert "say where with --script" in capsys.readouterr().err
    more = ["--script", script, "--image", GOOD["image"], "--volume-claim", "lens-cache"]
    assert cli._run([str(each) for each in (*command, *more, "--tasks", 3)]) == 0
    assert yaml.safe_load(script.read_text())["spec"]["completions"] == 3
    assert cli._run([str(each) for each in (*command, *more, "--gpus", 0.5)]) == 2
    assert "Only Ray shares a GPU" in capsys.readouterr().err
    assert cli._run([str(each) for each in (*command, *more, "--partition", "x")]) == 2
    assert "--partition must come with --executor slurm" in capsys.readouterr().err
