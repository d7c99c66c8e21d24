"""
The command line. Commands print for people, or JSON with `--json`.

Exit codes: 0 done, 1 failed, 2 wrong use, 4 not found, 5 refused values.
"""

import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import structlog
import typer
from sqlalchemy.exc import OperationalError

from daycount import __version__, errors
from daycount.config import Settings, find_unknown
from daycount.infra import logging as log_lines

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Billing that explains every cent.")
orgs = typer.Typer(no_args_is_help=True, help="Organizations and their API keys.")
clock = typer.Typer(no_args_is_help=True, help="The clocks of sandboxes.")
configuration = typer.Typer(no_args_is_help=True, help="The server's settings.")
document = typer.Typer(no_args_is_help=True, help="The API's own description.")
events = typer.Typer(no_args_is_help=True, help="Usage events.")
explain = typer.Typer(no_args_is_help=True, help="How an amount came about, in sentences.")
webhooks = typer.Typer(no_args_is_help=True, help="Webhooks that were sent, and sending them again.")
bill = typer.Typer(no_args_is_help=True, help="Billing runs.")
users = typer.Typer(no_args_is_help=True, help="Who signs in to the pages.")
cli.add_typer(orgs, name="orgs")
cli.add_typer(users, name="users")
cli.add_typer(bill, name="bill")
cli.add_typer(webhooks, name="webhooks")
cli.add_typer(clock, name="clock")
cli.add_typer(explain, name="explain")
cli.add_typer(events, name="events")
cli.add_typer(configuration, name="config")
cli.add_typer(document, name="openapi")

_DEFAULT_DIR = Path("var/daycount")
_log = structlog.get_logger("cli")

DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the private database; used when DAYCOUNT_DATABASE_URL is not set.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; failures of ours end with one plain line."""
    try:
        cli()
    except errors.NotFound as error:
        _fail(f"{error.resource} not found", 4)
    except errors.Invalid as error:
        _fail(f"refused: {dict(error.details)}", 5)
    except (errors.DaycountError, RuntimeError) as error:
        _fail(str(error), 1)
    except OperationalError as error:
        _fail(f"the database is not there: {str(error.orig).splitlines()[0]}", 1)


def _fail(message: str, code: int) -> NoReturn:
    print(f"daycount: {message}", file=sys.stderr)
    sys.exit(code)


def _settings() -> Settings:
    settings = Settings()
    log_lines.set_up(log_format=settings.log_format, level=settings.log_level)
    for warning in find_unknown(os.environ).values():
        _log.warning(warning)
    return settings


def _find_database(settings: Settings, data_dir: Path) -> str:
    """Return where the database is: the configured one, or the private one of a running server in `data_dir`."""
    from daycount.infra.postgres import PrivatePostgres

    if settings.database_url:
        return settings.database_url
    if not (data_dir / "postgres").exists():
        raise RuntimeError(f"no database: set DAYCOUNT_DATABASE_URL, or name the data folder of a running server ({data_dir} holds none)")
    return PrivatePostgres(data_dir).url


def _open_app(data_dir: Path) -> Any:
    from daycount.app import build

    settings = _settings()
    return build(settings, database_url=_find_database(settings, data_dir), environment=os.environ, pool_size=2)


@cli.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
    data_dir: DataDir = _DEFAULT_DIR,
) -> None:
    """Start the API, the worker and, unless a database is configured, a private PostgreSQL."""
    from daycount.supervisor import Supervisor, install, shared_figures

    settings = _settings()
    with shared_figures(settings.web_processes):
        from daycount.processes import live

        supervisor = Supervisor(settings, live=live, host=host, port=port, data_dir=data_dir)
        install((signal.SIGTERM, signal.SIGINT), supervisor.on_signal)
        try:
            token = supervisor.start()
            if token is not None:
                print(f"admin token (shown this once): {token}", flush=True)
            supervisor.wait_until_ready()
            print(f"Daycount {__version__} listens on http://{host}:{port}", flush=True)
            supervisor.run()
        finally:
            supervisor.stop()


@cli.command(hidden=True)
def web(host: str = "127.0.0.1", port: int = 3000) -> None:
    """Run the web process alone, on the configured database."""
    from daycount.processes import run_web

    run_web(_settings(), host=host, port=port)


@cli.command()
def worker() -> None:
    """Run the worker alone, with the delivery of webhooks, on the configured database."""
    from daycount.processes import run_worker

    run_worker(_settings())


@cli.command()
def migrate(
    data_dir: DataDir = _DEFAULT_DIR,
    check: Annotated[bool, typer.Option(help="Only tell whether the schema is current; exit code 1 when it is not.")] = False,
) -> None:
    """Bring the database's schema to this version."""
    from daycount.infra import schema

    app = _open_app(data_dir)
    if not check:
        schema.migrate(app.workplace.engine)
    with app.workplace.engine.connect() as tx:
        is_current = schema.is_current(tx)
    print("the schema is current" if is_current else "the schema is older than this version")
    if not is_current:
        raise typer.Exit(1)


