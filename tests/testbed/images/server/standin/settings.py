"""Configuration as the servers read it: built-in values, HOCON files of the config directories, environment variables.

A file `NAME.conf` is the subtree NAME, `services/NAME.conf` is `services.NAME`. `PREFIX__a__b=value` is the HOCON line
`a.b: value`. Hosts come from the release's variables first, then from `hosts.conf`, then loopback.
"""

import os
import pathlib

from pyhocon import ConfigFactory, ConfigTree

SERVICES = {"elastic": ("ELASTIC", 9200), "mongo": ("MONGODB", 27017), "redis": ("REDIS", 6379)}

# The keys that every installation of these releases has unless its owner changed `secure.conf`; publicly documented.
BUILT_IN = """
secure {
  auth.token_secret: "testbed-token-secret"
  credentials {
    apiserver { role: "system"
      user_key: "62T8CP7HGBC6647XF9314C2VY67RJO"
      user_secret: "FhS8VZv_I4%6Mo$8S1BWc$n$=o1dMYSivuiWU-Vguq7qGOKskG-d+b@tn_Iq" }
    webserver { role: "system"
      user_key: "EYVQ385RW7Y2QQUH88CZ7DWIQ1WUHP"
      user_secret: "yfc8KQo*GMXb*9p((qcYC7ByFIpF7I&4VH3BfUYXH%o9vX1ZUZQEEw1Inc)S" }
    tests { role: "user", display_name: "Default User"
      user_key: "EGRTCO8JMSIGI6S39GTP43NFWXDQOW"
      user_secret: "x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8" }
  }
}
"""


class Settings:
    """The merged tree, read with dotted paths, and the addresses of the three databases."""

    def __init__(self, release, environ=os.environ):
        self._release = release
        self._environ = environ
        self._tree = ConfigFactory.parse_string(BUILT_IN)
        for directory in self.config_directories():
            self._merge_directory(pathlib.Path(directory))
        for prefix in release.prefixes:
            self._merge_environment(f"{prefix}__")

    def config_directories(self):
        """The directories in the order of reading; `PREFIX_CONFIG_DIR` replaces the built-in ones."""
        for prefix in reversed(self._release.prefixes):
            if directory := self._environ.get(f"{prefix}_CONFIG_DIR"):
                return (directory,)
        return self._release.config_directories

    def get(self, path, default=None):
        """A scalar, or a subtree as plain dictionaries and lists."""
        value = self._tree.get(path, default)
        return value.as_plain_ordered_dict() if isinstance(value, ConfigTree) else value

    def address(self, service):
        """(host, port) of `elastic`, `mongo` or `redis`."""
        name, port = SERVICES[service]
        configured = self._configured_host(service)
        return (
            self._from_environment(name, "HOST") or configured.get("host", "127.0.0.1"),
            int(self._from_environment(name, "PORT") or configured.get("port", port)),
        )

    def environment_names(self):
        """The variables of the environment that this release pays attention to."""
        prefixes = tuple(f"{prefix}_" for prefix in self._release.prefixes)
        return sorted(name for name in self._environ if name.startswith(prefixes))

    def _from_environment(self, service, part):
        values = (self._environ.get(name.format(service, part)) for name in self._release.service_variables)
        return next(filter(None, values), None)

    def _configured_host(self, service):
        if service == "elastic":
            hosts = self.get("hosts.elastic.events.hosts") or [{}]
            return hosts[0]
        if service == "redis":
            return self.get("hosts.redis.apiserver") or {}
        url = self.get("hosts.mongo.backend.host")
        if not url:
            return {}
        host, _, port = url.removeprefix("mongodb://").partition("/")[0].partition(":")
        return {"host": host, **({"port": port} if port else {})}

    def _merge_directory(self, directory):
        for path in sorted(directory.rglob("*.conf")):
            names = path.relative_to(directory).with_suffix("").parts
            subtree = ConfigFactory.parse_file(str(path))
            for name in reversed(names):
                subtree = ConfigTree(**{name: subtree})
            self._tree = ConfigTree.merge_configs(self._tree, subtree)

    def _merge_environment(self, prefix):
        for name in sorted(name for name in self._environ if name.startswith(prefix)):
            path = name.removeprefix(prefix).replace("__", ".").lower()
            line = ConfigFactory.parse_string(f"{path}: {self._environ[name]}")
            self._tree = ConfigTree.merge_configs(self._tree, line)
