"""Dunning campaigns on the wire: an extension, whose objects carry the fields that the contract's campaigns have."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.dunning import operations, store
from daycount.dunning.records import Campaign, CampaignInput
from daycount.infra.work import Work
from daycount.organizations.entities.operations import get_default_entity

routes = Routes("dunning_campaigns")


class ThresholdObject(Struct, frozen=True, kw_only=True):
    """The overdue balance of a currency, in minor units, from which on it is asked for."""

    lago_id: str
    currency: str
    amount_cents: int


class DunningCampaignObject(Struct, frozen=True, kw_only=True):
    """How overdue balances are asked for; `applied_to_organization` tells whether it is the default billing entity's."""

    lago_id: str
    code: str
    name: str
    description: str | None
    bcc_emails: Sequence[str]
    max_attempts: int
    days_between_attempts: int
    thresholds: Sequence[ThresholdObject]
    applied_to_organization: bool
    created_at: Stamp
    updated_at: Stamp


def list_to_wire(work: Work, found: Sequence[Campaign]) -> list[DunningCampaignObject]:
    """Write campaigns. One query."""
    applied = get_default_entity(work).applied_dunning_campaign_id
    return [
        DunningCampaignObject(
            lago_id=str(campaign.id),
            code=campaign.code,
            name=campaign.name,
            description=campaign.description,
            bcc_emails=campaign.bcc_emails,
            max_attempts=campaign.max_attempts,
            days_between_attempts=campaign.days_between_attempts,
            thresholds=[
                ThresholdObject(lago_id=str(item.id), currency=item.currency, amount_cents=item.amount_cents)
                for item in campaign.thresholds
            ],
            applied_to_organization=campaign.id == applied,
            created_at=stamp(campaign.created_at),
            updated_at=stamp(campaign.updated_at),
        )
        for campaign in found
    ]


def _one(work: Work, campaign: Campaign) -> DunningCampaignObject:
    return list_to_wire(work, [campaign])[0]


@routes.post(
    "/dunning_campaigns",
    accepts=CampaignInput,
    root_in="dunning_campaign",
    returns=DunningCampaignObject,
    root_out="dunning_campaign",
    is_extension=True,
)
def create_dunning_campaign(work: Work, call: Call) -> DunningCampaignObject:
    """Create a dunning campaign."""
    return _one(work, operations.create_campaign(work, call.body))


@routes.get(
    "/dunning_campaigns",
    returns=DunningCampaignObject,
    root_out="dunning_campaigns",
    is_list=True,
    is_extension=True,
    parameters=("search_term", "currency[]"),
)
def find_all_dunning_campaigns(work: Work, call: Call) -> Page:
    """List dunning campaigns, newest first."""
    asked, term, currencies = read_page(call.query), call.query.one("search_term"), call.query.many("currency")
    organization_id = work.organization_id
    found = store.list_campaigns(
        work.tx, organization_id=organization_id, search_term=term, currencies=currencies, limit=asked.per_page, offset=asked.offset
    )
    total = store.count_campaigns(work.tx, organization_id=organization_id, search_term=term, currencies=currencies)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.get("/dunning_campaigns/{code}", returns=DunningCampaignObject, root_out="dunning_campaign", is_extension=True)
def find_dunning_campaign(work: Work, call: Call) -> DunningCampaignObject:
    """Find a dunning campaign by its code, or its id."""
    return _one(work, operations.get_campaign(work, call.path["code"]))


@routes.put(
    "/dunning_campaigns/{code}",
    accepts=CampaignInput,
    root_in="dunning_campaign",
    returns=DunningCampaignObject,
    root_out="dunning_campaign",
    is_extension=True,
)
def update_dunning_campaign(work: Work, call: Call) -> DunningCampaignObject:
    """Change a dunning campaign; it counts at once."""
    return _one(work, operations.update_campaign(work, call.path["code"], call.body))


@routes.delete("/dunning_campaigns/{code}", returns=DunningCampaignObject, root_out="dunning_campaign", is_extension=True)
def destroy_dunning_campaign(work: Work, call: Call) -> DunningCampaignObject:
    """Delete a dunning campaign; it counts for nobody any more."""
    return _one(work, operations.delete_campaign(work, call.path["code"]))
