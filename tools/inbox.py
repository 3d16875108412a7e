"""The pages that list the letters a local stack has sent; plain, and with nothing from elsewhere."""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from string import Template

from tools.emails import Letter

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, "Noto Sans CJK JP", sans-serif; line-height: 1.5 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; line-height: 1.3 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .6rem 1rem .6rem 0; border-bottom: 1px solid #8886; vertical-align: top }
th { font-weight: 500 }
pre { white-space: pre-wrap; border: 1px solid #8886; padding: 1rem }
iframe { width: 100%; height: 60rem; border: 1px solid #8886; background: #fff }
summary { cursor: pointer; padding: .5rem 0 }
@media (max-width: 40rem) {
  thead { display: none }
  tr, td { display: block }
  tr { padding: .6rem 0; border-bottom: 1px solid #8886 }
  td { padding: 0; border: 0 }
}
"""
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
$content
</body>
</html>
""")
# A letter's own page may show its styles and pictures, and may do nothing at all.
POLICY_OF_PAGES = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
SANDBOX = "allow-top-navigation-by-user-activation"
POLICY_OF_LETTERS = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox {SANDBOX}"
PLACE = "/inbox/"


def list_page(letters: list[Letter]) -> str:
    """All letters, newest first."""
    rows = "\n".join(
        f"<tr><td>{letter.at:%H:%M:%S}</td><td>{escape(', '.join(letter.to))}</td>"
        f'<td><a href="{PLACE}letters/{nth}">{escape(letter.subject)}</a></td></tr>'
        for nth, letter in reversed(list(enumerate(letters)))
    )
    return _page(
        "Letters",
        "<h1>Letters</h1>"
        "<table><thead><tr><th>At (UTC)</th><th>To</th><th>Subject</th></tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table>"
        if letters
        else "<h1>Letters</h1><p>No letter was sent yet. Reload this page in a moment.</p>",
    )


def letter_page(nth: int, letter: Letter) -> str:
    """One letter: who, what, how it looks, and its text."""
    return _page(
        letter.subject,
        f'<p><a href="{PLACE}">All letters</a></p><h1>{escape(letter.subject)}</h1>'
        f"<p>From {escape(letter.sender)}<br>To {escape(', '.join(letter.to))}<br>At {letter.at:%Y-%m-%d %H:%M:%S} UTC</p>"
        f'<iframe src="{PLACE}letters/{nth}/html" sandbox="{SANDBOX}" title="The letter as HTML"></iframe>'
        f"<details><summary>The same as plain text</summary><pre>{escape(letter.text)}</pre></details>",
    )


def _page(title: str, content: str) -> str:
    return PAGE.substitute(title=escape(title), style=STYLE, content=content)


def as_seen(letter: Letter) -> str:
    """The letter's own page; what is clicked in it opens where the letter was."""
    return letter.html.replace("<head>", '<head>\n<base target="_top">', 1)


@dataclass(frozen=True, slots=True)
class Page:
    """What the inbox shows at an address."""

    content: str
    policy: str = POLICY_OF_PAGES
    status: HTTPStatus = HTTPStatus.OK


def page_at(path: str, letters: list[Letter]) -> Page:
    """The page at an address below the inbox."""
    match path.removeprefix(PLACE).strip("/").split("/"):
        case [""]:
            return Page(list_page(letters))
        case ["letters", nth] if nth.isdecimal() and int(nth) < len(letters):
            return Page(letter_page(int(nth), letters[int(nth)]))
        case ["letters", nth, "html"] if nth.isdecimal() and int(nth) < len(letters):
            return Page(as_seen(letters[int(nth)]), policy=POLICY_OF_LETTERS)
    return Page(_page("Not found", "<h1>Not found</h1>"), status=HTTPStatus.NOT_FOUND)
