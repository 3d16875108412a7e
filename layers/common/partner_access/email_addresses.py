"""Normalization of email addresses and domains, for comparison and storage (domain.md rule 13)."""

import unicodedata
from typing import Annotated, Final

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

COMPATIBLE_SCRIPTS: Final = frozenset(
    {"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"}
)


def _invalid_email() -> PydanticCustomError:
    return PydanticCustomError("invalid_email", "not an email address")


def normalize(text: str) -> str:
    """Return the normalized address: trimmed, NFKC, casefolded, with its domain in IDNA form.

    Dots and plus signs are not folded. Raise an error if casefolding results in a different name, as for the German ß.
    Raise the same error if a domain label mixes scripts, which can imitate another domain.
    """
    composed = unicodedata.normalize("NFKC", text.strip())
    folded = composed.casefold()
    local, _, domain = composed.rpartition("@")
    if not local.isascii() or domain.endswith(".") or folded != composed.lower():
        raise _invalid_email()
    try:
        checked = validate_email(
            folded, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        )
    except EmailNotValidError as not_valid:
        raise _invalid_email() from not_valid
    if any(_mixes_scripts(label) for label in checked.domain.split(".")):
        raise _invalid_email()
    return f"{checked.local_part}@{checked.ascii_domain}".casefold()


def _mixes_scripts(label: str) -> bool:
    """Return whether the characters come from scripts that are not written together.

    The script is the first word of a character's Unicode name.
    """
    scripts = {unicodedata.name(character, "").partition(" ")[0] for character in label if character.isalpha()}
    return len(scripts) > 1 and not scripts <= COMPATIBLE_SCRIPTS


def normalize_domain(text: str) -> str:
    """Return the domain as it is in a normalized address."""
    return normalize(f"x@{text.strip()}").removeprefix("x@")


EmailAddress = Annotated[str, AfterValidator(normalize)]
Domain = Annotated[str, AfterValidator(normalize_domain)]