@cli.command()
def demo(
    data_dir: Annotated[Path | None, typer.Option(help="Folder for the demo's database; a fresh one is made when it is left out.")] = None,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
    once: Annotated[bool, typer.Option(help="Stop after printing the invoice.")] = False,
) -> None:
    """Show the main job: a month of seats that join, leave and come back, billed to the day."""
    from daycount.supervisor import shared_figures

    settings = _settings()
    with shared_figures(settings.web_processes):
        from daycount.demo import run_demo

        run_demo(settings, data_dir=data_dir, port=port, is_once=once)


@configuration.command("show")
def show_configuration() -> None:
    """Print the settings in force; secrets are not shown."""
    for name, value in Settings().model_dump().items():
        print(f"DAYCOUNT_{name.upper()}={value if value is not None else ''}")


@configuration.command("reference")
def print_configuration_reference() -> None:
    """Print the reference page of all settings, in Markdown."""
    from daycount.config import write_reference

    print(write_reference(), end="")


@document.command("dump")
def dump_openapi() -> None:
    """Print the OpenAPI document."""
    from daycount.api.openapi import describe_api
    from daycount.app import build_router

    print(json.dumps(describe_api(build_router()), indent=2))


@document.command("reference")
def print_api_reference() -> None:
    """Print the reference page of the API, in Markdown."""
    from daycount.api.reference import write_reference
    from daycount.app import build_router

    print(write_reference(build_router()), end="")


