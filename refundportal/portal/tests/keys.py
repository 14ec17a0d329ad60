"""A key as a browser would have given it: nobody can sign in with it, but pages show it."""

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

from accounts.models import User


def with_key(user: User, name: str = "My phone") -> Authenticator:
    """Give somebody a key."""
    public = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    flags = AuthenticatorData.FLAG.AT | AuthenticatorData.FLAG.UP
    held = AttestedCredentialData.create(bytes(16), b"key " + name.encode(), public)
    data = AuthenticatorData.create(bytes(32), flags, 0, held)
    said = CollectedClientData.create(
        type="webauthn.create", challenge=b"challenge", origin="https://localhost"
    )
    answer = AuthenticatorAttestationResponse(
        client_data=said, attestation_object=AttestationObject.create("none", data, {})
    )
    credential = RegistrationResponse(raw_id=held.credential_id, response=answer)
    return Authenticator.objects.create(
        user=user, type="webauthn", data={"name": name, "credential": dict(credential)}
    )
