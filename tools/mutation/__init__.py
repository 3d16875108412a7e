"""Mutation tests of the product. Each mutant is one small change, which a test must detect.

- `expressions` changes the conditions and updates that are sent to DynamoDB.
- `requests` applies these changes to the requests of the AWS client.
- `functions` changes code.
- `trials` runs the tests that cover a mutant, each in a fork of a process in which all of them have passed.
"""

import sys

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))
