"""Tests of the expanded template, as CloudFormation gets it: permissions, routes, resources and alarms."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import operations
from tests.support.operations.permissions import DELETE, WRITE

ROOT = Path(__file__).parents[2]

Json = dict[str, Any]

PERMISSIONS = {row.name: row.permissions for row in operations.FUNCTIONS}
ROUTES = {
    row.route: (function.name, row.scopes or None) for function in operations.FUNCTIONS for row in function.operations
}
PAGES = (
    "/",
    "/accounts/{account_id}",
    "/approve",
    "/assets/{version}/{asset}",
    "/favicon.ico",
    "/partners/{partner_id}",
)
ROUTES |= {
    "$default": ("reject_unknown_route", None),
    **{
        f"{method} {path}": ("serve_pages", None)
        for path in (*PAGES, "/problems/{problem}")
        for method in ("GET", "HEAD")
    },
}

# The ARNs in the template, by resource name.
RESOURCE_NAMES = {
    '"*"': "*",
    '{"Fn::GetAtt": ["EventBus", "Arn"]}': "bus",
    '{"Fn::GetAtt": ["FailedRecords", "Arn"]}': "bucket",
    '{"Fn::GetAtt": ["Table", "Arn"]}': "table",
    '{"Fn::GetAtt": ["Table", "StreamArn"]}': "stream",
    '{"Fn::Sub": "${FailedRecords.Arn}/*"}': "bucket/*",
    '{"Fn::Sub": "${TreeHeads.Arn}/leaves/*"}': "leaves",
    '{"Fn::Sub": "${TreeHeads.Arn}/tree-heads/*"}': "tree-heads",
    '{"Fn::Sub": "${Table.Arn}/index/due"}': "index due",
    '{"Fn::Sub": "${Table.Arn}/index/listing"}': "index listing",
}

# AWS's managed policies for writing logs and traces.
AWS_POLICIES = {"AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess"}


def resources_of(template: Json, kind: str) -> Iterator[tuple[str, Json]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def only_resource(template: Json, kind: str) -> Json:
    ((_, properties),) = resources_of(template, kind)
    return properties


def functions(template: Json) -> dict[str, Json]:
    return {operation(name): properties for name, properties in resources_of(template, "AWS::Lambda::Function")}


def operation(logical_id: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", logical_id.removesuffix("Function")).lower()


def as_list(one_or_many: Any) -> list[Any]:
    return one_or_many if isinstance(one_or_many, list) else [one_or_many]


def resource_name(resource: Any) -> str:
    written = json.dumps(resource)
    if ":identity/${Domain}" in written:
        return "mail identity"
    if ":configuration-set/${EmailConfigurationSet}" in written:
        return "mail settings"
    return RESOURCE_NAMES[written]


def statements(template: Json, function: Json) -> Iterator[Json]:
    """Yield all statements of the function's role, except those of AWS's managed policies."""
    role = template["Resources"][function["Role"]["Fn::GetAtt"][0]]["Properties"]
    for policy in role["ManagedPolicyArns"]:
        if isinstance(policy, Mapping) and "Ref" in policy:
            yield from template["Resources"][policy["Ref"]]["Properties"]["PolicyDocument"]["Statement"]
        else:
            assert any(json.dumps(policy).rstrip('"}').endswith(f"/{known}") for known in AWS_POLICIES)
    for inline in role.get("Policies", []):
        yield from inline["PolicyDocument"]["Statement"]


def documents(template: Json) -> Iterator[Json]:
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        yield from (properties[key] for key in ("PolicyDocument", "AssumeRolePolicyDocument") if key in properties)
        if resource["Type"] == "AWS::IAM::Role":
            yield from (inline["PolicyDocument"] for inline in properties.get("Policies", []))


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_function_has_exactly_these_permissions(template: Json, name: str) -> None:
    given = {
        (action, resource_name(resource))
        for statement in statements(template, functions(template)[name])
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }

    assert given == PERMISSIONS[name], f"change the policies in template.yaml, or the row in {operations.FILES[name]}"


def test_permissions_table_lists_every_function(template: Json) -> None:
    assert operations.function_problems() == []
    assert set(functions(template)) == set(PERMISSIONS)


def test_function_has_a_role_of_its_own(template: Json) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions(template).values()]

    assert len(roles) == len(set(roles))


def test_policies_contain_no_wildcard_actions(template: Json) -> None:
    for document in documents(template):
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                assert not [action for action in as_list(statement["Action"]) if "*" in action]
                assert "NotAction" not in statement
                assert "NotResource" not in statement


def test_table_writes_require_a_transaction(template: Json) -> None:
    for function in functions(template).values():
        for statement in statements(template, function):
            if statement["Effect"] == "Allow" and {action for action, _ in WRITE | DELETE} & set(
                as_list(statement["Action"])
            ):
                assert statement["Condition"]["ForAnyValue:StringEquals"] == {
                    "dynamodb:EnclosingOperation": ["TransactWriteItems"]
                }


def test_decide_access_reads_only_in_transactions(template: Json) -> None:
    (reads,) = statements(template, functions(template)["decide_access"])

    assert reads["Condition"] == {
        "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactGetItems"]},
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ACCOUNT#*", "USER#*"]},
    }


def test_writing_functions_are_denied_changes_of_audit_log_and_its_proofs(template: Json) -> None:
    assert operations.function_problems() == []
    for name, function in functions(template).items():
        denials = [
            (as_list(each_one["Action"]), each_one["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"])
            for each_one in statements(template, function)
            if each_one["Effect"] == "Deny"
        ]

        assert denials == (
            [
                (["dynamodb:DeleteItem", "dynamodb:UpdateItem"], ["AUDIT#*"]),
                (
                    ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    ["CHAIN#*", "CHAIN_HEAD#*", "TREE_HEAD"],
                ),
            ]
            if PERMISSIONS[name] >= WRITE
            else []
        )


CHAIN_KEYS = ["CHAIN#*", "CHAIN_HEAD#*"]
PROOF_ACCESS = {
    "publish_audit_events": {"dynamodb:PutItem": CHAIN_KEYS, "dynamodb:UpdateItem": CHAIN_KEYS},
    "sign_audit_log": {
        "dynamodb:BatchGetItem": ["TREE_HEAD"],
        "dynamodb:PutItem": ["TREE_HEAD"],
        "dynamodb:Query": ["CHAIN_HEAD#*"],
    },
}
"""The parts of the audit log's proof that each function can access, and nothing else in the table."""


