"""Mutants of the product: small changes, one at a time, each of which a test must notice.

`expressions` changes what DynamoDB is asked, `requests` does so at AWS's door, `functions` changes code; `trials` runs
the tests that come near a mutant, each in a process that is a copy of one in which they have all passed.
"""

import sys

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))
