"""What is deployed beyond one machine: files that Ray and KubeRay take, for this version."""

from __future__ import annotations

import copy
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from manifests import SCHEMAS

import ocrloom

pytest.importorskip("ray", reason='needs pip install "ocrloom[ray]"')
pytest.importorskip("fastapi", reason='needs pip install "ocrloom[server]"')

import jsonschema
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import cli as ray_command

from ocrloom.cli.ray_flag import with_address
from ocrloom.cli.serve_commands import _with_flags
from ocrloom.ray import serving
from ocrloom.service.settings import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
IMAGE = f"ocrloom:{ocrloom.__version__}"
LAUNCHER = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text(encoding="utf-8"))
KUBERAY = (DEPLOY / "kuberay.yaml").read_text(encoding="utf-8")
OBJECTS = [each for each in yaml.safe_load_all(KUBERAY) if each]
(CLUSTER,) = [each for each in OBJECTS if each["kind"] == "RayCluster"]
(SERVERS,) = [each for each in OBJECTS if each["kind"] == "Deployment"]
HEAD = CLUSTER["spec"]["headGroupSpec"]
(READERS,) = CLUSTER["spec"]["workerGroupSpecs"]
SERVER = SERVERS["spec"]["template"]["spec"]
CONTAINERS = {
    name: pod["containers"][0]
    for name, pod in (
        ("head", HEAD["template"]["spec"]),
        ("reader", READERS["template"]["spec"]),
        ("server", SERVER),
    )
}


def flags_of(command):
    return {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}


RAY_START = flags_of(ray_command.commands["start"])


def started(line):
    """The flags of `ray start` in a line of a shell, with their values."""
    words = shlex.split(line.split("ray start", 1)[1].split("&&")[0])
    found = dict(word.partition("=")[::2] for word in words)
    assert set(found) <= RAY_START, found
    return found


def environment(name):
    return {each["name"]: each for each in CONTAINERS[name]["env"]}


# The launcher of Ray


def test_the_launcher_takes_the_file():
    prepared = prepare_config(copy.deepcopy(LAUNCHER))
    validate_config(prepared)
    assert prepared["available_node_types"]["reader"]["max_workers"] == LAUNCHER["max_workers"]
    broken = copy.deepcopy(LAUNCHER) | {"max_worker": 3}
    with pytest.raises(jsonschema.ValidationError):
        validate_config(prepare_config(broken))


def test_the_launcher_starts_a_head_that_reads_nothing_and_machines_that_do():
    kinds = LAUNCHER["available_node_types"]
    for kind, commands in (("head", "head"), ("reader", "worker")):
        (line,) = [each for each in LAUNCHER[f"{commands}_start_ray_commands"] if "start" in each]
        found = started(line)
        assert int(found["--num-cpus"]) == kinds[kind]["resources"]["CPU"]
        assert ("--head" in found) == (kind == "head")
    assert (LAUNCHER["head_node_type"], kinds["head"]["resources"]["CPU"]) == ("head", 0)


def test_the_launcher_installs_this_version_with_extras_that_there_are():
    (line,) = [each for each in LAUNCHER["setup_commands"] if "pip install" in each]
    extras, version = re.search(r"ocrloom\[([\w,]+)\]==([\w.]+)", line).groups()
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(extras.split(",")) <= set(known["optional-dependencies"])
    assert version == ocrloom.__version__


# KubeRay


@pytest.mark.parametrize("manifest", OBJECTS, ids=lambda each: each["kind"])
def test_every_object_has_fields_that_its_kind_has(manifest):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[manifest["kind"]])
    jsonschema.validate(manifest, SCHEMAS[manifest["kind"]])


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("RayCluster", lambda spec: spec["workerGroupSpecs"][0].update(minReplica=1)),
        ("RayCluster", lambda spec: spec["headGroupSpec"]["rayStartParams"].update(port=6379)),
        ("RayCluster", lambda spec: spec.pop("headGroupSpec")),
        ("Deployment", lambda spec: spec["template"]["spec"]["containers"][0].pop("image")),
        ("Deployment", lambda spec: spec.update(replicas="2")),
    ],
)
def test_mistakes_are_found(kind, change):
    broken = copy.deepcopy(next(each for each in OBJECTS if each["kind"] == kind))
    change(broken["spec"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMAS[kind])


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_has_the_image_of_this_version(name):
    assert CONTAINERS[name]["image"] == IMAGE
    assert set(re.findall(r"image: (\S+)", KUBERAY)) == {IMAGE}


def test_the_image_has_what_the_containers_call():
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    extras = set(re.search(r'"/source\[([\w,]+)\]"', text)[1].split(","))
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"ray", "server", "postgres"} <= extras <= set(known["optional-dependencies"])
    user = int(re.search(r"--uid (\d+)", text)[1])
    assert SERVER["securityContext"]["runAsUser"] == user == SERVER["securityContext"]["fsGroup"]