@pytest.mark.parametrize("name", sorted(PROOF_ACCESS))
def test_proof_writing_function_accesses_only_its_proof(template: Json, name: str) -> None:
    found = {
        action: statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for statement in statements(template, functions(template)[name])
        if "ForAllValues:StringLike" in statement.get("Condition", {})
        for action in as_list(statement["Action"])
    }

    assert found == PROOF_ACCESS[name]
    assert not DELETE & PERMISSIONS[name]


def test_event_bus_is_named_after_the_stack(template: Json) -> None:
    """Check the name: a bus must have one, and it must be different for each stack of an account."""
    assert only_resource(template, "AWS::Events::EventBus")["Name"] == {"Ref": "AWS::StackName"}
    assert functions(template)["publish_audit_events"]["Environment"]["Variables"]["EVENT_BUS"] == {"Ref": "EventBus"}
    assert template["Outputs"]["EventBusName"]["Value"] == {"Ref": "EventBus"}


def test_webhook_resources_exist_only_if_url_is_given(template: Json) -> None:
    named = {name for name, resource in template["Resources"].items() if resource.get("Condition") == "HasWebhook"}

    assert template["Conditions"]["HasWebhook"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookUrl"}, ""]}]}
    assert template["Parameters"]["WebhookUrl"]["Default"] == ""
    assert template["Parameters"]["WebhookKey"]["NoEcho"] is True
    assert named == {name for name in template["Resources"] if name.startswith("Webhook")}
    assert {name for name, rule in resources_of(template, "AWS::Events::Rule") if rule.get("EventBusName")} == {
        "WebhookRule"
    }


def test_webhook_retries_for_a_day_and_keeps_failed_events(template: Json) -> None:
    (rule,) = [
        rule
        for _, rule in resources_of(template, "AWS::Events::Rule")
        if rule.get("EventBusName") == {"Ref": "EventBus"}
    ]
    (target,) = rule["Targets"]
    (call,) = template["Resources"]["WebhookRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (send,) = only_resource(template, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]

    assert rule["EventPattern"] == {"source": ["partner-access"]}
    assert target["Arn"] == call["Resource"] == {"Fn::GetAtt": ["WebhookDestination", "Arn"]}
    assert as_list(call["Action"]) == ["events:InvokeApiDestination"]
    assert target["InputPath"] == "$.detail"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["WebhookDeadLetterQueue", "Arn"]}}
    assert only_resource(template, "AWS::SQS::Queue")["SqsManagedSseEnabled"] is True
    assert (send["Principal"], as_list(send["Action"])) == ({"Service": "events.amazonaws.com"}, ["sqs:SendMessage"])
    assert send["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["WebhookRule", "Arn"]}}}


def test_send_emails_is_limited_to_one_sender(template: Json) -> None:
    (statement,) = [
        each_one
        for each_one in statements(template, functions(template)["send_emails"])
        if "ses:SendEmail" in each_one["Action"]
    ]

    assert statement["Condition"] == {"StringEqualsIfExists": {"ses:FromAddress": {"Ref": "EmailFrom"}}}


def test_routes_have_their_functions_and_scopes(template: Json) -> None:
    assert operations.problems("authority") == []
    found = {}
    for path, item in only_resource(template, "AWS::ApiGatewayV2::Api")["Body"]["paths"].items():
        for method, route in item.items():
            key = path if path == "$default" else f"{method.upper()} {path}"
            uri = route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            (demand,) = route["security"]
            ((authorizer, scopes),) = demand.items()
            assert authorizer == ("NONE" if ROUTES[key][1] is None else "Token")
            (called,) = re.findall(r"\$\{(\w+)\.Arn\}/invocations", uri)
            found[key] = (operation(called), {scope["Ref"] for scope in scopes} or None)

    assert found == ROUTES, (
        f"change `scopes` in the row in {operations.FOLDER}, or the Auth of the event in template.yaml"
    )


def test_authorizer_accepts_tokens_of_one_issuer_and_audience(template: Json) -> None:
    schemes = only_resource(template, "AWS::ApiGatewayV2::Api")["Body"]["components"]["securitySchemes"]
    token = schemes["Token"]["x-amazon-apigateway-authorizer"]

    assert set(schemes) == {"Token"}
    assert token["type"] == "jwt"
    assert token["identitySource"] == "$request.header.Authorization"
    assert token["jwtConfiguration"]["audience"]
    assert token["jwtConfiguration"]["issuer"]["Fn::If"][2] == {"Ref": "IssuerUrl"}


def test_cors_allows_only_the_origin_of_the_pages(template: Json) -> None:
    cors = only_resource(template, "AWS::ApiGatewayV2::Api")["Body"]["x-amazon-apigateway-cors"]

    assert cors["allowOrigins"] == [{"Ref": "BaseUrl"}]
    assert "allowCredentials" not in cors
    assert {"authorization", "content-type", "idempotency-key"} <= set(cors["allowHeaders"])


def test_routes_are_throttled(template: Json) -> None:
    stage = only_resource(template, "AWS::ApiGatewayV2::Stage")

    for settings in (stage["DefaultRouteSettings"], *stage["RouteSettings"].values()):
        assert settings["ThrottlingRateLimit"] > 0
        assert settings["ThrottlingBurstLimit"] > 0
    assert set(stage["RouteSettings"]) <= set(ROUTES)


def test_access_log_contains_no_path_or_identity(template: Json) -> None:
    line = json.loads(only_resource(template, "AWS::ApiGatewayV2::Stage")["AccessLogSettings"]["Format"])

    assert line["route"] == "$context.routeKey"
    assert not [value for value in line.values() if re.search(r"path|identity|claims|domain", value, re.IGNORECASE)]


def test_table_is_backed_up_encrypted_and_protected_from_deletion(template: Json) -> None:
    table = only_resource(template, "AWS::DynamoDB::Table")

    assert template["Resources"]["Table"]["DeletionPolicy"] == "Retain"
    assert template["Resources"]["Table"]["UpdateReplacePolicy"] == "Retain"
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_indexes_project_keys_only(template: Json) -> None:
    table = only_resource(template, "AWS::DynamoDB::Table")

    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"due", "listing"}
    for index in table["GlobalSecondaryIndexes"]:
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_logs_have_a_retention_time(template: Json) -> None:
    logs = dict(resources_of(template, "AWS::Logs::LogGroup"))
    written = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions(template).values()}

    assert written == {"FunctionLogs"}
    assert set(logs) == {"FunctionLogs", "AccessLogs"}
    for log in logs.values():
        assert log["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_function_is_traced_and_has_its_timeout(template: Json) -> None:
    workers = {"expire_links", "publish_audit_events", "record_email_feedback", "sign_audit_log", "send_emails"}

    for name, function in functions(template).items():
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert function["Timeout"] == {"reconcile_access": 300, "decide_access": 12}.get(
            name, 60 if name in workers else 29
        )


def test_functions_do_not_depend_on_the_api(template: Json) -> None:
    for function in functions(template).values():
        assert '"Api"' not in json.dumps(function)
        assert "${Api" not in json.dumps(function)


def event_source_of(template: Json, function: str) -> Json:
    (mapping,) = [
        each_one
        for _, each_one in resources_of(template, "AWS::Lambda::EventSourceMapping")
        if each_one["FunctionName"] == {"Ref": function}
    ]
    return mapping


def test_table_stream_has_two_readers(template: Json) -> None:
    assert len(list(resources_of(template, "AWS::Lambda::EventSourceMapping"))) == 2


def test_publish_audit_events_reads_stream_in_order_and_retries_for_a_day(template: Json) -> None:
    mapping = event_source_of(template, "PublishAuditEventsFunction")

    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert not {"FunctionResponseTypes", "ParallelizationFactor"} & set(mapping)
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["MaximumRecordAgeInSeconds"] == 86400
    assert mapping["DestinationConfig"]["OnFailure"] == {"Destination": {"Fn::GetAtt": ["FailedRecords", "Arn"]}}


def test_send_emails_reads_stream_with_partial_batch_failures(template: Json) -> None:
    mapping = event_source_of(template, "SendEmailsFunction")

    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 5
    assert mapping["MaximumRecordAgeInSeconds"] == 3600
    assert mapping["DestinationConfig"]["OnFailure"] == {"Destination": {"Fn::GetAtt": ["FailedRecords", "Arn"]}}


@pytest.mark.parametrize(
    ("function", "prefix"), [("SendEmailsFunction", "OUTBOX#"), ("PublishAuditEventsFunction", "AUDIT#")]
)
def test_stream_reader_is_invoked_only_for_its_new_items(template: Json, function: str, prefix: str) -> None:
    (only_filter,) = event_source_of(template, function)["FilterCriteria"]["Filters"]

    assert json.loads(only_filter["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": prefix}]}}},
    }


