"""The filter by billing entities that many lists share."""

from uuid import UUID

from daycount import errors
from daycount.api.query import Query
from daycount.infra.work import Work
from daycount.organizations import store


def read_entities(work: Work, query: Query) -> tuple[UUID, ...]:
    """Return the billing entities that `billing_entity_codes[]` names; none where it is absent. Raises NotFound (billing_entity)."""
    codes = query.many("billing_entity_codes")
    found = store.find_entities(work.tx, organization_id=work.organization_id, codes=codes) if codes else []
    if set(codes) - {entity.code for entity in found}:
        raise errors.NotFound("billing_entity")
    return tuple(entity.id for entity in found)