@orgs.command("create")
def create_organization(
    name: str,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Give it a test clock.")] = False,
    at: Annotated[str | None, typer.Option(help="Instant the sandbox's clock shows; default now.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Time zone of its days; default UTC.")] = None,
    *,
    data_dir: DataDir = _DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """Make an organization and print its API key, which is shown this once."""
    from daycount.organizations import operations
    from daycount.periods import parse_instant

    app = _open_app(data_dir)
    frozen = _read_instant(parse_instant, at) if at else (app.clock.now() if sandbox else None)
    with app.workplace.transaction("cli.create_organization") as tx:
        organization, key = operations.create_organization(
            tx,
            new_id=app.workplace.new_id,
            real_now=app.clock.now(),
            name=name,
            email=None,
            country=None,
            timezone=timezone,
            default_currency=None,
            document_number_prefix=None,
            frozen_time=frozen,
        )
    if as_json:
        print(json.dumps({"lago_id": str(organization.id), "name": name, "api_key": key}))
    else:
        print(f"organization {organization.id}\nAPI key      {key}")


@orgs.command("list")
def list_organizations(data_dir: DataDir = _DEFAULT_DIR, as_json: AsJson = False) -> None:
    """List organizations."""
    from daycount.organizations import store

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        rows = store.list_organizations(tx)
    for row in rows:
        shown = {"lago_id": str(row.id), "name": row.name, "created_at": row.created_at.isoformat()}
        print(json.dumps(shown) if as_json else f"{row.id}  {row.created_at:%Y-%m-%d}  {row.name}")


@users.command("add")
def add_user(
    email: str,
    organization: Annotated[str, typer.Option(help="Name or id.")],
    role: Annotated[str, typer.Option(help="admin, manager, finance or auditor.")] = "admin",
    name: Annotated[str, typer.Option(help="What to call the user.")] = "",
    password: Annotated[str | None, typer.Option(help="Asked for when it is left out.", envvar="DAYCOUNT_USER_PASSWORD")] = None,
    *,
    data_dir: DataDir = _DEFAULT_DIR,
) -> None:
    """Make a user, or take a known one, and let them into an organization."""
    from daycount.dashboard.accounts import operations, store
    from daycount.dashboard.accounts.records import Role

    if role not in {*Role}:
        raise errors.Invalid({"role": ["value_is_invalid"]})
    app = _open_app(data_dir)
    now = app.clock.now()
    with app.workplace.transaction("cli.add_user") as tx:
        organization_id = _find_organization(tx, organization)
        user = store.find_user(tx, email.strip().lower())
        if user is None:
            chosen = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
            user = operations.create_user(tx, new_id=app.workplace.new_id, now=now, email=email, name=name, password=chosen)
        store.put_membership(tx, organization_id=organization_id, user_id=user.id, role=Role(role), now=now)
    print(f"{user.email} is {role} of {organization}")


@users.command("password")
def set_password(
    email: str,
    password: Annotated[str | None, typer.Option(help="Asked for when it is left out.", envvar="DAYCOUNT_USER_PASSWORD")] = None,
    *,
    data_dir: DataDir = _DEFAULT_DIR,
) -> None:
    """Give a user another password; all their sessions end."""
    from daycount.dashboard.accounts import operations

    app = _open_app(data_dir)
    chosen = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with app.workplace.transaction("cli.set_password") as tx:
        operations.change_password(tx, operations.get_user(tx, email), password=chosen)
    print("the password is changed")


@users.command("list")
def list_users(data_dir: DataDir = _DEFAULT_DIR, as_json: AsJson = False) -> None:
    """List who can sign in, and to what."""
    from daycount.dashboard.accounts import store

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        found = store.list_users(tx, limit=10_000)
    for user in found:
        shown = {"lago_id": str(user.id), "email": user.email, "name": user.name, "created_at": user.created_at.isoformat()}
        print(json.dumps(shown) if as_json else f"{user.created_at:%Y-%m-%d}  {user.email}  {user.name}")


@webhooks.command("list")
def list_webhooks(
    organization: str,
    status: Annotated[str | None, typer.Option(help="pending, retrying, succeeded or failed; default all.")] = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 50,
    *,
    data_dir: DataDir = _DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """List what was sent, and is to be sent, to the endpoints of an organization."""
    from daycount.webhooks import store
    from daycount.webhooks.records import Status, WebhookFilter

    if status is not None and status not in set(Status):
        raise typer.BadParameter(f"{status} is not one of {', '.join(Status)}")
    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        organization_id = _find_organization(tx, organization)
        query = WebhookFilter(statuses=(status,) if status else ())
        found = store.list_webhooks(tx, organization_id=organization_id, query=query, limit=limit, offset=0)
    for item in found:
        code = item.http_status or ""
        shown = {"lago_id": str(item.id), "webhook_type": item.webhook_type, "status": item.status, "http_status": item.http_status}
        line = f"{item.id}  {item.created_at:%Y-%m-%d %H:%M}  {item.status:9}  {item.attempts}x {code:3}  {item.webhook_type}  {item.url}"
        print(json.dumps(shown | {"webhook_url": item.url, "attempts_count": item.attempts}) if as_json else line)


@webhooks.command("resend")
def resend_webhooks(
    organization: str,
    webhook_ids: Annotated[list[UUID], typer.Argument(help="Ids of webhooks.")],
    data_dir: DataDir = _DEFAULT_DIR,
) -> None:
    """Send webhooks again as they were, also those that arrived."""
    from daycount.webhooks import operations

    app = _open_app(data_dir)
    with app.workplace.transaction("cli.resend_webhooks") as tx:
        organization_id = _find_organization(tx, organization)
        work = app.workplace.work_on(tx, now=app.clock.now(), actor="cli", organization_id=organization_id, is_sandbox=False)
        for webhook_id in webhook_ids:
            operations.resend(work, webhook_id)
    print(f"{len(webhook_ids)} webhooks are sent again")


@bill.command("run")
def run_bills(
    organization: str,
    as_of: Annotated[str, typer.Option("--as-of", help="Instant up to which everything due is run.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Needed: the worker bills by itself, this only shows what it would do.")],
    data_dir: DataDir = _DEFAULT_DIR,
) -> None:
    """Print what would be billed until an instant, and take it back: `+` invoices made, `~` drafts changed, `!` customers set aside."""
    from daycount.periods import parse_instant
    from daycount.worker.dry_run import rehearse_agenda

    if not dry_run:
        raise typer.BadParameter("only a dry run can be asked for; the worker bills by itself")
    app = _open_app(data_dir)
    until = _read_instant(parse_instant, as_of)
    with app.workplace.engine.connect() as tx:
        organization_id = _find_organization(tx, organization)
    run = rehearse_agenda(app.workplace, app.runner, organization_id=organization_id, until=until)
    for sign, rows in (("+", run.made), ("~", run.changed)):
        for row in rows:
            print(f"{sign} {row.created_at:%Y-%m-%d}  {row.number}  {row.status}  {row.currency} {row.total_amount_cents}")
    for entry in run.parked:
        print(f"! {entry.due_at:%Y-%m-%d}  {entry.kind} of {entry.lane_id}: {entry.because}")
    print(f"{len(run.made)} invoices made, {len(run.changed)} drafts changed, {len(run.parked)} entries set aside; nothing is kept")


@bill.command("check")
def check_bill(invoice: Annotated[str, typer.Argument(help="Id or number.")], data_dir: DataDir = _DEFAULT_DIR) -> None:
    """Work an invoice out again from raw events and the plan as it was, and compare each fee; ends with 1 where something differs."""
    from daycount.invoicing import store
    from daycount.invoicing.checking import check_invoice, say_check
    from daycount.organizations import store as organizations

    opened = _open_app(data_dir)
    with opened.workplace.engine.connect() as tx:
        found = store.find_named(tx, invoice)
        is_sandbox = organizations.find_clock(tx, found.organization_id) is not None
        owner = found.organization_id
        work = opened.workplace.work_on(tx, now=opened.clock.now(), actor="cli", organization_id=owner, is_sandbox=is_sandbox)
        check = check_invoice(work, found)
    print("\n".join(say_check(check)))
    raise typer.Exit(0 if check.is_consistent else 1)


@cli.command()
def doctor(data_dir: DataDir = _DEFAULT_DIR) -> None:
    """Check that what time must cause is written down as the subscriptions ask for it; ends with 1 where it is not."""
    from daycount.organizations import store
    from daycount.subscriptions.doctor import find_stale

    opened = _open_app(data_dir)
    with opened.workplace.engine.connect() as tx:
        stale = [item for row in store.list_organizations(tx) for item in find_stale(tx, organization_id=row.id)]
    for item in stale:
        due, expected = ("none" if instant is None else instant.isoformat() for instant in (item.due_at, item.expected_at))
        print(f"{item.subscription.external_id} ({item.subscription.id}): {item.kind} is due {due}, should be {expected}")
    print(f"{len(stale)} stale entries")
    raise typer.Exit(1 if stale else 0)


@clock.command("show")
def show_clock(organization: str, data_dir: DataDir = _DEFAULT_DIR) -> None:
    """Print what the clock of a sandbox shows."""
    from daycount.organizations import store

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        found = store.find_clock(tx, _find_organization(tx, organization))
    if found is None:
        raise errors.NotAllowed("test_clock_not_available")
    print(found.frozen_time.isoformat())


@clock.command("advance")
def advance_clock(
    organization: str, to: Annotated[str, typer.Option(help="Instant to move to.")], data_dir: DataDir = _DEFAULT_DIR
) -> None:
    """Move the clock of a sandbox; returns when everything due until then has happened."""
    from daycount.periods import parse_instant

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        organization_id = _find_organization(tx, organization)
    print(app.clocks.advance(organization_id, target=_read_instant(parse_instant, to)).isoformat())


def _find_organization(tx: Any, name_or_id: str) -> UUID:
    from daycount.organizations import store

    try:
        return UUID(name_or_id)
    except ValueError:
        found = store.find_by_name(tx, name_or_id)
    if len(found) > 1:
        raise RuntimeError(f"several organizations are called {name_or_id}; give the id")
    if not found:
        raise errors.NotFound("organization")
    return found[0]


def _read_instant(parse: Any, text: str) -> datetime:
    try:
        instant: datetime = parse(text)
    except ValueError as error:
        raise RuntimeError(f"{text!r} is no ISO 8601 instant") from error
    return instant


@explain.command("invoice")
def explain_invoice(invoice: Annotated[str, typer.Argument(help="Id or number.")], data_dir: DataDir = _DEFAULT_DIR) -> None:
    """Say how an invoice came to its total."""
    from daycount.customers import store as customers
    from daycount.invoicing import explain as words
    from daycount.invoicing import store

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        found = store.find_named(tx, invoice)
        owner = customers.find_customers(tx, organization_id=found.organization_id, ids=[found.customer_id])[found.customer_id]
        lines = store.list_lines(tx, organization_id=found.organization_id, invoice_ids=[found.id])
        fees = store.list_fees(tx, organization_id=found.organization_id, invoice_ids=[found.id])
    print("\n".join(words.explain_invoice(found, owner, lines, fees)))


@explain.command("fee")
def explain_fee(fee: Annotated[str, typer.Argument(help="Id.")], data_dir: DataDir = _DEFAULT_DIR) -> None:
    """Say how a fee came to its amount."""
    from daycount.invoicing import explain as words
    from daycount.invoicing import store

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        found = store.find_any_fee(tx, UUID(fee)) if _is_uuid(fee) else None
    if found is None:
        raise errors.NotFound("fee")
    print("\n".join(words.explain_fee(found)))


@events.command("send")
def send_events(
    file: Annotated[
        Path,
        typer.Argument(
            help="NDJSON (.ndjson, .jsonl), CSV (.csv) or Parquet (.parquet) with one event a line.", exists=True, dir_okay=False
        ),
    ],
    organization: Annotated[str, typer.Option(help="Name or id.")],
    data_dir: DataDir = _DEFAULT_DIR,
    as_json: AsJson = False,
) -> None:
    """
    Send a file of events, the known ones left out.

    What is refused goes to FILE.errors.ndjson. A second run goes on where one stopped.
    """
    from daycount.api.sending import Rest, open_commits
    from daycount.api.v1.events import read_line, read_plain_lines
    from daycount.usage.bulk import Sender, Tally

    def load() -> Rest:
        from daycount.invoicing.guarding import WalletGuard

        app = _open_app(data_dir)
        return Rest(app.workplace.reactions, WalletGuard(app.workplace, app.events))

    def report(tally: Tally) -> None:
        if not as_json and sys.stderr.isatty():
            _show_progress(tally.position, tally.size, tally.sent)

    settings = _settings()
    workplace, commits = open_commits(settings, database_url=_find_database(settings, data_dir), environment=os.environ, load=load)
    try:
        with workplace.engine.connect() as tx:
            organization_id = _find_organization(tx, organization)
        tally = Sender(commits, organization_id, read=read_line, read_quickly=read_plain_lines, report=report).send(file)
    finally:
        commits.close()
    figures = {"lines": tally.lines, "sent": tally.sent, "already_known": tally.known, "refused": tally.refused}
    print(json.dumps(figures) if as_json else ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in figures.items()))
    if tally.refused:
        _fail(f"{tally.refused} events were refused; see {file}.errors.ndjson", 5)


def _show_progress(done: int, whole: int, sent: int) -> None:
    width = 40
    filled = width * done // max(whole, 1)
    print(
        f"\r[{'#' * filled}{'.' * (width - filled)}] {100 * done // max(whole, 1):3d} %  {sent} sent", end="", file=sys.stderr, flush=True
    )


@events.command("explain")
def explain_event(
    transaction_id: str,
    organization: Annotated[str, typer.Option(help="Name or id.")],
    data_dir: DataDir = _DEFAULT_DIR,
) -> None:
    """Say which metric, charge, filter, group and period an event counts in, or why it counts nowhere."""
    from daycount.invoicing.event_places import explain_place, place_event

    app = _open_app(data_dir)
    with app.workplace.engine.connect() as tx:
        organization_id = _find_organization(tx, organization)
        event = app.events.find(tx, organization_id=organization_id, transaction_id=transaction_id)
        if event is None:
            raise errors.NotFound("event")
        work = app.workplace.work_on(tx, now=app.clock.now(), actor="cli", organization_id=organization_id, is_sandbox=False)
        print("\n".join(explain_place(place_event(work, event))))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
