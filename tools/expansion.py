"""Adapt the output of SAM's transform to what the emulator supports, without changes to the template.

The transform puts the routes of an HTTP API into an OpenAPI `Body`, which the emulator ignores. This module replaces
the body by the equivalent Integration, Route and Authorizer resources of CloudFormation.

The emulator rejects an alarm that uses several metrics. Such alarms are removed, since nothing here would raise them.
A bucket policy that denies plain HTTP is removed too: the emulator is reached over plain HTTP and enforces the policy.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

HTTP_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"
CODE_PROPERTY = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
NO_AUTHORIZER = "NONE"
CORS = "x-amazon-apigateway-cors"
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}
SUPPORTED_FIELDS = frozenset({"openapi", "info", "paths", "components", "tags", CORS})


class NotExpandable(Exception):
    """The template contains something that this expansion would lose."""


def with_code(template: Json, locations: dict[str, str]) -> Json:
    """Set the location of the built code of each function and layer, as packaging does."""
    for logical_id, resource in template["Resources"].items():
        if code_property := CODE_PROPERTY.get(resource["Type"]):
            resource.setdefault("Properties", {})[code_property] = locations[logical_id]
    return template


def with_routes(template: Json) -> Json:
    """Replace the OpenAPI body of every HTTP API by equivalent resources."""
    resources: Json = template["Resources"]
    for api, resource in list(resources.items()):
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in resource["Properties"]:
            body = resource["Properties"].pop("Body")
            if unknown := set(body) - SUPPORTED_FIELDS:
                raise NotExpandable(f"{api} sets {sorted(unknown)}, which would be lost")
            resource["Properties"] |= {"Name": body["info"]["title"], "ProtocolType": "HTTP"}
            if CORS in body:
                resource["Properties"]["CorsConfiguration"] = body[CORS]
            authorizers = _authorizers(api, body)
            resources |= {
                f"{api}{_resource_suffix(name)}Authorizer": authorizer for name, authorizer in authorizers.items()
            }
            resources |= _routes(api, body, frozenset(authorizers))
    return template


def without_metric_math(template: Json) -> Json:
    """Remove the alarms that combine several metrics."""
    template["Resources"] = {
        name: resource
        for name, resource in template["Resources"].items()
        if not (resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"])
    }
    return template


def without_tls_requirement(template: Json) -> Json:
    """Remove the bucket policy statements that deny requests without TLS, since loopback has no TLS."""
    resources: Json = template["Resources"]
    for name, resource in list(resources.items()):
        if resource["Type"] == "AWS::S3::BucketPolicy":
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [each for each in document["Statement"] if each.get("Condition") != PLAIN_HTTP]
            if not document["Statement"]:
                del resources[name]
    return template


def _authorizers(api: str, body: Json) -> Json:
    found: Json = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        authorizer = scheme[AUTHORIZER]
        if authorizer.get("type") != "jwt":
            raise NotExpandable(f"authorizer {name} is not a JWT authorizer")
        jwt = authorizer["jwtConfiguration"]
        found[name] = {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                "ApiId": {"Ref": api},
                "Name": name,
                "AuthorizerType": "JWT",
                "IdentitySource": [authorizer["identitySource"]],
                "JwtConfiguration": {"Audience": jwt["audience"], "Issuer": jwt["issuer"]},
            },
        }
    return found


def _routes(api: str, body: Json, authorizers: frozenset[str]) -> Json:
    resources: Json = {}
    for path, item in body["paths"].items():
        for method, operation in _operations(path, item):
            key = "$default" if path == "$default" else f"{method} {path}"
            name = f"{api}{_resource_suffix(key)}"
            integration = operation[INTEGRATION]
            if integration["type"] != "aws_proxy":
                raise NotExpandable(f"{key} is integrated with {integration['type']}")
            resources[f"{name}Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationMethod": integration["httpMethod"],
                    "IntegrationUri": integration["uri"],
                    "PayloadFormatVersion": integration["payloadFormatVersion"],
                },
            }
            resources[f"{name}Route"] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": api},
                    "RouteKey": key,
                    "Target": {"Fn::Join": ["/", ["integrations", {"Ref": f"{name}Integration"}]]},
                    **_authorization(api, key, operation, authorizers),
                },
            }
    return resources


def _operations(path: str, item: Json) -> Iterator[tuple[str, Json]]:
    for method, operation in item.items():
        if method == ANY_METHOD:
            yield "ANY", operation
        elif method in HTTP_METHODS:
            yield method.upper(), operation
        else:
            raise NotExpandable(f"{path} has {method}, which is not a method")


def _authorization(api: str, key: str, operation: Json, authorizers: frozenset[str]) -> Json:
    requirements = operation.get("security", [])
    if len(requirements) != 1 or len(requirements[0]) != 1:
        raise NotExpandable(f"{key} must name exactly one authorizer, or {NO_AUTHORIZER}")
    ((name, scopes),) = requirements[0].items()
    if name == NO_AUTHORIZER:
        return {"AuthorizationType": "NONE"}
    if name not in authorizers:
        raise NotExpandable(f"{key} names an authorizer that does not exist: {name}")
    return {
        "AuthorizationType": "JWT",
        "AuthorizerId": {"Ref": f"{api}{_resource_suffix(name)}Authorizer"},
        "AuthorizationScopes": scopes,
    }


def _resource_suffix(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:10]
