"""Environment variables of the functions. No other module reads the environment.

A setting is read from the environment each time, and is named like its variable. template.yaml sets these variables.
All functions have those of the first group. Each other group names what needs its variables, and only the functions
that use this have them. Powertools reads POWERTOOLS_SERVICE_NAME, POWERTOOLS_METRICS_NAMESPACE and
POWERTOOLS_LOG_LEVEL itself.
"""

import os

# --- all functions ---


def table_name() -> str:
    return os.environ["TABLE_NAME"]


def base_url() -> str:
    """Return the origin of the pages, without a slash at the end."""
    return os.environ["BASE_URL"]


def directory_scope() -> str:
    """Return the scope in the tokens of the vendor's back end."""
    return os.environ["DIRECTORY_SCOPE"]


def decide_scope() -> str:
    """Return the scope in the tokens of clients that request access decisions."""
    return os.environ["DECIDE_SCOPE"]


def user_id_claim() -> str:
    """Return the claim of tokens that contains the id of the user."""
    return os.environ["USER_ID_CLAIM"]


def is_starting_in_lambda() -> bool:
    """Return whether Lambda runs this process. Lambda sets this variable itself before it imports the function."""
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ


# --- lists (api/cursors.py) ---


def cursor_key() -> bytes:
    """Return the secret from which the key of cursors is derived."""
    return os.environ["CURSOR_KEY"].encode()


# --- the pages and their sign-in (serve_pages, web/policy.py) ---


def use_scope() -> str:
    """Return the scope in the tokens of people."""
    return os.environ["USE_SCOPE"]


def authorization_url() -> str:
    return os.environ["AUTHORIZATION_URL"]


def token_url() -> str:
    return os.environ["TOKEN_URL"]


def sign_out_url() -> str:
    """Return the URL that ends the session at the issuer, or an empty string for none."""
    return os.environ["SIGN_OUT_URL"]


def pages_client_id() -> str:
    """Return the id of the pages' public client at the issuer."""
    return os.environ["PAGES_CLIENT_ID"]


# --- sending of emails (emails/transport.py) ---


def email_from() -> str:
    return os.environ["EMAIL_FROM"]


def email_configuration_set() -> str:
    return os.environ["EMAIL_CONFIGURATION_SET"]


# --- publication of events (event_bus.py) ---


def event_bus() -> str:
    return os.environ["EVENT_BUS"]


# --- signing of the audit log (sign_audit_log, tree_head_store.py) ---


def tree_heads_bucket() -> str:
    return os.environ["TREE_HEADS_BUCKET"]


def tree_head_signing_key() -> str:
    """Return the ARN of the KMS key."""
    return os.environ["TREE_HEAD_SIGNING_KEY"]


def tree_head_retention_days() -> int:
    """Return the number of days for which signed tree heads are locked."""
    return int(os.environ["TREE_HEAD_RETENTION_DAYS"])
