"""What stands in deploy/: linted, and in agreement with the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from profile_music.settings import KakaoSettings, Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as plain values."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: {suffix: _plain(loader, node)})


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    text = (DEPLOY / "template.yaml").read_text(encoding="utf-8")
    return yaml.load(text, _Loader)["Resources"]


def functions(resources: dict[str, Any]) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::Serverless::Function"}


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say() -> None:
    done = subprocess.run([BIN / "cfn-lint", DEPLOY / "template.yaml"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["Dockerfile", "lambda.Dockerfile"])
def test_hadolint_has_nothing_to_say(name: str) -> None:
    done = subprocess.run([BIN / "hadolint", DEPLOY / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_templates_handlers_exist(resources: dict[str, Any]) -> None:
    commands = [function["ImageConfig"]["Command"][0] for function in functions(resources).values()]
    assert sorted(commands) == [f"profile_music.aws.{name}.handler" for name in ("emotion", "http", "songs")]
    for command in commands:
        path = ROOT / "src" / Path(*command.split(".")[:-1])
        assert "def make_handler" in path.with_suffix(".py").read_text(encoding="utf-8")


def test_functions_may_read_the_catalogue_and_nothing_else(resources: dict[str, Any]) -> None:
    for name, function in functions(resources).items():
        statements = [row for policy in function.get("Policies", []) for row in policy["Statement"]]
        assert {row["Action"] for row in statements} == (
            set() if name == "EmotionFunction" else {"s3:GetObject", "s3:ListBucket"}
        )
        assert not any(row["Resource"] == "*" for row in statements)


def test_the_bucket_is_private_and_encrypted(resources: dict[str, Any]) -> None:
    bucket = resources["CatalogBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]
    statement = resources["CatalogBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_alarms_watch_metrics_that_are_written(resources: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    from profile_music.aws.metrics import record

    record("http", 200, 0.1, cold=True)
    row = json.loads(capsys.readouterr().out)
    alarms = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    ours = [alarm for alarm in alarms if alarm["Namespace"] == row["_aws"]["CloudWatchMetrics"][0]["Namespace"]]
    assert len(ours) == 2
    for alarm in ours:
        assert alarm["MetricName"] in row
        assert alarm["Dimensions"] == [{"Name": "Handler", "Value": row["Handler"]}]


def test_every_variable_named_is_a_setting() -> None:
    names = set()
    for path in DEPLOY.iterdir():
        names |= set(re.findall(r"PROFILE_MUSIC_([A-Z_]+)", path.read_text(encoding="utf-8")))
    assert {name.lower() for name in names} <= set(Settings.model_fields)
    assert KakaoSettings.model_fields


def test_compose_is_hardened_and_waits_for_its_parts() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("server", "seed"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert services["server"]["depends_on"] == {"seed": {"condition": "service_completed_successfully"}}
    assert all(port.startswith("127.0.0.1:") for port in services["server"]["ports"])


def test_compose_pushes_with_a_command_that_exists() -> None:
    from click.testing import CliRunner

    from profile_music.cli import app

    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    verb, action, *options = services["seed"]["command"]
    help_text = CliRunner().invoke(app, [verb, action, "--help"]).output
    assert all(option in help_text for option in options if option.startswith("--"))


@pytest.mark.parametrize("name", ["lambda.txt", "server.txt", "scale.txt"])
def test_locks_are_hashed_and_name_no_registry(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^\S+==.*\\$", text, re.MULTILINE)) > 20


def test_the_image_gets_the_servers_versions() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))

    image, server = pins("lambda.txt"), pins("server.txt")
    # Lambda has metrics of its own.
    assert {name for name, version in server.items() if image.get(name) != version} == {"prometheus-client"}
    assert {"awslambdaric", "mangum", "boto3"} <= set(image)
