"""E-mail addresses as the product compares and keeps them (domain.md rule 13)."""

import unicodedata
from typing import Annotated, Final

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

COMPATIBLE_SCRIPTS: Final = frozenset(
    {"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"}
)


def _invalid_email() -> PydanticCustomError:
    return PydanticCustomError("invalid_email", "not an e-mail address")


def normalize(text: str) -> str:
    """Trimmed, NFKC, casefolded, the domain in its IDNA form; no folding of dots or plus signs.

    Where folding makes another name of it, as of the German ß, or scripts are mixed to look alike, it is refused.
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
    """Whether letters come from scripts that nobody writes together; by the first word of each letter's name."""
    scripts = {unicodedata.name(character, "").partition(" ")[0] for character in label if character.isalpha()}
    return len(scripts) > 1 and not scripts <= COMPATIBLE_SCRIPTS


def normalize_domain(text: str) -> str:
    """A domain as the right side of a normalised address has it."""
    return normalize(f"x@{text.strip()}").removeprefix("x@")


EmailAddress = Annotated[str, AfterValidator(normalize)]
Domain = Annotated[str, AfterValidator(normalize_domain)]
