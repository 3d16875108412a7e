"""Deploy an expanded template to the emulator through CloudFormation, as the pipeline deploys the original to AWS."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from tools.emulator import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType

STACK = "partner-access"
BUCKET = "partner-access-artifacts"
DEPLOYMENT_TIMEOUT = 120.0
CAPABILITIES: tuple["CapabilityType", ...] = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


class DeploymentFailed(Exception):
    """CloudFormation rejected the stack or failed. The message contains the reason for each failed resource."""


@dataclass(frozen=True, slots=True)
class Aws:
    """A factory of AWS clients for one emulator."""

    endpoint: str

    def session(self) -> boto3.Session:
        """Return a session with the emulator's credentials and region. It ignores the AWS settings of this machine."""
        return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION)

    @property
    def settings(self) -> Config:
        """Client settings with one retry and short timeouts, since the emulator is on this machine."""
        return Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=60)


@dataclass(frozen=True, slots=True)
class DeployedResources:
    """A deployed stack: its outputs, and the physical id and type of each resource by logical id."""

    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    kinds: Mapping[str, str]

    def only(self, kind: str) -> str:
        """Return the physical id of the only resource of this type."""
        (found,) = (self.resources[name] for name, its_kind in self.kinds.items() if its_kind == kind)
        return found


def upload(aws: Aws, archives: Mapping[str, Path]) -> None:
    """Upload the built code to the locations in the expanded template."""
    s3 = aws.session().client("s3", endpoint_url=aws.endpoint, config=aws.settings)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, path in archives.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


def deploy(aws: Aws, template: Path, parameters: Mapping[str, str], tags: Mapping[str, str]) -> DeployedResources:
    """Create the stack and wait until it is complete.

    The template is uploaded first, since it is too large to send inline.
    """
    session = aws.session()
    s3 = session.client("s3", endpoint_url=aws.endpoint, config=aws.settings)
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=template.read_bytes())
    cloudformation = session.client("cloudformation", endpoint_url=aws.endpoint, config=aws.settings)
    declared = json.loads(template.read_text()).get("Parameters", {})
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"{aws.endpoint}/{BUCKET}/template.json",
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items() if name in declared
        ],
        Tags=[{"Key": name, "Value": value} for name, value in tags.items()],
        Capabilities=CAPABILITIES,
    )
    return _wait_until_created(cloudformation)


def _wait_until_created(cloudformation: "CloudFormationClient") -> DeployedResources:
    deadline = time.monotonic() + DEPLOYMENT_TIMEOUT
    while time.monotonic() < deadline:
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            resources = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
            return DeployedResources(
                outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
                resources={one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources},
                kinds={one["LogicalResourceId"]: one["ResourceType"] for one in resources},
            )
        if stack["StackStatus"] != "CREATE_IN_PROGRESS":
            break
        time.sleep(0.1)
    reasons = [
        f"{event.get('LogicalResourceId')}: {event['ResourceStatusReason']}"
        for event in cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        if event.get("ResourceStatusReason") and "FAILED" in event.get("ResourceStatus", "")
    ]
    raise DeploymentFailed("the stack was not created. " + "; ".join(reasons))
