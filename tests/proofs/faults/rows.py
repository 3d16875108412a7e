"""The rows of consistency.md §7, each with the tests that prove it or with the reason that no local test can."""

from dataclasses import dataclass
from typing import Final

HERE: Final = "proofs/faults/test_"
OPERATIONS: Final = f"{HERE}operations.py::test_operation_with_fault_at_each_call_reaches_same_outcome"
SOCKETS: Final = f"{HERE}sockets.py::test_"
DYNAMO: Final = "store/test_dynamo.py::test_"
QUERIES: Final = "store/test_queries.py::test_"
SEND_EMAILS: Final = "functions/test_send_emails.py::test_"
TEMPLATE: Final = "template/test_template.py::test_"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `tests` lists tests by their path below tests/, and `elsewhere` names the part that needs AWS."""

    fault: str
    tests: tuple[str, ...] = ()
    elsewhere: str = ""


ROWS: Final = {
    "F1": Row(
        "throttled once",
        (
            OPERATIONS,
            f"{SOCKETS}approve_with_one_connection_fault_takes_effect_once",
            f"{DYNAMO}requests_after_one_fault_are_retried_with_same_token",
        ),
    ),
    "F2": Row(
        "throttled for ever, writing",
        (
            OPERATIONS,
            f"{SOCKETS}approve_over_broken_connection_returns_503_in_time",
            f"{DYNAMO}requests_with_persistent_fault_raise_unavailable",
        ),
    ),
    "F3": Row(
        "throttled for ever, deciding",
        (
            f"{HERE}decisions.py::test_decide_with_fault_at_each_call_never_permits_wrongly",
            "functions/test_decide_access.py::test_decide_with_table_fault_returns_503",
            "store/authorization/test_access.py::test_access_facts_with_persistent_fault_raise_unavailable",
        ),
    ),
    "F4": Row("500 before the effect", (OPERATIONS, f"{SOCKETS}approve_with_one_connection_fault_takes_effect_once")),
    "F5": Row(
        "no response after the commit",
        (
            OPERATIONS,
            f"{SOCKETS}approve_with_one_connection_fault_takes_effect_once",
            f"{DYNAMO}commit_with_lost_response_takes_effect_once",
        ),
    ),
    "F6": Row(
        "no response after the commit, and the caller retries when all else is gone",
        (OPERATIONS, f"{DYNAMO}commit_with_all_responses_lost_is_replayed_by_key"),
    ),
    "F7": Row(
        "in conflict one to five times",
        (OPERATIONS, f"{DYNAMO}commit_after_conflict_retries_with_growing_random_pause"),
    ),
    "F8": Row("in conflict for ever", (OPERATIONS, f"{DYNAMO}commit_with_persistent_conflict_raises_unavailable")),
    "F9": Row(
        "in conflict, and a condition failed",
        (OPERATIONS, f"{DYNAMO}commit_with_failed_condition_and_conflict_is_not_retried"),
    ),
    "F10": Row("a transaction in progress", (OPERATIONS,)),
    "F11": Row(
        "a token used for something else",
        (OPERATIONS, f"{DYNAMO}transactions_have_distinct_request_tokens"),
        "A token is made for one transaction and sent with the same items at each attempt, so this can only be a bug of ours: "
        "it goes out as one, and the caller's key finds the response.",
    ),
    "F12": Row(
        "a request that DynamoDB does not understand",
        (
            OPERATIONS,
            f"{DYNAMO}commit_with_unexpected_cancellation_raises_runtime_error",
            f"{DYNAMO}requests_with_client_error_are_not_retried",
        ),
    ),
    "F13": Row(
        "stale reads",
        (
            f"{HERE}stale_reads.py::test_decisions_and_sweeps_with_stale_index_remain_correct",
            f"{QUERIES}query_is_consistent_except_on_index",
            "test_conventions.py::test_module_uses_boto3_and_indexes_only_where_allowed",
        ),
    ),
    "F14": Row(
        "an index that misses an item, or shows one that is gone",
        (
            f"{HERE}stale_reads.py::test_decisions_and_sweeps_with_stale_index_remain_correct",
            "functions/test_expire_links.py::test_expire_link_in_stale_index_is_not_counted_twice",
            "functions/test_expire_links.py::test_expire_grant_in_stale_index_is_skipped",
            "store/test_expiry.py::test_due_skips_grant_of_missing_account",
        ),
    ),
    "F15": Row(
        "SES takes nothing now",
        (
            f"{SEND_EMAILS}send_email_with_temporary_ses_error_is_postponed_and_keeps_no_secret",
            f"{SEND_EMAILS}send_email_with_lasting_throttling_retries_every_ten_minutes",
        ),
    ),
    "F16": Row(
        "SES rejects an email",
        (
            f"{SEND_EMAILS}send_email_rejected_by_ses_sets_delivery_status_failed",
            f"{SEND_EMAILS}send_email_rejected_by_ses_leaves_link_open",
            f"{TEMPLATE}alarm_exists_for_metric",
        ),
    ),
    "F17": Row(
        "SES's response lost",
        (
            f"{SEND_EMAILS}send_email_after_lost_response_with_send_feedback_sends_no_more",
            f"{SEND_EMAILS}send_email_with_late_feedback_after_postponed_retry_sends_no_more",
            f"{SOCKETS}send_to_ses_over_broken_connection_makes_one_attempt",
            "emails/test_transport.py::test_send_email_is_never_retried_by_the_sdk",
        ),
    ),
    "F18": Row(
        "SES's response and its report lost",
        (
            f"{SEND_EMAILS}send_email_after_lost_response_and_no_feedback_sends_one_more",
            f"{SEND_EMAILS}approve_link_with_secret_of_first_or_second_email_succeeds",
            f"{SEND_EMAILS}send_email_without_any_response_or_feedback_gives_up_after_eight_attempts",
        ),
    ),
    "F19": Row(
        "SES paused",
        (
            f"{SEND_EMAILS}send_email_with_temporary_ses_error_is_postponed_and_keeps_no_secret",
            "emails/test_transport.py::test_send_email_maps_ses_error_to_outcome_without_retry",
            f"{TEMPLATE}alarm_exists_for_metric",
        ),
    ),
    "F20": Row(
        "bounces: early, twice, unknown",
        (
            f"{SEND_EMAILS}send_email_with_bounce_before_response_keeps_bounced_status",
            "functions/test_record_email_feedback.py::test_record_feedback_in_any_delivery_state_updates_status_and_counts_once",
            "functions/test_record_email_feedback.py::test_record_send_after_bounce_keeps_bounced_status",
            "functions/test_record_email_feedback.py::test_record_feedback_with_unrelated_or_malformed_message_changes_nothing",
        ),
    ),
    "F21": Row(
        "one record of a batch fails",
        (f"{SEND_EMAILS}send_emails_with_one_failing_record_reports_only_that_record",),
    ),
    "F22": Row(
        "a whole batch fails",
        (f"{SEND_EMAILS}send_emails_with_all_records_failing_raises_and_succeeds_on_retry",),
    ),
    "F23": Row(
        "records that cannot be read",
        (
            f"{HERE}records.py::test_send_emails_with_malformed_stream_records_still_sends_email",
            f"{HERE}records.py::test_send_emails_with_malformed_outbox_item_still_sends_other_email",
            f"{SEND_EMAILS}send_emails_with_unreadable_notification_postpones_it_and_sends_others",
            "functions/test_publish_audit_events.py::test_publish_batch_with_unreadable_record_chains_nothing",
            f"{TEMPLATE}send_emails_reads_stream_with_partial_batch_failures",
        ),
    ),
    "F24": Row(
        "records again, late, in another order",
        (
            f"{HERE}records.py::test_publish_audit_events_with_repeated_batches_builds_same_hash_chain",
            f"{SEND_EMAILS}send_email_with_repeated_record_sends_once",
            f"{SEND_EMAILS}send_emails_in_any_order_sends_each_once",
        ),
    ),
    "F25": Row("no records at all", (f"{SEND_EMAILS}send_emails_by_stream_or_by_schedule_alone_delivers",)),
    "F26": Row(
        "clocks that differ",
        (
            f"{HERE}time.py::test_approve_and_expiry_under_clock_skew_never_both_succeed",
            "functions/test_expire_links.py::test_expire_link_at_its_exact_end_ends_it",
        ),
    ),
    "F27": Row(
        "killed at any call",
        (
            OPERATIONS,
            f"{SEND_EMAILS}send_email_interrupted_at_any_call_is_completed_later",
            "functions/test_sign_audit_log.py::test_sign_audit_log_interrupted_at_any_call_is_completed_by_next_run",
        ),
    ),
    "F28": Row(
        "no time left",
        (
            f"{HERE}time.py::test_operation_in_last_seconds_of_function_writes_nothing",
            f"{DYNAMO}commit_after_deadline_raises_unavailable",
            "api/test_routing.py::test_act_deadline_leaves_seven_seconds_of_function_timeout",
            f"{SEND_EMAILS}send_emails_near_timeout_starts_no_further_delivery",
        ),
    ),
    "F29": Row(
        "a warm process",
        (
            f"{HERE}reuse.py::test_response_in_warm_process_is_independent_of_earlier_requests",
            "test_telemetry.py::test_log_line_has_its_own_request_id",
            "test_telemetry.py::test_metrics_are_reset_for_the_next_invocation",
        ),
    ),
    "F30": Row(
        "no function free",
        (f"{TEMPLATE}routes_are_throttled",),
        "Lambda's own limit and its 429 are Lambda's; that routes are throttled is seen in the template.",
    ),
    "F31": Row(
        "KMS away",
        ("functions/test_sign_audit_log.py::test_sign_audit_log_with_unavailable_storage_raises_and_records_nothing",),
        "Nothing is fetched from SSM or Secrets Manager at a cold start: only the function that signs the audit log calls KMS.",
    ),
    "F32": Row(
        "schedules skipped, doubled, side by side",
        (
            "functions/test_expire_links.py::test_expire_delayed_or_repeated_has_same_result",
            "functions/test_expire_links.py::test_expire_concurrent_runs_end_each_link_once",
            "functions/test_expire_links.py::test_expire_concurrent_runs_email_each_grant_once",
            "functions/test_reconcile_access.py::test_reconcile_delayed_or_repeated_has_same_result",
            "functions/test_reconcile_access.py::test_reconcile_concurrent_runs_email_each_client_once",
            "functions/test_sign_audit_log.py::test_sign_audit_log_with_concurrent_runs_produces_one_chain",
        ),
    ),
    "F33": Row("the audit entry cannot be written", (OPERATIONS,)),
    "F34": Row(
        "signing fails",
        (
            f"{HERE}signing.py::test_operations_succeed_while_signing_fails_and_signing_catches_up",
            "functions/test_sign_audit_log.py::test_sign_audit_log_with_unavailable_storage_raises_and_records_nothing",
            f"{TEMPLATE}alarm_exists_for_metric",
        ),
    ),
    "F35": Row(
        "the issuer's keys away",
        (),
        "API Gateway fetches and caches the issuer's keys; no emulator does so: a game day.",
    ),
    "F36": Row(
        "a body that comes slowly, or not to its end",
        ("functions/test_bad_input.py::test_body_that_is_unreadable_is_refused",),
        "API Gateway takes the whole body before any function starts, so that a slow or broken line is its own affair; "
        "a body cut off is tried at every route.",
    ),
    "F37": Row(
        "old and new code side by side",
        (f"{HERE}versions.py::test_operation_on_items_with_unknown_attributes_reaches_same_outcome",),
    ),
    "F38": Row("a torn restore", (f"{HERE}restore.py::test_invariants_with_one_lost_item_detect_or_explain_the_loss",)),
}
