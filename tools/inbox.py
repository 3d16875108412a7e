"""HTML pages that list the emails sent by a local stack. They load nothing from other hosts."""

from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from string import Template

from tools.emails import SentEmail

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
# The page of an email may show its styles and images. It cannot run scripts or submit forms.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
SANDBOX = "allow-top-navigation-by-user-activation"
EMAIL_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox {SANDBOX}"
INBOX_PATH = "/inbox/"


def list_page(emails: list[SentEmail]) -> str:
    """Return the list of all emails, newest first."""
    rows = "\n".join(
        f"<tr><td>{email.at:%H:%M:%S}</td><td>{escape(', '.join(email.to))}</td>"
        f'<td><a href="{INBOX_PATH}emails/{nth}">{escape(email.subject)}</a></td></tr>'
        for nth, email in reversed(list(enumerate(emails)))
    )
    return _page(
        "Emails",
        "<h1>Emails</h1>"
        "<table><thead><tr><th>At (UTC)</th><th>To</th><th>Subject</th></tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table>"
        if emails
        else "<h1>Emails</h1><p>No email has been sent yet. Reload this page in a moment.</p>",
    )


def email_page(nth: int, email: SentEmail) -> str:
    """Return the page of one email: sender, recipients, subject, HTML view and plain text."""
    return _page(
        email.subject,
        f'<p><a href="{INBOX_PATH}">All emails</a></p><h1>{escape(email.subject)}</h1>'
        f"<p>From {escape(email.sender)}<br>To {escape(', '.join(email.to))}<br>At {email.at:%Y-%m-%d %H:%M:%S} UTC</p>"
        f'<iframe src="{INBOX_PATH}emails/{nth}/html" sandbox="{SANDBOX}" title="The email as HTML"></iframe>'
        f"<details><summary>The same as plain text</summary><pre>{escape(email.text)}</pre></details>",
    )


def _page(title: str, content: str) -> str:
    return PAGE.substitute(title=escape(title), style=STYLE, content=content)


def email_html(email: SentEmail) -> str:
    """Return the HTML body of the email. Links in it open in the top-level window."""
    return email.html.replace("<head>", '<head>\n<base target="_top">', 1)


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of the inbox with its content security policy and status."""

    content: str
    policy: str = PAGE_POLICY
    status: HTTPStatus = HTTPStatus.OK


def page_at(path: str, emails: list[SentEmail]) -> InboxPage:
    """Return the page for a path below the inbox."""
    match path.removeprefix(INBOX_PATH).strip("/").split("/"):
        case [""]:
            return InboxPage(list_page(emails))
        case ["emails", nth] if nth.isdecimal() and int(nth) < len(emails):
            return InboxPage(email_page(int(nth), emails[int(nth)]))
        case ["emails", nth, "html"] if nth.isdecimal() and int(nth) < len(emails):
            return InboxPage(email_html(emails[int(nth)]), policy=EMAIL_POLICY)
    return InboxPage(_page("Not found", "<h1>Not found</h1>"), status=HTTPStatus.NOT_FOUND)
