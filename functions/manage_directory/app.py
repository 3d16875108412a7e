"""The vendor's back end saves accounts, users and members."""

from http import HTTPStatus
from typing import Annotated, ClassVar, Self

from pydantic import Field

from partner_access import telemetry
from partner_access.api import routing
from partner_access.api.request_fields import Name, PartialRequest, PermissionName, TimeZone, kept_if_absent
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import TaggedMemberResponse
from partner_access.domain import directory, directory_members
from partner_access.domain.accounts import Account, AccountKind, AccountState, Pricing, Program
from partner_access.domain.act import Act
from partner_access.domain.directory_members import DirectoryMemberFacts
from partner_access.domain.errors import NotFound
from partner_access.domain.memberships.members import Seat
from partner_access.domain.notifications import Locale, known_locale
from partner_access.domain.users import User
from partner_access.email_addresses import Domain, EmailAddress
from partner_access.store import directory as stored
from partner_access.store.dynamo import replay_if_stored, store_response

app = routing.App(replay_if_stored=replay_if_stored)


class PutAccountRequest(PartialRequest, title="PutAccountRequest"):
    """The fields of an account.

    A new account needs `kind` and `name`. Only partners have `domains` and `program`. Only clients have `pricing` and
    `partner_seat_limit`. Dates are days in the account's `time_zone`, an IANA name.
    """

    kind: AccountKind = kept_if_absent()
    name: Name = kept_if_absent()
    locale: Locale | None = kept_if_absent()
    time_zone: TimeZone = kept_if_absent()
    pricing: Pricing = kept_if_absent()
    partner_seat_limit: Annotated[int, Field(ge=0, le=100_000)] | None = kept_if_absent()
    domains: Annotated[tuple[Domain, ...], Field(max_length=50)] = kept_if_absent()
    program: Program = kept_if_absent()
    state: AccountState = kept_if_absent()


class DirectoryAccountResponse(ResponseBody, title="DirectoryAccountResponse"):
    """An account, as the vendor's back end sees it, with the version that events give it."""

    account_id: str
    kind: AccountKind
    name: str
    locale: Locale | None
    time_zone: str
    pricing: Pricing | None
    partner_seat_limit: int | None
    partner_seats_used: int | None
    domains: tuple[str, ...] | None
    program: Program | None
    state: AccountState
    version: int

    @classmethod
    def of(cls, account: Account) -> Self:
        """Build the response with the fields that the kind of account has."""
        is_partner = account.is_partner
        return cls(
            account_id=account.account_id,
            kind=account.kind,
            name=account.name,
            locale=known_locale(account.locale),
            time_zone=account.zone.key,
            pricing=None if is_partner else account.pricing,
            partner_seat_limit=account.partner_seat_limit,
            partner_seats_used=None if is_partner else account.partner_seats_used,
            domains=account.domains if is_partner else None,
            program=account.program if is_partner else None,
            state=account.state,
            version=account.version,
        )


class CreatedDirectoryAccountResponse(DirectoryAccountResponse, title="CreatedDirectoryAccountResponse"):
    """A new account."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.operation(
    routing.Docs(
        "get_account",
        tag=routing.Tag.DIRECTORY,
        summary="Get an account of the directory.",
        description="Only the vendor's back end can call this operation.",
    ),
)
def get_account(account_id: str) -> DirectoryAccountResponse:
    return _account_response(stored.account(account_id))


def _account_response(account: Account | None) -> DirectoryAccountResponse:
    if not account:
        raise NotFound
    return DirectoryAccountResponse.of(account)


@app.operation(
    routing.Docs(
        "put_account",
        tag=routing.Tag.DIRECTORY,
        summary="Create or update an account of the directory.",
        description=(
            "Only the vendor's back end can call this operation. A new account needs `kind` and `name`, and an "
            "absent field keeps its value. Repeating the same request changes nothing."
        ),
    ),
)
def put_account(account_id: str, request: PutAccountRequest, act: Act) -> DirectoryAccountResponse:
    before = stored.account(account_id)
    saved = directory.put_account(account_id, before, request.named_fields, act)
    if not saved:
        unchanged = _account_response(before)
        store_response(act, unchanged)
        return unchanged
    response = (DirectoryAccountResponse if before else CreatedDirectoryAccountResponse).of(saved.account)
    stored.record_account(saved, response)
    return response


class PutUserRequest(PartialRequest, title="PutUserRequest"):
    """The fields of a user. A new user needs `email` and `name`."""

    email: EmailAddress = kept_if_absent()
    name: Name = kept_if_absent()
    locale: Locale | None = kept_if_absent()
    active: bool = kept_if_absent()


class DirectoryUserResponse(ResponseBody, title="DirectoryUserResponse"):
    """A user, as the vendor's back end sees them, with the version that events give the record."""

    user_id: str
    email: str | None
    name: str
    locale: Locale | None
    active: bool
    employed_by: tuple[str, ...]
    version: int

    @classmethod
    def of(cls, user: User) -> Self:
        return cls.model_validate(
            {**dict(user), "locale": known_locale(user.locale), "employed_by": tuple(sorted(user.employed_by))}
        )


