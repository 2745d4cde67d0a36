"""One file a platform; `provider_of` finds the one a sender speaks with."""

from messaging.models import Sender
from messaging.providers.base import Provider
from messaging.providers.cloud_api import CloudApi

_PROVIDERS: dict[str, Provider] = {Sender.Provider.CLOUD_API: CloudApi()}


def provider_of(sender: Sender) -> Provider:
    """The platform of this sender."""
    return _PROVIDERS[sender.provider]