@pytest.mark.parametrize(("name", "days"), [("FailedRecords", [30]), ("TreeHeads", [35])])
def test_bucket_is_encrypted_private_and_expires_objects(template: Json, name: str, days: list[int]) -> None:
    bucket = template["Resources"][name]["Properties"]
    policy = template["Resources"][f"{name}Policy"]["Properties"]
    (denial,) = policy["PolicyDocument"]["Statement"]

    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert [rule["ExpirationInDays"] for rule in bucket["LifecycleConfiguration"]["Rules"]] == days
    assert policy["Bucket"] == {"Ref": name}
    assert denial["Effect"] == "Deny"
    assert denial["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_buckets_are_all_tested(template: Json) -> None:
    assert {name for name, _ in resources_of(template, "AWS::S3::Bucket")} == {"FailedRecords", "TreeHeads"}


def test_tree_head_bucket_is_locked_and_expires_only_leaves(template: Json) -> None:
    bucket = template["Resources"]["TreeHeads"]
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]

    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert bucket["Properties"]["ObjectLockEnabled"] is True
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["Prefix"] == "leaves/"
    assert template["Parameters"]["TreeHeadRetentionDays"]["MinValue"] >= 1


def test_signing_key_is_retained_and_used_by_one_role(template: Json) -> None:
    key = template["Resources"]["TreeHeadSigningKey"]
    administer, sign = key["Properties"]["KeyPolicy"]["Statement"]
    signer = functions(template)["sign_audit_log"]

    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert not [action for action in administer["Action"] if "Sign" in action or "*" in action]
    assert "kms:PutKeyPolicy" in administer["Action"]
    assert sign["Action"] == ["kms:Sign", "kms:Verify"]
    assert sign["Principal"] == {"AWS": {"Fn::GetAtt": ["SignAuditLogRole", "Arn"]}}
    assert signer["Role"] == {"Fn::GetAtt": ["SignAuditLogRole", "Arn"]}
    assert signer["Environment"]["Variables"]["TREE_HEAD_SIGNING_KEY"] == {"Fn::GetAtt": ["TreeHeadSigningKey", "Arn"]}


