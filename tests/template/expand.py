"""Program that prints the template as CloudFormation gets it.

It runs in the SAM environment, which has the transform.
"""

import json
import sys
from pathlib import Path

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]  # not in this environment
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found]

CODE_URI = "s3://artifacts/code.zip"


class NoManagedPolicyLoader:
    """A stand-in for the lookup of AWS's managed policies by name, which this template never needs."""

    def load(self) -> dict[str, str]:
        return {}


template = yaml_parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
template["Globals"]["Function"]["CodeUri"] = CODE_URI
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::LayerVersion":
        resource["Properties"]["ContentUri"] = CODE_URI
json.dump(transform(template, {}, NoManagedPolicyLoader()), sys.stdout)