class CreatedDirectoryUserResponse(DirectoryUserResponse, title="CreatedDirectoryUserResponse"):
    """A new user."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.operation(
    routing.Docs(
        "get_user",
        tag=routing.Tag.DIRECTORY,
        summary="Get a user of the directory.",
        description="Only the vendor's back end can call this operation.",
    ),
)
def get_user(user_id: str) -> DirectoryUserResponse:
    return _user_response(stored.facts_for_user(user_id, None, with_memberships=False).user)


def _user_response(user: User | None) -> DirectoryUserResponse:
    if not user:
        raise NotFound
    return DirectoryUserResponse.of(user)


@app.operation(
    routing.Docs(
        "put_user",
        tag=routing.Tag.DIRECTORY,
        summary="Create or update a user of the directory.",
        description=(
            "Only the vendor's back end can call this operation. A new user needs `email` and `name`, an absent "
            "field keeps its value, and repeating the same request changes nothing. A deactivated user has no access "
            "anywhere from this instant."
        ),
    ),
)
def put_user(user_id: str, request: PutUserRequest, act: Act) -> DirectoryUserResponse:
    named_fields = request.named_fields
    facts = stored.facts_for_user(
        user_id, named_fields.get("email"), with_memberships=named_fields.get("active") is False
    )
    saved = directory.put_user(user_id, facts, named_fields, act)
    if not saved:
        unchanged = _user_response(facts.user)
        store_response(act, unchanged)
        return unchanged
    response = (DirectoryUserResponse if facts.user else CreatedDirectoryUserResponse).of(saved.user)
    stored.record_user(saved, response)
    if saved.orphaned:
        telemetry.count("AccountOrphaned", len(saved.orphaned))
    return response


class ErasureResponse(ResponseBody, title="ErasureResponse"):
    """The result of an erasure. It is the same whether or not the user existed."""

    status: ClassVar[int] = HTTPStatus.ACCEPTED

    erased: bool = True


@app.operation(
    routing.Docs(
        "erase_user",
        tag=routing.Tag.DIRECTORY,
        summary="Erase the name and email address of a user.",
        description=(
            "Only the vendor's back end can call this operation. The user's id stays in the audit log with the acts "
            "recorded for it. The response is the same whether or not the user exists, and a repeated request "
            "changes nothing."
        ),
    ),
)
def erase_user(user_id: str, act: Act) -> ErasureResponse:
    facts = stored.facts_for_user(user_id, None, with_memberships=True)
    erased = directory.erase(user_id, facts, act)
    response = ErasureResponse()
    if erased:
        stored.record_user(erased, response)
    else:
        store_response(act, response)
    return response


class PutMemberRequest(PartialRequest, title="PutMemberRequest"):
    """The fields of a membership. A new one needs `permission_set`. Partner admins are created by other operations."""

    permission_set: PermissionName = kept_if_absent()
    seat: Seat = kept_if_absent()
    active: bool = kept_if_absent()


class DirectoryMemberResponse(TaggedMemberResponse, title="DirectoryMemberResponse"):
    """A membership, as the vendor's back end sees it."""


class CreatedDirectoryMemberResponse(DirectoryMemberResponse, title="CreatedDirectoryMemberResponse"):
    """A new membership."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.operation(
    routing.Docs(
        "get_member",
        tag=routing.Tag.DIRECTORY,
        summary="Get a membership of the directory as it is in effect now.",
        description="Only the vendor's back end can call this operation.",
    ),
)
def get_member(account_id: str, user_id: str, act: Act) -> DirectoryMemberResponse:
    return _member_response(stored.facts_for_member(account_id, user_id), act)


def _member_response(facts: DirectoryMemberFacts, act: Act) -> DirectoryMemberResponse:
    return DirectoryMemberResponse.of_actor(facts.target, facts.account, act.at)


@app.operation(
    routing.Docs(
        "put_member",
        tag=routing.Tag.DIRECTORY,
        summary="Create or update a membership of the directory.",
        description=(
            "Only the vendor's back end can call this operation, and not to assign `partner_admin`. A new membership "
            "and one that was over need `permission_set`, an absent field keeps its value, and repeating the same "
            "request changes nothing. The account must keep at least one active super admin."
        ),
    ),
)
def put_member(account_id: str, user_id: str, request: PutMemberRequest, act: Act) -> DirectoryMemberResponse:
    facts = stored.facts_for_member(account_id, user_id)
    saved = directory_members.put_member(facts, request.named_fields, act)
    if not saved:
        unchanged = _member_response(facts, act)
        store_response(act, unchanged)
        return unchanged
    response = (DirectoryMemberResponse if facts.target.member else CreatedDirectoryMemberResponse).of(
        saved.member, saved.user, saved.account
    )
    stored.record_member(saved, response)
    return response


handler = app
