"""Which clients other systems may be told about, for the relay of the journal."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from accounts.models import ApiClient
from accounts.principals import Principal
from accounts.scopes import WEBHOOKS_MANAGE
from contracts.models import ClientGrant
from events.webhooks.audience import Reach


def reach_of(api_client_ids: Collection[UUID], client_ids: Collection[UUID]) -> Mapping[UUID, Reach]:
    """
    Tell which of these clients each API client acts for now; two queries.

    One that is switched off, has lost `webhooks:manage`, or counts as a person who no longer works
    here is left out: it is told nothing.
    """
    rows = ApiClient.objects.filter(pk__in=api_client_ids, is_active=True)
    allowed = [row for row in rows.select_related("oauth_client", "staff_user") if _may_be_told(row)]
    granted: dict[UUID, set[UUID]] = defaultdict(set)
    grants = ClientGrant.objects.filter(api_client__in=allowed, client_id__in=client_ids)
    for api_client_id, client_id in grants.values_list("api_client_id", "client_id"):
        granted[api_client_id].add(client_id)
    return {
        row.pk: Reach(all_clients=row.all_clients, client_ids=frozenset(granted[row.pk])) for row in allowed
    }


def _may_be_told(row: ApiClient) -> bool:
    works_here = row.staff_user is None or Principal(user=row.staff_user).is_staff
    return WEBHOOKS_MANAGE in row.scopes and works_here
