"""Who is calling: a person, another system, or the portal itself."""

from dataclasses import dataclass

from accounts.models import ApiClient, User
from events.actors import Actor


@dataclass(frozen=True, slots=True)
class Principal:
    """
    The one on whose behalf a service acts.

    With an API client, `user` is the staff person it counts as, if it is bound to one.
    """

    user: User | None = None
    api_client: ApiClient | None = None

    @property
    def is_system(self) -> bool:
        return self.user is None and self.api_client is None

    @property
    def is_staff(self) -> bool:
        """Whether an active staff person acts, directly or through an API client."""
        return self.user is not None and self.user.is_active and self.user.is_staff

    @property
    def is_person(self) -> bool:
        """Whether a person acts directly, not through an API client."""
        return self.user is not None and self.api_client is None

    @property
    def actor(self) -> Actor:
        """The name of this principal in the journal."""
        if self.api_client is not None:
            return Actor("api", self.api_client.pk)
        if self.user is None:
            return Actor("system", None)
        return Actor("staff" if self.user.is_staff else "client", self.user.pk)


SYSTEM = Principal()
