"""How sign-in behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up alone: people come by invitation or are entered by staff."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
