"""The known kinds of bad input by part of the product, each with the test that tries it."""

from collections.abc import Mapping
from typing import Final

ROUTES, ADDRESSES, FEEDBACK = (
    "tests/functions/test_bad_input.py",
    "tests/test_email_addresses.py",
    "tests/functions/test_record_email_feedback.py",
)
CREATE, RESEND, REVOKE = (f"tests/functions/test_{each}_link.py" for each in ("create", "resend", "revoke"))
APPROVE, DECLINE, SECRETS = (f"tests/functions/test_{each}.py" for each in ("approve_link", "decline_link", "secrets"))
MIGRATE, USERS, EDIT, DIRECTORY, AUDIT = (
    f"tests/functions/test_{each}.py"
    for each in ("migrate", "create_user", "edit_user", "manage_directory", "view_audit_log")
)
TOKENS, API, BODIES, FIELDS = (
    "tests/stack/test_gateway.py",
    "tests/api/test_routing.py",
    "tests/api/test_json_body.py",
    "tests/api/test_request_fields.py",
)
SWEEP = "tests/functions/test_expire_links.py"
CREATIONS = "tests/store/memberships/test_creations.py"
TEMPLATE, UNKNOWN = "tests/template/test_template.py", "tests/functions/test_reject_unknown_route.py"

Row = tuple[str, str, str]
"""The input, the file and the test."""

