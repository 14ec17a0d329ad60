"""Who is calling: people, systems, and what they have been answered already."""

from collections.abc import Iterable
from typing import Any, ClassVar

from allauth.idp.oidc.models import Client as OidcClient
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kernel.ids import new_id


class UserManager(BaseUserManager["User"]):
    """Makes users by their e-mail address, which is kept in lower case."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user; without a password they sign in by code until they choose one."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person who may see every staff page; rights over money come from groups alone."""
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address: a client's or one of the staff."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    language = models.CharField(_("language"), max_length=10, default="en")
    wants_reminders = models.BooleanField(_("reminders by e-mail"), default=True)
    is_staff = models.BooleanField(_("works for the company"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(_("since"), default=timezone.now)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="emails_are_in_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        self.email = self.email.lower()
        super().save(
            force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields
        )

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name


class ApiClient(models.Model):
    """
    Another system of the company, known by its OAuth client credentials.

    Its scopes stand on the OAuth client. With `staff_user` it counts as that person for groups,
    limits and four eyes. Which clients' data it may act for are grants, unless `all_clients`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    oauth_client = models.OneToOneField(OidcClient, on_delete=models.PROTECT, related_name="api_client")
    name = models.CharField(_("name"), max_length=100)
    is_active = models.BooleanField(_("may call"), default=True)
    all_clients = models.BooleanField(_("acts for every client"), default=False)
    staff_user = models.ForeignKey(
        User, verbose_name=_("counts as"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")

    def __str__(self) -> str:
        return self.name

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes its tokens may carry."""
        return frozenset(self.oauth_client.get_scopes())


class RoleChange(models.Model):
    """
    A staff group given to a person, or taken; `is_alone` if one hand was enough.

    It waits while it is neither confirmed nor withdrawn.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_changes")
    role = models.CharField(max_length=20)
    gives = models.BooleanField()
    is_alone = models.BooleanField()
    reason = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(confirmed_at=None, withdrawn_at=None),
                name="one_role_change_of_a_person_waits",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("proposed_by")) | Q(is_alone=True),
                name="two_people_change_a_role_of_money",
            ),
            models.CheckConstraint(
                condition=~Q(proposed_by=F("user")) & (Q(confirmed_by=None) | ~Q(confirmed_by=F("user"))),
                name="nobody_changes_a_role_of_their_own",
            ),
            models.CheckConstraint(
                condition=Q(is_alone=False) | ~Q(role__in=["Approver", "Finance"]),
                name="a_role_of_money_is_not_changed_alone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class SavedFilter(models.Model):
    """A choice of filters that a member of staff keeps for a list; `page` names the list, such as a model."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    page = models.CharField(max_length=100)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_filters_are_named_once")
        ]

    def __str__(self) -> str:
        return self.name


class IdempotencyRecord(models.Model):
    """The answer given to one call under one key, so that the same call again gets it again."""

    id = models.BigAutoField(primary_key=True)
    principal = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "key"], name="a_key_is_used_once_per_principal"),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"
