"""The languages of the pages: which one the reader prefers, and the texts of permissions in it."""

from functools import cache
from typing import Any, Final

from partner_access.api.negotiation import preferred_language
from partner_access.domain.permissions import catalogue
from partner_access.emails import permission_texts
from partner_access.emails.permission_texts import Language
from partner_access.lambda_context import Event

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")


Texts = dict[str, Any]


@cache
def permission_labels(language: Language) -> Texts:
    """Return the texts of all permissions as the emails have them: verb and noun, by group of one sentence."""

    def capitalize(text: str) -> str:
        return text[:1].upper() + text[1:]

    def parts(verb: str, noun: permission_texts.BilingualText) -> tuple[str, str]:
        return permission_texts.VERB_TEXTS[verb].in_language(language), noun.in_language(language)

    return {
        "groups": [
            {
                "whole": capitalize(group.summary.in_language(language)),
                "names": {name: parts(*verb_and_noun) for name, verb_and_noun in group.permissions.items()},
            }
            for group in permission_texts.ORDINARY_GROUPS
        ],
        "single": {
            name: capitalize(wording.in_language(language))
            for name, wording in permission_texts.SINGLE_PERMISSION_TEXTS.items()
        },
        "scoped": catalogue.SCOPED,
        "narrowed": {
            scope: wording.in_language(language) for scope, wording in permission_texts.SCOPE_TEXTS.items() if scope
        },
        "unnamed": capitalize(permission_texts.UNKNOWN_PERMISSION_TEXT.in_language(language)),
    }


def language_of(event: Event) -> Language:
    """Return the supported language that the user prefers most, or English if they name no supported language."""
    preferred = preferred_language(event["headers"].get("accept-language", ""), LANGUAGES)
    return next((each for each in LANGUAGES if each == preferred), "en")