TRIED: Final[Mapping[str, tuple[Row, ...]]] = {
    "every route": (
        ("no token", TOKENS, "test_route_without_token_returns_401"),
        (
            "a token of another scheme, algorithm, key, issuer, audience or time",
            TOKENS,
            "test_forged_or_expired_token_returns_401",
        ),
        ("an ID token", TOKENS, "test_id_token_returns_403"),
        ("another scope", TOKENS, "test_directory_route_with_user_token_returns_403"),
        ("a user deactivated", APPROVE, "test_approve_link_by_unauthorized_caller_is_refused"),
        ("an unknown path", UNKNOWN, "test_unknown_path_returns_404"),
        ("another method", ROUTES, "test_path_with_other_method_returns_405_with_allow"),
        ("another media type or charset", ROUTES, "test_body_of_other_media_type_is_refused"),
        ("another media type requested", API, "test_media_type_is_negotiated_from_accept_header"),
        ("a body that is no object, no JSON, no UTF-8, no base64", ROUTES, "test_body_that_is_unreadable_is_refused"),
        ("repeated names, lone surrogates, endless numbers", BODIES, "test_body_with_malformed_json_is_rejected"),
        ("any text at all", BODIES, "test_body_with_random_text_is_parsed_or_rejected"),
        ("a body that is too large", ROUTES, "test_body_that_is_too_large_is_refused"),
        ("too many keys", BODIES, "test_body_with_too_many_keys_is_rejected_as_too_large"),
        ("an unknown field, or one of ours", ROUTES, "test_body_with_unknown_field_is_refused"),
        ("a value of another kind", ROUTES, "test_body_field_of_wrong_type_is_refused"),
        (
            "a required field that is missing or null",
            ROUTES,
            "test_body_with_missing_or_null_required_field_is_refused",
        ),
        ("control, bidi and invisible characters", ROUTES, "test_body_text_with_invisible_characters_is_refused"),
        ("a malformed id", ROUTES, "test_path_with_malformed_id_returns_404"),
        (
            "an id of another user",
            "tests/functions/test_authority.py",
            "test_route_for_other_account_returns_same_404_as_unknown_account",
        ),
        ("a parameter that is not known", ROUTES, "test_query_with_unknown_parameter_is_refused"),
        ("an invalid limit", ROUTES, "test_list_with_limit_outside_1_to_100_is_refused"),
        ("an invalid cursor", ROUTES, "test_list_with_invalid_cursor_is_refused"),
        (
            "a cursor forged, late or of another list",
            "tests/api/test_cursors.py",
            "test_cursor_of_another_caller_list_or_filter_is_rejected",
        ),
        ("no key", ROUTES, "test_post_without_idempotency_key_is_refused"),
        ("a malformed key", ROUTES, "test_idempotency_key_that_is_malformed_is_refused"),
        ("a key with another body", CREATE, "test_create_link_with_key_of_other_request_is_refused"),
        ("a key of another user", CREATE, "test_create_link_with_key_of_other_caller_or_route_is_new_request"),
        ("a key that has expired", CREATE, "test_create_link_with_same_key_after_a_day_is_new_request"),
        (
            "a missing, stale or malformed If-Match",
            ROUTES,
            "test_edit_without_expected_version_is_refused",
        ),
        ("method-override headers", ROUTES, "test_get_with_override_headers_ignores_them"),
        ("a secret in the address", ROUTES, "test_query_with_secret_is_refused_and_not_echoed"),
        ("too many requests", TEMPLATE, "test_routes_are_throttled"),
    ),
    "creating a link": (
        ("a user without the right", CREATE, "test_create_link_by_unauthorized_caller_is_refused"),
        ("an employee who is not eligible", CREATE, "test_create_link_for_ineligible_people_returns_same_error"),
        ("a malformed address", ADDRESSES, "test_email_address_that_is_malformed_is_rejected"),
        ("addresses in place of one", ADDRESSES, "test_email_address_of_another_type_is_rejected"),
        (
            "an address that takes no email",
            CREATE,
            "test_create_link_with_suppressed_recipient_is_refused",
        ),
        ("a request to oneself", CREATE, "test_create_link_with_employee_as_recipient_is_refused"),
        ("invalid days, approvals and accounts", CREATE, "test_create_link_with_invalid_field_is_refused"),
        (
            "markup, placeholders and addresses in prose",
            FIELDS,
            "test_prose_rejects_markup_placeholders_and_urls",
        ),
        ("a fifty-first open link", CREATE, "test_create_link_beyond_50_open_links_is_refused"),
        ("an ended link, sent again", RESEND, "test_resend_link_that_has_ended_returns_410"),
        ("sent again too soon", RESEND, "test_resend_link_twice_in_a_minute_returns_429"),
        ("sent again too often", RESEND, "test_resend_link_is_limited_to_once_a_minute_and_five_times_a_day"),
        ("withdrawn twice", REVOKE, "test_revoke_link_twice_changes_nothing_more"),
        ("withdrawn after its approval", REVOKE, "test_revoke_used_link_returns_409"),
    ),
    "replying to a link": (
        (
            "a malformed secret",
            SECRETS,
            "test_link_operation_with_malformed_secret_returns_404_without_database_read",
        ),
        (
            "a wrong, foreign or unknown secret",
            SECRETS,
            "test_link_operation_with_wrong_secret_returns_same_404_after_same_requests",
        ),
        (
            "a secret that was replaced",
            SECRETS,
            "test_link_operation_with_replaced_secret_returns_same_404_as_unknown_link",
        ),
        ("a link that has ended", APPROVE, "test_approve_link_that_ended_is_refused"),
        ("a link that is used up", APPROVE, "test_approve_link_for_one_approval_a_second_time_is_refused"),
        ("the same account again", APPROVE, "test_approve_link_for_several_approvals_succeeds_once_per_account"),
        ("the same key again", APPROVE, "test_approve_link_with_same_key_replays"),
        (
            "an unknown account, or one of others",
            APPROVE,
            "test_approve_link_for_unknown_or_other_account_returns_same_error",
        ),
        ("a user who may not approve", APPROVE, "test_approve_link_by_unauthorized_caller_is_refused"),
        ("an employee of the partner", APPROVE, "test_approve_link_by_employee_of_same_partner_is_refused"),
        ("an employee who has left", APPROVE, "test_approve_link_of_ineligible_employee_revokes_link"),
        ("no free seat", APPROVE, "test_approve_link_without_free_seat_returns_limit_and_used"),
        (
            "a user who already has more rights",
            APPROVE,
            "test_approve_link_for_super_admin_or_partner_admin_is_refused",
        ),
        ("another method than POST", APPROVE, "test_approve_link_by_other_method_returns_405"),
        ("a secret in the address", APPROVE, "test_approve_link_with_secret_in_query_is_refused"),
        ("a decline after an approval", DECLINE, "test_decline_link_after_approval_is_refused"),
        ("an approval after a decline", APPROVE, "test_approve_link_after_decline_is_refused"),
    ),
    "members": (
        (
            "a user who is no super admin or no partner employee",
            MIGRATE,
            "test_migrate_and_its_dry_run_when_not_allowed_are_refused",
        ),
        ("the last super admin", ROUTES, "test_edit_or_remove_user_for_last_super_admin_is_refused"),
        ("a migration by another partner", MIGRATE, "test_migrate_many_by_caller_outside_the_partner_is_refused"),
        (
            "a restricted permission for a partner member",
            EDIT,
            "test_edit_granting_restricted_permission_to_partner_member_is_refused",
        ),
        (
            "unknown, repeated or too many permissions",
            ROUTES,
            "test_edit_user_with_invalid_change_is_refused",
        ),
        ("a permission that the caller does not hold", EDIT, "test_edit_granting_permission_not_held_is_refused"),
        ("a creation with an unmet condition", USERS, "test_create_partner_admin_with_unmet_condition_is_refused"),
        (
            "a member who is reactivated concurrently",
            CREATIONS,
            "test_create_member_for_concurrently_reactivated_member_is_refused",
        ),
        ("a second seat", CREATIONS, "test_create_partner_admin_of_other_partner_is_refused"),
        (
            "an account closed meanwhile",
            CREATIONS,
            "test_create_member_after_expired_grant_in_closed_account_is_refused",
        ),
        (
            "a super admin who cannot act",
            DIRECTORY,
            "test_put_member_with_deactivated_user_as_first_super_admin_is_refused",
        ),
        ("fewer seats than are in use", DIRECTORY, "test_put_account_with_seat_limit_below_seats_used_is_refused"),
        ("an account with an invalid field", DIRECTORY, "test_put_account_with_invalid_field_is_refused"),
        ("a user deactivated twice", DIRECTORY, "test_put_user_deactivated_keeps_email_and_can_be_reactivated"),
        ("a user removed twice", "tests/functions/test_remove_user.py", "test_remove_user_twice_returns_404"),
        ("an unknown user", ROUTES, "test_member_operation_for_non_member_returns_same_404_as_unknown_user"),
    ),
    "events and the vendor": (
        (
            "a report of a stranger, twice, or unreadable",
            FEEDBACK,
            "test_record_feedback_with_unrelated_or_malformed_message_changes_nothing",
        ),
        (
            "a report in another order",
            FEEDBACK,
            "test_record_feedback_in_any_delivery_state_updates_status_and_counts_once",
        ),
        ("records that only change or go", TEMPLATE, "test_stream_reader_is_invoked_only_for_its_new_items"),
        (
            "reports that SES did not send",
            TEMPLATE,
            "test_email_feedback_reaches_its_function",
        ),
        ("a schedule's event with content", SWEEP, "test_expire_with_time_in_schedule_event_ignores_it"),
        ("a schedule of another account", TEMPLATE, "test_schedules_run_their_functions_for_this_account_only"),
        ("an event of another account", TEMPLATE, "test_functions_are_invoked_only_from_this_account"),
        ("an audit log requested with an invalid query", AUDIT, "test_view_audit_log_with_invalid_query_returns_400"),
        ("an audit log of another account", AUDIT, "test_view_audit_log_by_unauthorized_caller_is_refused"),
        ("a super admin to be erased", DIRECTORY, "test_erase_user_who_is_super_admin_is_refused"),
        (
            "an unknown user to be erased, or one erased twice",
            DIRECTORY,
            "test_erase_user_repeated_or_of_unknown_user_returns_same_response",
        ),
    ),
}

OUT_OF_SCOPE: Final = {
    "headers of more than 10 KB": "API Gateway answers 431 before any function starts.",
}
DECIDED_AGAINST: Final = {
    "a recent sign-in for an approval": "How fresh a sign-in must be is for the issuer to decide.",
    "a new secret when one was in an address": "The request fails without repeating it, and the access log holds no path.",
    "429 after many wrong secrets of one link": "A guess must not lock another user's link; guesses are counted and alarmed.",
}
