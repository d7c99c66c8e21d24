"""
The first schema: organizations, catalogue, customers, subscriptions, events, invoices and the agenda.

The functions read a billed value from an event's JSON exactly as ingest does (`daycount.usage.values`).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FUNCTIONS = (
    # A number without its exponent; one that is longer or larger than any that counts stays as it was sent. json and not
    # jsonb below, because jsonb refuses a whole object for one number that no column could hold.
    """
    create function daycount_plain(value text) returns text
    language sql immutable parallel safe as $$
        select case
            when value !~ '[eE]' then regexp_replace(value, '^-(0([.]0+)?)$', '\\1')
            when length(value) > 100 or abs(cast(substring(value from '[eE][+]?(-?[0-9]+)$') as numeric)) > 100 then value
            else cast(cast(value as numeric) as text)
        end
    $$
    """,
    """
    create function daycount_property(properties text, name text) returns text
    language sql immutable parallel safe as $$
        select case json_typeof(p.value)
            when 'string' then p.value #>> '{}'
            when 'boolean' then p.value #>> '{}'
            when 'number' then daycount_plain(p.value #>> '{}')
        end
        from (select cast(properties as json) -> name as value) as p
    $$
    """,
    """
    create function daycount_number(value text) returns numeric
    language sql immutable parallel safe as $$
        select case when length(value) <= 100 and value ~ '^-?[0-9]+([.][0-9]+)?$' then cast(value as numeric) end
    $$
    """,
    """
    create function daycount_operation(value text) returns boolean
    language sql immutable parallel safe as $$
        select case when value is null or value = 'add' then true when value = 'remove' then false end
    $$
    """,
)


class TransactionId(sa.types.UserDefinedType[str]):
    """PostgreSQL's 64 bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Return the type's name."""
        return "xid8"


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.execute("create sequence usage_event_sequence increment by 10000")
    for function in _FUNCTIONS:
        op.execute(function)
    op.create_table(
        "event_fields",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="how a value was typed: number:NAME or member:NAME of a property"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_fields")),
        sa.UniqueConstraint("name", name=op.f("uq_event_fields_name")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("customer_sequence", sa.Integer(), server_default="0", nullable=False, comment="last sequential_id given to a customer"),
        sa.Column("catalog_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_secrets")),
    )
    op.create_table(
        "usage_events",
        sa.Column(
            "key", sa.Uuid(), nullable=False, comment="digest of (organization, external subscription id, transaction id); the public id"
        ),
        sa.Column("stream_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="order of arrival"),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("written_by", TransactionId(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=True, comment="the property that number and member were read from"),
        sa.Column("is_add", sa.Boolean(), nullable=True, comment="operation of a counted value; null when it has none that is known"),
        sa.Column("number", sa.Numeric(), nullable=True),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("precise_total_amount_cents", sa.Numeric(), nullable=True),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False, comment="JSON as it was sent, so that numbers stay exact"),
    )
    op.create_index("ix_usage_events_stream_at", "usage_events", ["stream_id", "at"], unique=False)
    op.create_index("uq_usage_events_key", "usage_events", ["key"], unique=True)
    op.create_table(
        "agenda",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("is_sandbox", sa.Boolean(), nullable=False),
        sa.Column("lane_id", sa.Uuid(), nullable=False, comment="rows of one lane run in order; a customer is a lane"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "parked_at",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="set when its handler failed; nothing of the lane runs until it is retried",
        ),
        sa.Column("parked_because", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_agenda_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agenda")),
        sa.UniqueConstraint("organization_id", "kind", "subject_id", name=op.f("uq_agenda_organization_id_kind_subject_id")),
    )
    op.create_index("ix_agenda_lane_due", "agenda", ["lane_id", "due_at"], unique=False)
    op.create_index(
        "ix_agenda_live_due", "agenda", ["due_at"], unique=False, postgresql_where=sa.text("not is_sandbox and parked_at is null")
    )
    op.create_index(
        "ix_agenda_organization_due", "agenda", ["organization_id", "due_at"], unique=False, postgresql_where=sa.text("parked_at is null")
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key"),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_api_keys_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index("ix_api_keys_organization_id", "api_keys", ["organization_id"], unique=False)
    op.create_table(
        "billable_metrics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("aggregation_type", sa.Text(), nullable=False),
        sa.Column("field_name", sa.Text(), nullable=True),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.Column("rounding_function", sa.Text(), nullable=True),
        sa.Column("rounding_precision", sa.Integer(), nullable=True),
        sa.Column("weighted_interval", sa.Text(), nullable=True),
        sa.Column("expression", sa.Text(), nullable=True),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_billable_metrics_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billable_metrics")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_billable_metrics_organization_id_id")),
    )
    op.create_index(
        "ix_billable_metrics_list", "billable_metrics", ["organization_id", sa.literal_column("created_at desc"), "id"], unique=False
    )
    op.create_index(
        "uq_billable_metrics_code",
        "billable_metrics",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "billing_entities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("default_currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("document_number_prefix", sa.Text(), nullable=False),
        sa.Column("net_payment_term", sa.Integer(), nullable=False),
        sa.Column("finalize_zero_amount_invoice", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_billing_entities_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_entities")),
        sa.UniqueConstraint("organization_id", "code", name=op.f("uq_billing_entities_organization_id_code")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_billing_entities_organization_id_id")),
    )
    op.create_index(
        "uq_billing_entities_default", "billing_entities", ["organization_id"], unique=True, postgresql_where=sa.text("is_default")
    )
    op.create_table(
        "event_streams",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=False, comment="empty when the event named none"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_event_streams_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_streams")),
        sa.UniqueConstraint(
            "organization_id",
            "external_subscription_id",
            "code",
            name=op.f("uq_event_streams_organization_id_external_subscription_id_code"),
        ),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", sa.Text(), nullable=False),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("trial_period_days", sa.Numeric(), nullable=False),
        sa.Column("bill_charges_monthly", sa.Boolean(), nullable=True),
        sa.Column("bill_fixed_charges_monthly", sa.Boolean(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("pending_deletion", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_plans_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_plans_organization_id_id")),
    )
    op.create_index("ix_plans_list", "plans", ["organization_id", sa.literal_column("created_at desc"), "id"], unique=False)
    op.create_index("uq_plans_code", "plans", ["organization_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null"))
    op.create_table(
        "test_clocks",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("frozen_time", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("advancing_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("advancing_to is null or advancing_to >= frozen_time", name=op.f("ck_test_clocks_advances_forward")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_test_clocks_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_test_clocks")),
    )
    op.create_table(
        "charges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("billable_metric_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order within the plan, as given"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("charge_model", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("prorated", sa.Boolean(), nullable=False),
        sa.Column("invoiceable", sa.Boolean(), nullable=False),
        sa.Column("regroup_paid_fees", sa.Text(), nullable=True),
        sa.Column("min_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("accepts_target_wallet", sa.Boolean(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "billable_metric_id"],
            ["billable_metrics.organization_id", "billable_metrics.id"],
            name=op.f("fk_charges_organization_id_billable_metric_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"], ["plans.organization_id", "plans.id"], name=op.f("fk_charges_organization_id_plan_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_charges_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_charges_organization_id_id")),
    )
    op.create_index("ix_charges_metric", "charges", ["billable_metric_id"], unique=False)
    op.create_index("uq_charges_code", "charges", ["plan_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null"))
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("firstname", sa.Text(), nullable=True),
        sa.Column("lastname", sa.Text(), nullable=True),
        sa.Column("customer_type", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("address_line1", sa.Text(), nullable=True),
        sa.Column("address_line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("zipcode", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("legal_number", sa.Text(), nullable=True),
        sa.Column("tax_identification_number", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("external_salesforce_id", sa.Text(), nullable=True),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("net_payment_term", sa.Integer(), nullable=True),
        sa.Column("finalize_zero_amount_invoice", sa.Text(), nullable=False),
        sa.Column("skip_invoice_custom_sections", sa.Boolean(), nullable=False),
        sa.Column("shipping_address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("billing_configuration", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("invoice_sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "billing_entity_id"],
            ["billing_entities.organization_id", "billing_entities.id"],
            name=op.f("fk_customers_organization_id_billing_entity_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_customers_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_customers_organization_id_id")),
        sa.UniqueConstraint("organization_id", "sequential_id", name=op.f("uq_customers_organization_id_sequential_id")),
    )
    op.create_index("ix_customers_list", "customers", ["organization_id", sa.literal_column("created_at desc"), "id"], unique=False)
    op.create_index(
        "uq_customers_external_id",
        "customers",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("issuing_date", sa.Date(), nullable=False),
        sa.Column("payment_due_date", sa.Date(), nullable=False),
        sa.Column("net_payment_term", sa.Integer(), nullable=False),
        sa.Column("invoice_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False, comment="time zone its days were counted in"),
        sa.Column("tz_version", sa.Text(), nullable=False, comment="version of the time zone rules used"),
        sa.Column("fees_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("progressive_billing_credit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("coupons_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("sub_total_excluding_taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("sub_total_including_taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("credit_notes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("prepaid_credit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("total_paid_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("finalized_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("(status = 'finalized') <= (sequential_id is not null)", name=op.f("ck_invoices_finalized_is_numbered")),
        sa.CheckConstraint(
            "sub_total_excluding_taxes_amount_cents = fees_amount_cents - progressive_billing_credit_amount_cents - coupons_amount_cents"
            " and sub_total_including_taxes_amount_cents = sub_total_excluding_taxes_amount_cents + taxes_amount_cents"
            " and total_amount_cents = sub_total_including_taxes_amount_cents - credit_notes_amount_cents - prepaid_credit_amount_cents",
            name=op.f("ck_invoices_adds_up"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "billing_entity_id"],
            ["billing_entities.organization_id", "billing_entities.id"],
            name=op.f("fk_invoices_organization_id_billing_entity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_invoices_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invoices_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_invoices_organization_id_id")),
    )
    op.create_index("ix_invoices_customer_id", "invoices", ["customer_id"], unique=False)
    op.create_index(
        "ix_invoices_list",
        "invoices",
        ["organization_id", sa.literal_column("issuing_date desc"), sa.literal_column("created_at desc"), "id"],
        unique=False,
    )
    op.create_index(
        "uq_invoices_customer_number",
        "invoices",
        ["customer_id", "billing_entity_id", "sequential_id"],
        unique=True,
        postgresql_where=sa.text("sequential_id is not null"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("billing_time", sa.Text(), nullable=False),
        sa.Column("subscription_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ending_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("terminated_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("canceled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("activated_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("trial_ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("on_termination_credit_note", sa.Text(), nullable=True),
        sa.Column("on_termination_invoice", sa.Text(), nullable=False),
        sa.Column("progressive_billing_disabled", sa.Boolean(), nullable=False),
        sa.Column("consolidate_invoice", sa.Boolean(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("billed_through", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("billed_zone", sa.Text(), nullable=True),
        sa.Column("has_base_fee", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("(status = 'terminated') = (terminated_at is not null)", name=op.f("ck_subscriptions_ended_when_terminated")),
        sa.CheckConstraint(
            "(status in ('active', 'terminated')) = (started_at is not null)", name=op.f("ck_subscriptions_started_when_active")
        ),
        sa.CheckConstraint("status in ('pending', 'active', 'terminated', 'canceled')", name=op.f("ck_subscriptions_status_known")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_subscriptions_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"], ["plans.organization_id", "plans.id"], name=op.f("fk_subscriptions_organization_id_plan_id")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_subscriptions_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_subscriptions_organization_id_id")),
    )
    op.create_index("ix_subscriptions_customer_id", "subscriptions", ["customer_id"], unique=False)
    op.create_index("ix_subscriptions_external_id", "subscriptions", ["organization_id", "external_id"], unique=False)
    op.create_index(
        "ix_subscriptions_list",
        "subscriptions",
        ["organization_id", sa.literal_column("subscription_at desc"), sa.literal_column("created_at desc"), "id"],
        unique=False,
    )
    op.create_index("ix_subscriptions_plan_id", "subscriptions", ["plan_id"], unique=False)
    op.create_index(
        "uq_subscriptions_active",
        "subscriptions",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(
        "uq_subscriptions_pending",
        "subscriptions",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "fees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("fee_type", sa.Text(), nullable=False),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="what was billed, as it was called then"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("units", sa.Numeric(), nullable=False),
        sa.Column("events_count", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_amount_cents", sa.Numeric(), nullable=False),
        sa.Column("precise_unit_amount", sa.Numeric(), nullable=False),
        sa.Column("taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("amount_details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("shown_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("shown_to", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("derivation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "charge_id"], ["charges.organization_id", "charges.id"], name=op.f("fk_fees_organization_id_charge_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"], name=op.f("fk_fees_organization_id_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscriptions.organization_id", "subscriptions.id"],
            name=op.f("fk_fees_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fees_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fees")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_fees_organization_id_id")),
    )
    op.create_index("ix_fees_invoice_id", "fees", ["invoice_id"], unique=False)
    op.create_index("ix_fees_list", "fees", ["organization_id", "created_at", "id"], unique=False)
    op.create_table(
        "invoice_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("invoicing_reason", sa.Text(), nullable=False),
        sa.Column("billed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "base_from",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="start of the window whose base fee is billed; null when none is",
        ),
        sa.Column(
            "charges_from",
            postgresql.TIMESTAMP(timezone=True),
            nullable=True,
            comment="start of the window whose usage is billed; null when none is",
        ),
        sa.Column("shown_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("shown_to", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("shown_charges_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("shown_charges_to", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_invoice_subscriptions_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscriptions.organization_id", "subscriptions.id"],
            name=op.f("fk_invoice_subscriptions_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invoice_subscriptions_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_subscriptions")),
    )
    op.create_index("ix_invoice_subscriptions_invoice_id", "invoice_subscriptions", ["invoice_id"], unique=False)
    op.create_index(
        "uq_invoice_subscriptions_base",
        "invoice_subscriptions",
        ["subscription_id", "base_from"],
        unique=True,
        postgresql_where=sa.text("base_from is not null"),
    )
    op.create_index(
        "uq_invoice_subscriptions_charges",
        "invoice_subscriptions",
        ["subscription_id", "charges_from"],
        unique=True,
        postgresql_where=sa.text("charges_from is not null"),
    )
    op.create_index(
        "uq_invoice_subscriptions_instant", "invoice_subscriptions", ["subscription_id", "invoicing_reason", "billed_at"], unique=True
    )
