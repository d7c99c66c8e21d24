"""Runs migrations on the connection that `daycount.infra.schema` hands over."""

from alembic import context

import daycount.audit.tables
import daycount.catalog.add_ons.tables
import daycount.catalog.fixed_charges.tables
import daycount.catalog.tables
import daycount.credit_notes.tables
import daycount.customers.payment_methods.tables
import daycount.customers.tables
import daycount.customers.vat.tables
import daycount.dashboard.accounts.tables
import daycount.dunning.tables
import daycount.entitlements.tables
import daycount.infra.agenda
import daycount.invoicing.adjusting.tables
import daycount.invoicing.papers.tables
import daycount.invoicing.tables
import daycount.mails.tables
import daycount.organizations.payment_providers.tables
import daycount.organizations.sections.tables
import daycount.organizations.tables
import daycount.payments.checkout.tables
import daycount.payments.inbound.tables
import daycount.payments.refunds.tables
import daycount.payments.requests.tables
import daycount.payments.tables
import daycount.subscriptions.fixed_units.tables
import daycount.subscriptions.tables
import daycount.usage.faults.tables
import daycount.usage.tables
import daycount.wallets.authorizations.tables  # noqa: F401 - these register their tables on the metadata
from daycount.infra.database import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
