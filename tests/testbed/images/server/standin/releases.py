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
    config_directories: tuple
    log_directory: str
    # Elasticsearch 5: mapping types, required routing, `_term`.
    typed_elastic: bool
    # The migrations that the release knows, each leaving a stamp in `backend.versions`.
    stamps: tuple
    # Built-in users who lose their keys once fixed users are on.
    revoked_in_fixed_mode: tuple
    # Below these the release does not start.
    minimum_mongo: int = 3
    minimum_elastic: int = 5


TRAINS_STAMPS = ("0.12.1", "0.13.0", "0.14.0", "0.15.0")

RELEASES = {
    "0.15.1": Release(
        version="0.15.1",
        api_version="2.8",
        product="Trains",
        prefixes=("TRAINS",),
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
