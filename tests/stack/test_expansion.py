"""Tests of the template expansion for the emulator: it keeps the meaning of the template or refuses."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.artifacts import BUILT, CACHE
from tools.expansion import NotExpandable, with_routes, without_metric_math, without_tls_requirement
from tools.local_stack import PYTHON, ROOT, LocalStack

LAMBDA = {"type": "aws_proxy", "httpMethod": "POST", "uri": "arn", "payloadFormatVersion": "2.0"}
AUTHORIZER = {
    "type": "jwt",
    "identitySource": "$request.header.Authorization",
    "jwtConfiguration": {"issuer": "https://issuer.example", "audience": ["me"]},
}
BODY: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "api"},
    "paths": {
        "/a-b": {"get": {"x-amazon-apigateway-integration": LAMBDA, "security": [{"Token": ["use"]}]}},
        "/a/b": {"post": {"x-amazon-apigateway-integration": LAMBDA, "security": [{"Token": ["keep"]}]}},
        "$default": {
            "x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": LAMBDA, "security": [{"NONE": []}]}
        },
    },
    "components": {"securitySchemes": {"Token": {"x-amazon-apigateway-authorizer": AUTHORIZER}}},
    "x-amazon-apigateway-cors": {"allowOrigins": ["https://a.example"]},
}


def expanded(body: dict[str, Any]) -> dict[str, Any]:
    """Return the resources that an API with this OpenAPI body expands to."""
    template = {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body}}}}
    resources: dict[str, Any] = with_routes(template)["Resources"]
    return resources


def properties(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the properties of every resource of this kind."""
    return [each["Properties"] for each in resources.values() if each["Type"] == f"AWS::ApiGatewayV2::{kind}"]


def test_expansion_keeps_authorizer_and_scopes_of_each_route() -> None:
    resources = expanded(copy.deepcopy(BODY))
    routes = {
        route["RouteKey"]: (route["AuthorizationType"], route.get("AuthorizationScopes"))
        for route in properties(resources, "Route")
    }
    assert routes == {"GET /a-b": ("JWT", ["use"]), "POST /a/b": ("JWT", ["keep"]), "$default": ("NONE", None)}
    assert len(properties(resources, "Integration")) == 3
    (authorizer,) = properties(resources, "Authorizer")
    assert authorizer["JwtConfiguration"] == {"Issuer": "https://issuer.example", "Audience": ["me"]}
    (api,) = properties(resources, "Api")
    assert api["CorsConfiguration"] == {"allowOrigins": ["https://a.example"]}


@pytest.mark.parametrize("change", [
    {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": LAMBDA}}}},
    {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": LAMBDA, "security": []}}}},
    {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": LAMBDA, "security": [{"Token": []}, {"NONE": []}]}}}},
    {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": LAMBDA, "security": [{"Other": []}]}}}},
    {"paths": {"/a": {"get": {"x-amazon-apigateway-integration": LAMBDA | {"type": "http"}, "security": [{"NONE": []}]}}}},
    {"paths": {"/a": {"Fn::If": ["Condition", {}, {}]}}},
    {"components": {"securitySchemes": {"Token": {"x-amazon-apigateway-authorizer": AUTHORIZER | {"type": "request"}}}}},
    {"x-amazon-apigateway-policy": {}},
])  # fmt: skip
def test_expansion_of_unsupported_template_raises_error(change: dict[str, Any]) -> None:
    with pytest.raises(NotExpandable):
        expanded(copy.deepcopy(BODY) | change)


def test_layer_has_packages_in_python_folder(stack: LocalStack) -> None:
    """Check the folder of the layer. The emulator also finds packages beside `python/`, but AWS does not."""
    assert stack.base_url, "what runs here was built just now"
    layer = ROOT / BUILT / "CommonLayer"
    assert (layer / "python" / "partner_access").is_dir()
    assert {path.name for path in layer.iterdir()} == {"python"}


def test_without_metric_math_removes_only_alarms_over_several_metrics() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    several = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}
    assert list(without_metric_math({"Resources": {"one": alarm, "two": several}})["Resources"]) == ["one"]


def test_without_http_ban_removes_only_that_statement() -> None:
    ban = {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    other = {"Effect": "Deny", "Action": "s3:DeleteObject"}

    def policy(*statements: dict[str, Any]) -> dict[str, Any]:
        return {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Statement": list(statements)}}}

    left = without_tls_requirement({"Resources": {"one": policy(ban), "two": policy(ban, other)}})["Resources"]
    assert left == {"two": policy(other)}


def test_artifacts_built_concurrently_are_the_same(tmp_path: Path) -> None:
    (tmp_path / BUILT).parent.mkdir()
    (tmp_path / BUILT).symlink_to(ROOT / BUILT)
    program = "import sys, pathlib; from tools.artifacts import prepare_artifacts; print(prepare_artifacts(*map(pathlib.Path, sys.argv[1:])))"
    command = (sys.executable, "-c", program, tmp_path, ROOT / PYTHON)
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    results = [(process.communicate()[0], process.returncode) for process in started]

    assert results[0] == results[1]
    assert results[0][1] == 0
    assert not [each for each in (tmp_path / CACHE).iterdir() if each.suffix not in {".zip", ".json"}]
