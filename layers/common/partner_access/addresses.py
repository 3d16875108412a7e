"""E-mail addresses as the product compares and keeps them (domain.md rule 13)."""

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def normalised(text: str) -> str:
    """Trimmed, NFKC, casefolded, the domain in its IDNA form; no folding of dots or plus signs."""
    folded = unicodedata.normalize("NFKC", text.strip()).casefold()
    local, _, domain = folded.rpartition("@")
    if not local.isascii() or domain.endswith("."):
        raise PydanticCustomError("invalid_email", "not an e-mail address")
    try:
        checked = validate_email(folded, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as not_valid:
        raise PydanticCustomError("invalid_email", "not an e-mail address") from not_valid
    return f"{checked.local_part}@{checked.ascii_domain}".casefold()


def normalised_domain(text: str) -> str:
    """A domain as the right side of a normalised address has it."""
    return normalised(f"x@{text.strip()}").removeprefix("x@")


Email = Annotated[str, AfterValidator(normalised)]
Domain = Annotated[str, AfterValidator(normalised_domain)]
