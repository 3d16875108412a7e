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
    "every door": (
        ("no token", TOKENS, "test_no_route_opens_without_a_token"),
        (
            "a token of another scheme, algorithm, key, issuer, audience or time",
            TOKENS,
            "test_no_forged_or_old_token_opens",
        ),
        ("an ID token", TOKENS, "test_an_id_token_is_no_access_token"),
        ("another scope", TOKENS, "test_a_person_does_not_act_as_the_back_end"),
        ("somebody deactivated", APPROVE, "test_who_may_not_approve"),
        ("an unknown path", UNKNOWN, "test_an_unknown_path_is_not_there"),
        ("another method", ROUTES, "test_another_method_is_refused_with_those_that_there_are"),
        ("another media type or charset", ROUTES, "test_what_is_not_json_is_refused"),
        ("another kind of answer wanted", API, "test_an_answer_is_written_as_it_is_accepted"),
        ("a body that is no object, no JSON, no UTF-8, no base64", ROUTES, "test_what_cannot_be_read_is_refused"),
        ("a name twice, lone surrogates, numbers without end", BODIES, "test_whatever_else_is_malformed"),
        ("any text at all", BODIES, "test_no_text_at_all_does_worse_than_be_refused"),
        ("a body that is too large", ROUTES, "test_what_is_too_large_is_refused"),
        ("too many keys", BODIES, "test_too_many_keys_are_too_large_before_they_are_read"),
        ("an unknown field, or one of ours", ROUTES, "test_a_field_that_is_not_known_is_refused"),
        ("a value of another kind", ROUTES, "test_a_value_of_another_kind_is_refused"),
        ("nothing, or null, for what is needed", ROUTES, "test_a_field_that_is_needed_is_missed_and_null_is_none"),
        ("control, bidi and invisible characters", ROUTES, "test_text_that_nobody_writes_is_refused"),
        ("what cannot be an id", ROUTES, "test_what_cannot_be_an_id_names_nothing"),
        ("an id of somebody else", "tests/functions/test_authority.py", "test_elsewhere_there_is_nothing_for_anybody"),
        ("a parameter that is not known", ROUTES, "test_a_parameter_that_is_not_known_is_refused"),
        ("a limit that is none", ROUTES, "test_a_page_has_one_to_a_hundred_rows"),
        ("a cursor that was not given", ROUTES, "test_a_cursor_is_one_that_was_given"),
        (
            "a cursor forged, late or of another list",
            "tests/api/test_cursors.py",
            "test_a_cursor_is_nobody_elses_and_of_no_other_list_or_filter",
        ),
        ("no key", ROUTES, "test_a_post_that_changes_something_needs_a_key"),
        ("a key that is none", ROUTES, "test_a_key_that_is_none_is_refused"),
        ("a key with another body", CREATE, "test_the_same_key_for_something_else_is_refused"),
        ("a key of somebody else", CREATE, "test_the_same_key_of_another_person_or_route_is_another_key"),
        ("a key of yesterday", CREATE, "test_a_key_is_forgotten_after_a_day"),
        ("an edit that names nothing, something else, or in another way", ROUTES, "test_an_edit_names_what_it_saw"),
        ("headers that would have it otherwise", ROUTES, "test_headers_that_would_have_it_otherwise_are_ignored"),
        ("a secret in the address", ROUTES, "test_a_secret_in_the_address_is_refused_and_not_repeated"),
        ("too many requests", TEMPLATE, "test_every_route_is_throttled"),
    ),
    "asking for access": (
        ("somebody without the right", CREATE, "test_who_may_not_ask"),
        ("an employee who is not eligible", CREATE, "test_one_answer_for_all_who_are_not_eligible"),
        ("an address that is none", ADDRESSES, "test_whatever_else_is_no_address"),
        ("addresses in place of one", ADDRESSES, "test_an_address_is_one_text"),
        (
            "an address that takes no mail",
            CREATE,
            "test_mail_to_a_suppressed_address_is_refused_and_a_link_without_it_is_not",
        ),
        ("a request to oneself", CREATE, "test_a_link_is_not_sent_to_the_one_who_asks"),
        ("days, approvals and accounts that make no sense", CREATE, "test_a_field_that_makes_no_sense"),
        (
            "markup, placeholders and addresses in prose",
            FIELDS,
            "test_prose_has_no_markup_no_placeholders_and_no_addresses",
        ),
        ("a fifty-first open link", CREATE, "test_fifty_open_links_are_enough"),
        ("an ended link, sent again", RESEND, "test_an_ended_link_is_not_sent_again"),
        ("sent again too soon", RESEND, "test_not_twice_in_a_minute"),
        ("sent again too often", RESEND, "test_five_times_a_day_and_once_a_minute"),
        ("withdrawn twice", REVOKE, "test_withdrawing_twice_is_withdrawing_once"),
        ("withdrawn after its approval", REVOKE, "test_a_used_link_is_no_longer_to_be_withdrawn"),
    ),
    "answering": (
        ("what cannot be a secret", SECRETS, "test_what_cannot_be_a_secret_is_refused_without_a_look"),
        (
            "a wrong, foreign or unknown secret",
            SECRETS,
            "test_every_wrong_secret_is_answered_alike_after_as_many_requests",
        ),
        ("a secret that was replaced", SECRETS, "test_a_secret_that_was_replaced_is_like_one_that_never_was"),
        ("a link that has ended", APPROVE, "test_an_ended_link"),
        ("a link that is used up", APPROVE, "test_a_link_for_one_is_used_up_by_one"),
        ("the same account again", APPROVE, "test_many_clients_may_approve_a_personal_link_each_once"),
        ("the same key again", APPROVE, "test_the_same_key_approves_once"),
        ("an account that is not one's own", APPROVE, "test_unknown_and_foreign_accounts_are_answered_alike"),
        ("nobody who may approve", APPROVE, "test_who_may_not_approve"),
        ("somebody of the firm", APPROVE, "test_nobody_of_the_firm_approves"),
        ("an employee who has left", APPROVE, "test_the_link_of_somebody_who_is_no_longer_eligible_ends"),
        ("no free seat", APPROVE, "test_a_full_account_says_how_full"),
        ("somebody who is more already", APPROVE, "test_whoever_is_more_already_stays_it"),
        ("another method than POST", APPROVE, "test_only_an_explicit_post_approves"),
        ("a secret in the address", APPROVE, "test_a_secret_in_the_address_is_not_read"),
        ("a refusal after an approval", DECLINE, "test_a_refusal_after_an_approval"),
        ("an approval after a refusal", APPROVE, "test_an_approval_after_a_refusal"),
    ),
    "members": (
        ("nobody to migrate, or nobody's employee", MIGRATE, "test_a_migration_is_refused_and_so_is_its_preview"),
        ("the last super admin", ROUTES, "test_the_last_super_admin_is_neither_demoted_nor_removed"),
        ("a migration by another firm", MIGRATE, "test_from_another_partners_side_nothing_is_migrated"),
        ("what a partner admin may not", EDIT, "test_no_door_brings_partner_staff_what_is_restricted"),
        (
            "permissions that there are not, or twice, or too many",
            ROUTES,
            "test_an_edit_that_makes_no_sense_is_refused",
        ),
        ("more than one holds", EDIT, "test_who_holds_less_gives_no_more_than_he_holds"),
        ("a creation that cannot be", USERS, "test_a_creation_is_refused"),
        ("a member who comes a second time", CREATIONS, "test_a_former_member_who_came_back_is_not_taken_in_twice"),
        ("a second seat", CREATIONS, "test_whoever_is_there_for_another_firm_is_not_made_partner_admin_again"),
        ("an account closed meanwhile", CREATIONS, "test_he_does_not_come_back_to_an_account_that_is_closed_meanwhile"),
        ("a super admin who cannot act", DIRECTORY, "test_an_account_does_not_begin_with_a_super_admin_who_cannot_act"),
        ("fewer seats than are in use", DIRECTORY, "test_seats_in_use_are_no_longer_to_be_had_for_less"),
        ("an account that makes no sense", DIRECTORY, "test_an_account_is_refused"),
        ("somebody deactivated twice", DIRECTORY, "test_a_deactivated_user_keeps_his_address_and_comes_back"),
        ("somebody removed twice", "tests/functions/test_remove_user.py", "test_twice_there_is_nothing_left_to_end"),
        ("somebody who is not there", ROUTES, "test_somebody_who_is_not_there_is_as_unknown_as_anybody"),
    ),
    "events and the vendor": (
        ("a report of a stranger, twice, or unreadable", FEEDBACK, "test_what_is_no_report_of_ours_changes_nothing"),
        ("a report in another order", FEEDBACK, "test_a_report_is_noted_and_shown_whenever_it_comes_and_counts_once"),
        ("records that only change or go", TEMPLATE, "test_only_what_is_new_wakes_the_function_that_it_is_for"),
        (
            "reports that SES did not send",
            TEMPLATE,
            "test_word_of_letters_comes_from_ses_to_the_function_that_notes_it",
        ),
        ("a schedule's event that says something", SWEEP, "test_what_the_event_of_a_schedule_says_is_not_looked_at"),
        ("a schedule of another account", TEMPLATE, "test_sweeps_start_on_time_and_only_for_this_account"),
        ("an event of another account", TEMPLATE, "test_functions_are_called_only_from_this_account"),
        ("a trail asked for without sense", AUDIT, "test_a_query_that_makes_no_sense"),
        ("a trail of somebody else", AUDIT, "test_who_reads_nothing"),
        ("a super admin to be erased", DIRECTORY, "test_a_super_admin_is_replaced_before_he_is_erased"),
        ("nobody to be erased, or twice", DIRECTORY, "test_erasing_twice_or_nobody_is_answered_alike"),
    ),
}

OUT_OF_SCOPE: Final = {
    "headers of more than 10 KB": "API Gateway answers 431 before any function starts.",
}
DECIDED_AGAINST: Final = {
    "a recent sign-in for an approval": "How fresh a sign-in must be is the issuer's to say.",
    "a new secret when one was in an address": "It is refused and not repeated, and the access log holds no path.",
    "429 after many wrong secrets of one link": "Whoever guesses must not lock the link of another; they are counted and alarmed.",
}
