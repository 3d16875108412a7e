"""The rows of guarantees.md §7, each with the tests that prove it or with the reason that no local test can."""

from dataclasses import dataclass
from typing import Final

HERE: Final = "proofs/faults/test_"
OPERATIONS: Final = f"{HERE}operations.py::test_every_operation_survives_it_at_every_attempt"
SOCKETS: Final = f"{HERE}sockets.py::test_"
DYNAMO: Final = "store/test_dynamo.py::test_"
SEND_EMAILS: Final = "functions/test_send_emails.py::test_"
TEMPLATE: Final = "template/test_template.py::test_"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `shown` lists tests by their path below tests/, and `elsewhere` names the part that needs AWS."""

    fault: str
    tests: tuple[str, ...] = ()
    elsewhere: str = ""


ROWS: Final = {
    "F1": Row(
        "throttled once",
        (
            OPERATIONS,
            f"{SOCKETS}a_transaction_whose_line_broke_once_came_true_once",
            f"{DYNAMO}a_table_that_is_busy_once_is_asked_again_with_the_same_token",
        ),
    ),
    "F2": Row(
        "throttled for ever, writing",
        (
            OPERATIONS,
            f"{SOCKETS}a_line_that_stays_broken_is_unavailable_in_time",
            f"{DYNAMO}a_table_that_stays_busy_is_unavailable_and_nothing_is_changed",
        ),
    ),
    "F3": Row(
        "throttled for ever, deciding",
        (
            f"{HERE}decisions.py::test_no_fault_is_answered_with_a_permission",
            "functions/test_decide_access.py::test_what_cannot_be_looked_up_is_not_decided",
            "store/test_access.py::test_a_table_that_stays_so_decides_nothing",
        ),
    ),
    "F4": Row("500 before the effect", (OPERATIONS, f"{SOCKETS}a_transaction_whose_line_broke_once_came_true_once")),
    "F5": Row(
        "no answer after the commit",
        (
            OPERATIONS,
            f"{SOCKETS}a_transaction_whose_line_broke_once_came_true_once",
            f"{DYNAMO}an_answer_that_was_lost_takes_effect_once",
        ),
    ),
    "F6": Row(
        "no answer after the commit, and the caller comes back when all else is gone",
        (OPERATIONS, f"{DYNAMO}an_effect_whose_answers_were_all_lost_is_recalled_by_its_key"),
    ),
    "F7": Row(
        "in conflict one to five times",
        (OPERATIONS, f"{DYNAMO}a_conflict_is_tried_again_after_a_pause_of_any_length_up_to_twice_the_last"),
    ),
    "F8": Row("in conflict for ever", (OPERATIONS, f"{DYNAMO}a_conflict_that_does_not_end_is_given_up_without_effect")),
    "F9": Row(
        "in conflict, and a condition failed",
        (OPERATIONS, f"{DYNAMO}a_condition_that_failed_beside_a_conflict_is_the_answer"),
    ),
    "F10": Row("a transaction in progress", (OPERATIONS,)),
    "F11": Row(
        "a token used for something else",
        (OPERATIONS, f"{DYNAMO}every_transaction_has_a_token"),
        "A token is made for one transaction and told with the same lines at each attempt, so this can only be a bug of ours: "
        "it goes out as one, and the caller's key brings the answer.",
    ),
    "F12": Row(
        "a request that DynamoDB does not understand",
        (
            OPERATIONS,
            f"{DYNAMO}a_reason_that_is_nobodys_fault_but_ours_is_a_bug",
            f"{DYNAMO}what_is_wrong_with_the_request_is_a_bug_and_not_tried_again",
        ),
    ),
    "F13": Row(
        "stale reads",
        (
            f"{HERE}stale_reads.py::test_an_index_that_lags_changes_no_decision_and_breaks_nothing",
            f"{DYNAMO}a_list_is_read_as_it_is_now_but_for_an_index",
            "test_house.py::test_the_table_is_read_at_one_door_and_no_decision_at_an_index",
        ),
    ),
    "F14": Row(
        "an index that misses an item, or shows one that is gone",
        (
            f"{HERE}stale_reads.py::test_an_index_that_lags_changes_no_decision_and_breaks_nothing",
            "functions/test_expire_links.py::test_a_link_that_the_index_still_shows_is_not_counted_again",
            "functions/test_expire_links.py::test_the_index_may_still_show_a_grant_that_has_a_later_end",
            "store/test_expiry.py::test_what_the_index_still_shows_and_is_gone_is_passed_by",
        ),
    ),
    "F15": Row(
        "SES takes nothing now",
        (
            f"{SEND_EMAILS}a_letter_that_ses_does_not_take_now_waits_and_leaves_no_secret_behind",
            f"{SEND_EMAILS}a_letter_waits_ten_minutes_at_most_and_for_as_long_as_it_takes",
        ),
    ),
    "F16": Row(
        "SES rejects a letter",
        (
            f"{SEND_EMAILS}a_rejected_letter_fails_and_the_link_says_so",
            f"{SEND_EMAILS}a_failed_letter_leaves_the_link_open",
            f"{TEMPLATE}somebody_is_told_when",
        ),
    ),
    "F17": Row(
        "SES's answer lost",
        (
            f"{SEND_EMAILS}a_report_in_place_of_the_lost_answer_ends_the_matter",
            f"{SEND_EMAILS}a_late_report_ends_the_matter_even_when_the_next_attempt_was_put_off",
            f"{SOCKETS}ses_is_asked_exactly_once",
            "test_mail.py::test_the_sdk_itself_never_sends_twice",
        ),
    ),
    "F18": Row(
        "SES's answer and its report lost",
        (
            f"{SEND_EMAILS}after_a_lost_answer_one_more_copy_goes_when_no_report_has_come",
            f"{SEND_EMAILS}the_secret_of_either_copy_works_for_approval",
            f"{SEND_EMAILS}nobody_tries_for_ever_when_every_answer_and_every_report_is_lost",
        ),
    ),
    "F19": Row(
        "SES paused",
        (
            f"{SEND_EMAILS}a_letter_that_ses_does_not_take_now_waits_and_leaves_no_secret_behind",
            "test_mail.py::test_what_ses_says_has_one_meaning_and_is_asked_once",
            f"{TEMPLATE}somebody_is_told_when",
        ),
    ),
    "F20": Row(
        "bounces: early, twice, unknown",
        (
            f"{SEND_EMAILS}a_bounce_that_overtakes_the_mailer_sticks",
            "functions/test_record_email_feedback.py::test_a_report_is_noted_and_shown_whenever_it_comes_and_counts_once",
            "functions/test_record_email_feedback.py::test_the_report_that_a_letter_was_sent_does_not_undo_a_bounce",
            "functions/test_record_email_feedback.py::test_what_is_no_report_of_ours_changes_nothing",
        ),
    ),
    "F21": Row(
        "one record of a batch fails",
        (f"{SEND_EMAILS}a_batch_names_just_the_record_that_failed_and_the_others_are_sent_once",),
    ),
    "F22": Row(
        "a whole batch fails",
        (
            f"{SEND_EMAILS}a_batch_of_which_nothing_came_true_fails_as_a_whole_and_takes_effect_once_when_it_comes_again",
        ),
    ),
    "F23": Row(
        "records that cannot be read",
        (
            f"{HERE}records.py::test_a_poison_record_keeps_no_letter_back",
            f"{HERE}records.py::test_a_poison_letter_keeps_no_other_back",
            f"{SEND_EMAILS}a_letter_that_cannot_be_read_waits_and_stops_no_other",
            "functions/test_publish_audit_events.py::test_a_record_that_cannot_be_read_is_raised_and_nothing_is_chained",
            f"{TEMPLATE}one_bad_record_does_not_hold_up_the_outbox",
        ),
    ),
    "F24": Row(
        "records again, late, in another order",
        (
            f"{HERE}records.py::test_batches_that_come_again_make_the_same_chain",
            f"{SEND_EMAILS}a_record_that_comes_again_is_not_sent_again",
            f"{SEND_EMAILS}records_in_any_order_come_to_the_same",
        ),
    ),
    "F25": Row("no records at all", (f"{SEND_EMAILS}the_stream_and_the_sweep_each_deliver_alone",)),
    "F26": Row(
        "clocks that differ",
        (
            f"{HERE}time.py::test_clocks_that_differ_decide_who_wins_and_never_let_both",
            "functions/test_expire_links.py::test_the_end_is_exclusive",
        ),
    ),
    "F27": Row(
        "killed at any call",
        (
            OPERATIONS,
            f"{SEND_EMAILS}a_function_that_ends_anywhere_tears_nothing_and_is_finished_later",
            "functions/test_sign_audit_log.py::test_wherever_a_run_is_cut_off_the_next_one_goes_on",
        ),
    ),
    "F28": Row(
        "no time left",
        (
            f"{HERE}time.py::test_nothing_is_begun_in_the_last_seconds",
            f"{DYNAMO}nobody_tries_longer_than_there_is_time",
            "test_api.py::test_an_act_begins_nothing_in_the_last_seven_seconds_of_its_function",
            f"{SEND_EMAILS}nothing_is_begun_that_could_not_be_ended",
        ),
    ),
    "F29": Row(
        "a warm process",
        (
            f"{HERE}reuse.py::test_an_answer_does_not_depend_on_who_was_served_before",
            "test_telemetry.py::test_a_line_names_its_own_request_only",
            "test_telemetry.py::test_counts_of_one_invocation_are_not_those_of_the_next",
        ),
    ),
    "F30": Row(
        "no function free",
        (f"{TEMPLATE}every_route_is_throttled",),
        "Lambda's own limit and its 429 are Lambda's; that routes are throttled is seen in the template.",
    ),
    "F31": Row(
        "KMS away",
        ("functions/test_sign_audit_log.py::test_storage_that_does_not_answer_is_an_error_and_no_seal",),
        "Nothing is fetched from SSM or Secrets Manager at a cold start: only the sealer asks KMS, when it signs.",
    ),
    "F32": Row(
        "schedules skipped, doubled, side by side",
        (
            "functions/test_expire_links.py::test_sweeps_that_follow_each_other_or_were_skipped_come_to_the_same",
            "functions/test_expire_links.py::test_two_sweeps_at_once_expire_each_link_once",
            "functions/test_expire_links.py::test_two_sweeps_at_once_tell_of_each_grant_once",
            "functions/test_reconcile_access.py::test_clean_ups_that_are_doubled_or_skipped_come_to_the_same",
            "functions/test_reconcile_access.py::test_two_clean_ups_at_once_tell_everybody_once",
            "functions/test_sign_audit_log.py::test_two_sealers_side_by_side_make_one_row",
        ),
    ),
    "F33": Row("the entry of the trail cannot be written", (OPERATIONS,)),
    "F34": Row(
        "sealing fails",
        (
            f"{HERE}sealing.py::test_doors_stay_open_while_nothing_can_be_sealed_and_the_row_catches_up",
            "functions/test_sign_audit_log.py::test_storage_that_does_not_answer_is_an_error_and_no_seal",
            f"{TEMPLATE}somebody_is_told_when",
        ),
    ),
    "F35": Row(
        "the issuer's keys away",
        (),
        "API Gateway fetches and keeps the issuer's keys; no emulator does so: a game day.",
    ),
    "F36": Row(
        "a body that comes slowly, or not to its end",
        ("functions/test_bad_input.py::test_what_cannot_be_read_is_refused",),
        "API Gateway takes the whole body before any function starts, so that a slow or broken line is its own affair; "
        "a body cut off is tried at every route.",
    ),
    "F37": Row("old and new code side by side", (f"{HERE}versions.py::test_what_a_later_version_adds_is_passed_by",)),
    "F38": Row("a torn restore", (f"{HERE}restore.py::test_an_item_that_was_lost_is_missed",)),
}
