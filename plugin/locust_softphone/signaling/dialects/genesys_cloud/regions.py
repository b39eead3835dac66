"""The regions of Genesys Cloud and their hosts.

    us-east-1  ►  api.mypurecloud.com   login.mypurecloud.com   streaming.mypurecloud.com

Source: purecloud_region_hosts.py in PureCloudPlatformClientV2 269.0.0 (PyPI); for the WebSocket's host ``streaming.``,
client-private.js in genesys-cloud-webrtc-sdk 9.2.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from locust_softphone.errors import InputError
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.text import choices, quoted

__all__ = ["DEFAULT_REGION", "REGIONS", "hosts_of"]

DEFAULT_REGION = "us-east-1"

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "us-east-1": "mypurecloud.com",
        "eu-west-1": "mypurecloud.ie",
        "ap-southeast-2": "mypurecloud.com.au",
        "ap-northeast-1": "mypurecloud.jp",
        "eu-central-1": "mypurecloud.de",
        "us-west-2": "usw2.pure.cloud",
        "ca-central-1": "cac1.pure.cloud",
        "ap-northeast-2": "apne2.pure.cloud",
        "eu-west-2": "euw2.pure.cloud",
        "ap-south-1": "aps1.pure.cloud",
        "us-east-2": "use2.us-gov-pure.cloud",
        "sa-east-1": "sae1.pure.cloud",
        "me-central-1": "mec1.pure.cloud",
        "ap-northeast-3": "apne3.pure.cloud",
        "eu-central-2": "euc2.pure.cloud",
        "mx-central-1": "mxc1.pure.cloud",
        "ap-southeast-1": "apse1.pure.cloud",
        "eusc-de-east-1": "edee1.eusc-pure.cloud",
    }
)
"""The domain of each region."""


def hosts_of(region: str = DEFAULT_REGION, *, ca_file: str | None = None, authorized: bool = False) -> Hosts:
    """The hosts of a region.

    Raises:
        InputError: the region is unknown.
    """
    if region not in REGIONS:
        raise InputError(
            f"--softphone-region {quoted(region)}: not a region of Genesys Cloud, {choices(region, REGIONS)}"
        )
    domain = REGIONS[region]
    urls = {role: f"https://{role}.{domain}" for role in ("api", "login", "streaming")}
    return Hosts.of_urls(urls, ca_file=ca_file, authorized=authorized)
