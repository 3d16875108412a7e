"""Import the demo's sample data into the directory with the code of the operator's import."""

from collections.abc import Callable, Iterator, Mapping

from tools.api_client import ApiClient, Json
from tools.directory_sample import SampleDirectory
from tools.operate.directory_client import AccessToken, DirectoryClient, ImportStopped
from tools.operate.journal import Journal
from tools.operate.plan import ImportPlan
from tools.operate.rows import ImportRow, RecordType, validated_row
from tools.operate.sending import send_requests

AT_ONCE = 6


class ImportFailed(Exception):
    """The directory rejected part of the sample. The message contains its response."""


def import_sample(
    back_end: ApiClient, sample: SampleDirectory, user_ids: Mapping[str, str], on_request: Callable[[], None]
) -> None:
    """Import accounts, users, super admins and other members in this order, with a call of `on_request` each."""
    with (
        Journal.in_memory(back_end.base_url) as journal,
        ImportPlan.load(_rows(sample, user_ids), journal, partial=False) as plan,
    ):
        try:
            send_requests(
                plan,
                journal,
                DirectoryClient(back_end, AccessToken(back_end.token or "")),
                parallel=AT_ONCE,
                on_request=on_request,
            )
        except ImportStopped as stopped:
            raise ImportFailed(str(stopped)) from stopped
        if failed := list(plan.failed()):
            raise ImportFailed(f"the directory rejected it: {'; '.join(each.sentence for each in failed)}")


def request_count(sample: SampleDirectory) -> int:
    """Return the number of requests, which is the number of calls of `on_request`."""
    ended = sum("state" in body for body in sample.accounts.values())
    return len(sample.accounts) + len(sample.users) + len(sample.memberships) + ended


def _rows(sample: SampleDirectory, user_ids: Mapping[str, str]) -> Iterator[ImportRow]:
    for name, body in sample.accounts.items():
        yield validated_row(name, RecordType.ACCOUNT, {"account_id": name, **body})
    for user in sample.users.values():
        user_fields: Json = {"email": user.email, "name": user.name, "locale": user.locale, "active": user.active}
        yield validated_row(user.email, RecordType.USER, {"user_id": user_ids[user.email], **user_fields})
    for each in sample.memberships:
        ids = {"account_id": each.account_id, "user_id": user_ids[each.email]}
        fields = {"permission_set": each.permission_set} | ({"seat": each.seat} if each.seat else {})
        yield validated_row(f"{each.email} in {each.account_id}", RecordType.MEMBER, {**ids, **fields})
