"""What differs between the releases that an image can stand in for."""

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Release:
    """One server release: names, addresses and the schema it leaves in MongoDB."""

    version: str
    api_version: str
    product: str
    # Environment prefixes in the order of reading: a later one overrides.
    prefixes: tuple
    # Variables that say where a service is, `{}` being its name and part, the first that is set wins.
    service_variables: tuple
    config_directories: tuple
    log_directory: str
    # Elasticsearch 5: mapping types, required routing, `_term`.
    typed_elastic: bool
    # The migrations that the release knows, each leaving a stamp in `backend.versions`.
    stamps: tuple
    # Built-in users who lose their keys once fixed users are on.
    revoked_in_fixed_mode: tuple
    has_redis: bool = True
    # Below these the release does not start.
    minimum_mongo: int = 3
    minimum_elastic: int = 5


# As Kubernetes and old compose files name them.
BARE = ("{}_SERVICE_{}", "{}_SERVICE_SERVICE_{}")
# Built-in keys, no fixed users, no Redis, no stamps; no variables of its own.
EARLY = Release(
    version="0.11.0",
    api_version="2.2",
    product="Trains",
    prefixes=(),
    service_variables=BARE,
    config_directories=("/opt/trains/config",),
    log_directory="/var/log/trains",
    typed_elastic=True,
    stamps=(),
    revoked_in_fixed_mode=("webserver",),
    has_redis=False,
)

TRAINS_STAMPS = ("0.12.1", "0.13.0", "0.14.0", "0.15.0")

RELEASES = {
    # In the machine's network, and without a configuration directory.
    "0.10.1": dataclasses.replace(EARLY, version="0.10.1", api_version="2.1", config_directories=()),
    "0.11.0": EARLY,
    "0.15.1": Release(
        version="0.15.1",
        api_version="2.8",
        product="Trains",
        prefixes=("TRAINS",),
        service_variables=("TRAINS_{}_SERVICE_{}",),
        config_directories=("/opt/trains/config",),
        log_directory="/var/log/trains",
        typed_elastic=True,
        stamps=TRAINS_STAMPS,
        revoked_in_fixed_mode=("webserver",),
    ),
    "1.1.1": Release(
        version="1.1.1",
        api_version="2.14",
        product="ClearML",
        prefixes=("TRAINS", "CLEARML"),
        service_variables=("CLEARML_{}_SERVICE_{}", "TRAINS_{}_SERVICE_{}", *BARE),
        config_directories=("/opt/trains/config", "/opt/clearml/config"),
        log_directory="/var/log/clearml",
        typed_elastic=False,
        stamps=(*TRAINS_STAMPS, "0.16.0", "0.16.1", "0.16.2", "0.17.0", "1.0.0", "1.0.2"),
        revoked_in_fixed_mode=("webserver", "tests"),
    ),
    # A trap for programs that do not pin the release: it only looks at its databases and refuses old ones.
    "2.3.0": Release(
        version="2.3.0",
        api_version="2.34",
        product="ClearML",
        prefixes=("CLEARML",),
        service_variables=("CLEARML_{}_SERVICE_{}", *BARE),
        config_directories=("/opt/clearml/config",),
        log_directory="/var/log/clearml",
        typed_elastic=False,
        stamps=(),
        revoked_in_fixed_mode=(),
        minimum_mongo=6,
        minimum_elastic=8,
    ),
}


def this_release():
    """The release of the running image, which its recipe fixes."""
    return RELEASES[os.environ["STANDIN_RELEASE"]]