@pytest.mark.parametrize(("group", "name"), [(HEAD, "head"), (READERS, "reader")])
def test_what_ray_is_told_of_a_machine_is_what_it_has(group, name):
    given = group["rayStartParams"]
    assert {f"--{key}" for key in given} <= RAY_START
    limits, requests = (CONTAINERS[name]["resources"][key] for key in ("limits", "requests"))
    assert limits["memory"] == requests["memory"]
    if name == "head":
        assert given["num-cpus"] == "0"
    else:
        assert given["num-cpus"] == limits["cpu"] == requests["cpu"]
    asked = CONTAINERS[name]["readinessProbe"]["tcpSocket"]["port"]
    assert asked == int(given.get("node-manager-port", 6379))
    assert asked == CONTAINERS[name]["livenessProbe"]["tcpSocket"]["port"]


def test_the_servers_join_the_cluster_and_serve():
    container = CONTAINERS["server"]
    assert container["command"] == ["/bin/bash", "-c"]
    (line,) = container["args"]
    found = started(line)
    assert found["--address"] == f"{CLUSTER['metadata']['name']}-head-svc:6379"
    assert found["--num-cpus"] == "0"
    program, command, *flags = shlex.split(line.rpartition("exec ")[2])
    assert (program, command) == ("ocrloom", "serve")
    serve = _with_flags()
    with serve.make_context("serve", with_address(flags)) as context:
        given = {key: value for key, value in context.params.items() if value is not None}
    assert given == {"ray": "auto"}


def test_the_servers_have_settings_that_there_are_and_that_fit_the_readers():
    names = {name for name in environment("server") if name.startswith("OCRLOOM_")}
    given = {
        name.removeprefix("OCRLOOM_").lower(): environment("server")[name].get("value", "x")
        for name in names
    }
    assert set(given) <= set(Settings.model_fields)
    settings = Settings(**given)
    cpus = int(READERS["rayStartParams"]["num-cpus"])
    assert settings.ray_cpus == cpus
    assert settings.ray_max_readers == READERS["maxReplicas"]
    assert settings.ray_min_readers == READERS["minReplicas"] == READERS["replicas"]
    spool = next(each for each in CONTAINERS["server"]["volumeMounts"] if each["name"] == "spool")
    assert Path(spool["mountPath"]) == settings.spool
    claims = {each["metadata"]["name"]: each for each in OBJECTS if "Claim" in each["kind"]}
    (claim,) = [
        each["persistentVolumeClaim"]["claimName"]
        for each in SERVER["volumes"]
        if "persistentVolumeClaim" in each
    ]
    assert claims[claim]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_what_is_ended_has_time_to_end():
    drain = Settings.model_fields["drain_seconds"].default
    assert SERVER["terminationGracePeriodSeconds"] >= drain + 10
    assert READERS["template"]["spec"]["terminationGracePeriodSeconds"] >= serving._FINISHING + 10


def test_all_have_the_same_secrets_and_the_file_says_how_to_make_them():
    (made,) = re.findall(r"create secret generic (\S+)", KUBERAY)
    keys = set(re.findall(r"--from-literal=(\w+)=", KUBERAY))
    used = re.findall(r"secretKeyRef: \{name: ([\w-]+), key: (\w+)\}", KUBERAY)
    assert {name for name, _ in used} == {made}
    assert {key for _, key in used} == keys
    for name in CONTAINERS:
        assert environment(name)["RAY_AUTH_MODE"]["value"] == "token"
        assert environment(name)["RAY_USAGE_STATS_ENABLED"]["value"] == "0"


def test_callers_reach_the_servers_and_probes_ask_what_they_answer():
    (service,) = [each for each in OBJECTS if each["kind"] == "Service"]
    labels = SERVERS["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == SERVERS["spec"]["selector"]["matchLabels"] == labels
    (port,) = CONTAINERS["server"]["ports"]
    assert port["containerPort"] == 8000 == Settings.model_fields["port"].default
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    text = (ROOT / "src" / "ocrloom" / "service" / "routes" / "health.py").read_text("utf-8")
    for probe in ("readinessProbe", "livenessProbe"):
        asked = CONTAINERS["server"][probe]["httpGet"]
        assert f'@router.get("{asked["path"]}"' in text
        assert asked["port"] == port["name"]
