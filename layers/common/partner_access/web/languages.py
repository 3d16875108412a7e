"""The languages of the pages: which one the reader prefers, and the texts of permissions in it."""

import re
from functools import cache
from typing import Any, Final

from partner_access.domain.permissions import catalogue
from partner_access.emails import permission_texts
from partner_access.emails.permission_texts import Language
from partner_access.lambda_context import Event

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")


Words = dict[str, Any]


@cache
def permissions(language: Language) -> Words:
    """What each permission means in the letters' plain words, verb and noun, by the groups that one sentence covers."""

    def capital(text: str) -> str:
        return text[:1].upper() + text[1:]

    def parts(verb: str, noun: permission_texts.Both) -> tuple[str, str]:
        return permission_texts.VERBS[verb].said_in(language), noun.said_in(language)

    return {
        "groups": [
            {
                "whole": capital(group.whole.said_in(language)),
                "names": {name: parts(*meant) for name, meant in group.permissions.items()},
            }
            for group in permission_texts.ORDINARY
        ],
        "single": {name: capital(said.said_in(language)) for name, said in permission_texts.SINGULAR.items()},
        "scoped": catalogue.SCOPED,
        "narrowed": {scope: said.said_in(language) for scope, said in permission_texts.NARROWED.items() if scope},
        "unnamed": capital(permission_texts.UNNAMED.said_in(language)),
    }


def language_of(event: Event) -> Language:
    """The language that the reader likes best among ours; English if he says nothing that we know."""
    liked: list[tuple[float, int, Language]] = []
    for nth, wish in enumerate(event["headers"].get("accept-language", "").lower().split(",")):
        tag, _, weight = wish.partition(";")
        known = next((each for each in LANGUAGES if tag.strip().partition("-")[0] == each), None)
        quality = re.fullmatch(r"\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*", weight)
        if known and (quality or not weight):
            liked.append((-float(quality[1]) if quality else -1.0, nth, known))
    return min((each for each in liked if each[0]), default=(0.0, 0, "en"))[2]
