"""What an API server does before it listens: the checks of its release, then templates and schema."""

import contextlib
import hashlib
import time

from . import elastic as es
from . import database as db
from . import migrations, redis_lock, templates


class StartupError(Exception):
    """The server must not start."""


class State:
    """What the checks found; `server_errors` over HTTP."""

    def __init__(self):
        self.missed_es_upgrade = False
        self.es_connection_error = False

    def server_errors(self):
        flags = {"missed_es_upgrade": self.missed_es_upgrade, "es_connection_error": self.es_connection_error}
        return {name: True for name, raised in flags.items() if raised}


def run(release, settings, elastic, database, log):
    """Initialises the databases and returns the State, or raises."""
    log.info("################ API Server initializing #####################")
    log.info("environment read: %s", " ".join(settings.environment_names()) or "nothing")
    state = State()
    with _locked(database, settings) if release.has_redis else contextlib.nullcontext():
        if release.minimum_elastic >= 8:
            _refuse_old_databases(release, elastic, database)
        elif release.typed_elastic:
            templates.install(elastic, log)
            _initialise_mongo(release, settings, database, log)
        else:
            _check_and_initialise(release, settings, elastic, database, log, state)
    return state


@contextlib.contextmanager
def _locked(database, settings):
    redis = redis_lock.Redis(settings.address("redis"))
    lock = "db_init_" + hashlib.md5(database.host.encode()).hexdigest()
    try:
        with redis_lock.held(redis, lock, timeout=int(settings.get("apiserver.db_init_timout", 120))):
            yield
    finally:
        redis.close()


def _check_and_initialise(release, settings, elastic, database, log, state):
    """From 0.16 on: Mongo with a schema older than 0.16 and an Elasticsearch without templates is a migration forgotten."""
    monitoring = settings.get("apiserver.elastic.upgrade_monitoring.v16_migration_verification", True)
    empty_elastic = True
    try:
        empty_elastic = _elastic_is_empty(settings, elastic, log)
    except es.Unreachable as error:
        if not monitoring:
            raise
        log.error("%s", error)
        state.es_connection_error = True
    unusable = state.es_connection_error or empty_elastic
    if monitoring and unusable and not database.is_empty() and _is_before_16(database):
        log.info("ES database seems not migrated")
        state.missed_es_upgrade = True
        return
    if state.es_connection_error:
        raise StartupError("Error starting server: failed connecting to ElasticSearch service")
    templates.install(elastic, log)
    _initialise_mongo(release, settings, database, log)


def _is_before_16(database):
    return db.version_key(database.last_stamp()) < (0, 16, 0)


def _elastic_is_empty(settings, elastic, log):
    """Only asks for templates; indices are not looked at."""
    retries = int(settings.get("apiserver.elastic.probing.max_retries", 4))
    pause = float(settings.get("apiserver.elastic.probing.timeout", 30))
    for attempt in range(1, retries + 1):
        try:
            return not elastic.request("GET", "/_template/events*")
        except es.Refused as refusal:
            if refusal.status == 404:
                return True
            raise
        except es.Unreachable:
            if attempt == retries:
                raise
            log.warning(
                "Could not connect to ElasticSearch Service. Retry %s of %s. Waiting for %ssec", attempt, retries, pause
            )
            time.sleep(pause)
    raise StartupError("apiserver.elastic.probing.max_retries allows no attempt")


def _initialise_mongo(release, settings, database, log):
    database.is_empty()  # outside of the guard: a Mongo that cannot be reached stops the server
    try:
        fail_in = settings.get("testbed.fail_migration")
        migrations.apply_all(database, release, log, fail_in and str(fail_in))
        db.ensure_company(database, release.product)
        db.ensure_users(database, settings, release)
    except Exception:
        # As upstream: logged and nothing else, the server goes on with whatever there is.
        log.exception("Failed initializing mongodb")


def _refuse_old_databases(release, elastic, database):
    mongo = database.server_version()
    if int(mongo.split(".")[0]) < release.minimum_mongo:
        raise StartupError(f"server {release.version} needs MongoDB {release.minimum_mongo} or later, found {mongo}")
    nodes = elastic.request("GET", "/_nodes/_local", filter_path="nodes.*.version")["nodes"]
    version = next(iter(nodes.values()))["version"]
    if int(version.split(".")[0]) < release.minimum_elastic:
        raise StartupError(
            f"server {release.version} needs Elasticsearch {release.minimum_elastic} or later, found {version}"
        )
    raise StartupError(f"the stand-in for {release.version} only checks its databases")