def test_schedules_run_their_functions_for_this_account_only(template: Json) -> None:
    schedules = {
        name: (one["ScheduleExpression"], one["Target"])
        for name, one in resources_of(template, "AWS::Scheduler::Schedule")
    }
    (trust,) = template["Resources"]["ScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert {(expression, target["Arn"]["Fn::GetAtt"][0]) for expression, target in schedules.values()} == {
        ("rate(1 minute)", "ReconcileAccessFunction"),
        ("rate(5 minutes)", "ExpireLinksFunction"),
        ("rate(5 minutes)", "SignAuditLogFunction"),
        ("rate(1 minute)", "SendEmailsFunction"),
    }
    assert {target["RoleArn"]["Fn::GetAtt"][0] for _, target in schedules.values()} == {"ScheduleRole"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_resources_have_no_fixed_names(template: Json) -> None:
    named = {"BucketName", "ConfigurationSetName", "FunctionName", "LogGroupName", "ManagedPolicyName", "RoleName"}
    named |= {"AlarmName", "DashboardName", "TableName", "TopicName", "UserPoolName"}
    kinds_that_refer = {
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::SES::ConfigurationSetEventDestination",
    }

    for resource in template["Resources"].values():
        if resource["Type"] not in kinds_that_refer:
            assert not named & set(resource.get("Properties", {}))
    for _, schedule in resources_of(template, "AWS::Scheduler::Schedule"):
        assert "Name" not in schedule


def test_email_links_are_not_tracked(template: Json) -> None:
    destination = only_resource(template, "AWS::SES::ConfigurationSetEventDestination")["EventDestination"]

    assert "TrackingOptions" not in only_resource(template, "AWS::SES::ConfigurationSet")
    assert set(destination["MatchingEventTypes"]) == {
        "send",
        "bounce",
        "complaint",
        "reject",
        "renderingFailure",
    }
    assert destination["Enabled"] is True


def test_email_feedback_reaches_its_function(template: Json) -> None:
    destination = only_resource(template, "AWS::SES::ConfigurationSetEventDestination")
    (publish,) = only_resource(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    subscription = only_resource(template, "AWS::SNS::Subscription")

    assert destination["ConfigurationSetName"] == {"Ref": "EmailConfigurationSet"}
    assert destination["EventDestination"]["SnsDestination"] == {"TopicARN": {"Ref": "EmailFeedbackTopic"}}
    assert template["Resources"]["EmailEventDestination"]["DependsOn"] == "EmailFeedbackTopicPolicy"
    assert publish["Principal"] == {"Service": "ses.amazonaws.com"}
    assert publish["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert (
        "configuration-set/${EmailConfigurationSet}" in publish["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    )
    assert subscription["TopicArn"] == {"Ref": "EmailFeedbackTopic"}
    assert subscription["Endpoint"] == {"Fn::GetAtt": ["RecordEmailFeedbackFunction", "Arn"]}


def test_functions_are_invoked_only_from_this_account(template: Json) -> None:
    for _, permission in resources_of(template, "AWS::Lambda::Permission"):
        source = permission["SourceArn"]
        if permission["Principal"] == "apigateway.amazonaws.com":
            assert ":${AWS::AccountId}:${__ApiId__}/" in source["Fn::Sub"][0]
            assert source["Fn::Sub"][1]["__ApiId__"] == {"Ref": "Api"}
        else:
            assert (permission["Principal"], source) == ("sns.amazonaws.com", {"Ref": "EmailFeedbackTopic"})


def test_user_pool_clients_have_their_grant_types_and_scopes(template: Json) -> None:
    clients = {client["ClientName"]: client for _, client in resources_of(template, "AWS::Cognito::UserPoolClient")}
    people = clients["pages"]

    assert (people["GenerateSecret"], people["AllowedOAuthFlows"]) == (False, ["code"])
    assert set(people["AllowedOAuthScopes"]) == {"openid", "email", "partner-access/use"}
    assert clients.keys() == {"pages", "back-end", "product"}
    for name, scope in (("back-end", "directory"), ("product", "decide")):
        assert (clients[name]["GenerateSecret"], clients[name]["AllowedOAuthFlows"]) == (True, ["client_credentials"])
        assert clients[name]["AllowedOAuthScopes"] == [f"partner-access/{scope}"]
    for client in clients.values():
        assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
        assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (15, "minutes")
        assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_cognito_resources_exist_only_without_external_issuer(template: Json) -> None:
    for resource in template["Resources"].values():
        if resource["Type"].startswith("AWS::Cognito::"):
            assert resource["Condition"] == "OwnUserPool"


@pytest.mark.parametrize(
    ("namespace", "metric"),
    [
        ("AWS/ApiGateway", "5xx"),
        ("AWS/ApiGateway", "Latency"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "IteratorAge"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("PartnerAccess", "AccountOrphaned"),
        ("PartnerAccess", "ConflictExhausted"),
        ("PartnerAccess", "EmailBounced"),
        ("PartnerAccess", "EmailFailed"),
        ("PartnerAccess", "EmailPaused"),
        ("PartnerAccess", "EmailPossibleDuplicate"),
        ("PartnerAccess", "EmailUnreadable"),
        ("PartnerAccess", "InvalidLinkSecret"),
    ],
)
def test_alarm_exists_for_metric(template: Json, namespace: str, metric: str) -> None:
    watched = {
        (alarm["Namespace"], alarm["MetricName"])
        for _, alarm in resources_of(template, "AWS::CloudWatch::Alarm")
        if "MetricName" in alarm
    }

    assert (namespace, metric) in watched


@pytest.mark.parametrize("function", ["SendEmailsFunction", "PublishAuditEventsFunction"])
@pytest.mark.parametrize("metric", ["Errors", "IteratorAge"])
def test_alarm_exists_for_each_stream_reader(template: Json, function: str, metric: str) -> None:
    watched = [
        (alarm["MetricName"], alarm["Dimensions"][0]["Value"])
        for _, alarm in resources_of(template, "AWS::CloudWatch::Alarm")
        if alarm.get("Namespace") == "AWS/Lambda"
    ]

    assert (metric, {"Ref": function}) in watched


@pytest.mark.parametrize("function", ["ExpireLinksFunction", "SignAuditLogFunction", "SendEmailsFunction"])
def test_alarm_exists_for_scheduled_job_without_invocations(template: Json, function: str) -> None:
    silences = [
        alarm
        for _, alarm in resources_of(template, "AWS::CloudWatch::Alarm")
        if alarm["TreatMissingData"] == "breaching"
    ]

    (silence,) = [alarm for alarm in silences if json.dumps({"Ref": function}) in json.dumps(alarm)]
    assert (silence["Threshold"], silence["ComparisonOperator"]) == (1, "LessThanThreshold")


def test_alarms_notify_the_alarm_topic(template: Json) -> None:
    for _, alarm in resources_of(template, "AWS::CloudWatch::Alarm"):
        assert alarm["AlarmActions"] == {"Fn::If": ["HasAlarmEmail", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
        assert alarm["AlarmDescription"]


def test_dashboard_body_is_valid_json(template: Json) -> None:
    body = json.loads(only_resource(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"])

    assert len(body["widgets"]) == 6


def counted_metrics() -> set[str]:
    """Return the names of all metrics that the code counts, given to `count` directly or through a table of names."""
    found = set()
    for path in (*ROOT.glob("functions/*/app.py"), *ROOT.glob("layers/common/partner_access/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("telemetry"), attr="count") | ast.Name("count"),
                    args=[ast.Constant(str(name)), *_],
                ):
                    found.add(name)
                case ast.AnnAssign(target=ast.Name(table), value=ast.Dict(values=values)) if table.startswith(
                    "METRIC_"
                ):
                    found |= {str(each.value) for each in values if isinstance(each, ast.Constant)}
    return found


def test_dashboard_shows_all_metrics_and_alarms_watch_counted_ones(template: Json) -> None:
    body = json.loads(only_resource(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"])
    metrics = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    alarms = [alarm for _, alarm in resources_of(template, "AWS::CloudWatch::Alarm")]
    ours = {"service": "partner-access"}

    assert {metric[1] for metric in metrics if metric[0] == "PartnerAccess"} == counted_metrics()
    assert counted_metrics() >= {alarm["MetricName"] for alarm in alarms if alarm.get("Namespace") == "PartnerAccess"}
    assert all(dict([metric[2:4]]) == ours for metric in metrics if metric[0] == "PartnerAccess")


def test_parameters_have_descriptions(template: Json) -> None:
    assert {name for name, parameter in template["Parameters"].items() if "Default" not in parameter} == {
        "BaseUrl",
        "EmailFrom",
    }
    for parameter in template["Parameters"].values():
        assert parameter["Description"]


def test_cursor_key_is_given_only_to_functions_with_lists(template: Json) -> None:
    holders = {
        name for name, function in functions(template).items() if "CURSOR_KEY" in function["Environment"]["Variables"]
    }

    assert holders == {
        path.parent.name
        for path in ROOT.glob("functions/*/app.py")
        if re.search(r"cursors\.|authzen\.search_page", path.read_text("utf-8"))
    }


def test_approve_link_can_have_reserved_concurrency(template: Json) -> None:
    reserved = {
        name: function["ReservedConcurrentExecutions"]
        for name, function in functions(template).items()
        if "ReservedConcurrentExecutions" in function
    }

    share = {
        "Fn::If": ["HasApprovalReservedConcurrency", {"Ref": "ApprovalReservedConcurrency"}, {"Ref": "AWS::NoValue"}]
    }
    assert reserved == {"approve_link": share}
    assert template["Parameters"]["ApprovalReservedConcurrency"]["Default"] == 0
