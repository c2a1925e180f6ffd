//! Where a login to the user's own server can come from.
//!
//! The server's configuration files are HOCON, read from its config directory: `apiserver.conf` may hold
//! `auth.fixed_users`, `secure.conf` may replace the built-in `credentials`. The environment variables
//! `CLEARML__SECURE__CREDENTIALS__<NAME>__USER_KEY` (and the `TRAINS__` spelling) replace both, as the server does:
//! `TRAINS__` is applied first, `CLEARML__` over it. Without any of them the release's published defaults hold.

use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// Where a login was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `auth.fixed_users` in `apiserver.conf`.
    FixedUsers,
    /// `credentials` in `secure.conf`.
    SecureConf,
    /// `CLEARML__SECURE__CREDENTIALS__…` of the apiserver service.
    Environment,
    /// The release's published defaults.
    Default,
}

/// A key pair, or a fixed user's name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key or user name.
    pub user: String,
    /// Secret key or password. Never printed.
    pub secret: String,
    /// Where it was found.
    pub origin: Origin,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Returns the logins to try, best first. A file that cannot be read or parsed gives none.
pub fn find_credentials(
    config_dir: Option<&Path>,
    environment: &BTreeMap<String, String>,
    defaults: &[(&str, &str)],
) -> Vec<Credentials> {
    let conf = |name: &str| config_dir.and_then(|dir| read_hocon(&dir.join(name)));
    let mut found = conf("apiserver.conf").map_or_else(Vec::new, |conf| fixed_users(&conf));
    found.extend(from_environment(environment));
    found.extend(conf("secure.conf").map_or_else(Vec::new, |conf| secure_conf(&conf)));
    found.extend(defaults.iter().map(|(user, secret)| Credentials {
        user: (*user).to_owned(),
        secret: (*secret).to_owned(),
        origin: Origin::Default,
    }));
    found
}

/// Returns whether the configuration names the users that the server lets in.
pub fn has_fixed_users(config_dir: &Path) -> bool {
    read_hocon(&config_dir.join("apiserver.conf")).is_some_and(|conf| !fixed_users(&conf).is_empty())
}

/// Returns whether the server's `hosts.conf` says where Redis is: `redis { apiserver { host: … } }`. One that is not there
/// does not.
///
/// # Errors
/// Refused, by name, when the file cannot be read, or is not as the server's configuration is written.
pub fn has_redis(hosts_conf: &Path) -> Result<bool> {
    let text = match std::fs::read_to_string(hosts_conf) {
        Ok(text) => text,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(false),
        Err(cause) => return Err(unknown_hosts(hosts_conf, "cannot be read").because(cause)),
    };
    let conf: Value = hocon_rs::Config::parse_str(&text, None)
        .map_err(|cause| unknown_hosts(hosts_conf, "is not written as the server's configuration is").because(cause))?;
    let redis = [conf.pointer("/redis"), conf.pointer("/hosts/redis")];
    let parts = redis.iter().flatten().filter_map(|part| part.as_object()).flat_map(|all| all.values());
    if parts.filter_map(|part| part.get("host")?.as_str()).any(|host| !host.is_empty()) {
        return Ok(true);
    }
    // Of a text that breaks off the parser takes what it understands.
    let says = |line: &str| line.split(['#', '/']).next().is_some_and(|code| code.contains("redis"));
    match redis.iter().all(Option::is_none) && text.lines().any(says) {
        true => Err(unknown_hosts(hosts_conf, "is not written as the server's configuration is")),
        false => Ok(false),
    }
}

/// A Redis that is overlooked is replaced by an empty one.
fn unknown_hosts(hosts_conf: &Path, why: &str) -> Error {
    Error::refused(format!(
        "{} {why}, so that it is not known whether it names the server's Redis.",
        hosts_conf.display()
    ))
    .hint("Put the file right. Or name the Redis in the environment of the API server, in the compose file: TRAINS_REDIS_SERVICE_HOST.")
    .hint("Then run the same command again.")
}

fn read_hocon(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    hocon_rs::Config::parse_str(&text, None).ok()
}

fn fixed_users(conf: &Value) -> Vec<Credentials> {
    let users = conf.pointer("/auth/fixed_users").or_else(|| conf.pointer("/apiserver/auth/fixed_users"));
    let enabled = users.and_then(|users| users.get("enabled")).is_some_and(|on| *on == true || *on == "true");
    let list = users.and_then(|users| users.get("users")).and_then(Value::as_array);
    let list = list.into_iter().flatten().filter(|_| enabled);
    list.filter_map(|user| pair(user, "username", "password", Origin::FixedUsers)).collect()
}

fn secure_conf(conf: &Value) -> Vec<Credentials> {
    let all = conf.get("credentials").or_else(|| conf.pointer("/secure/credentials")).and_then(Value::as_object);
    let all = all.into_iter().flat_map(|all| all.values());
    all.filter_map(|one| pair(one, "user_key", "user_secret", Origin::SecureConf)).collect()
}

fn pair(value: &Value, user: &str, secret: &str, origin: Origin) -> Option<Credentials> {
    let text = |name: &str| match value.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(Credentials { user: text(user)?, secret: text(secret)?, origin })
}

fn from_environment(environment: &BTreeMap<String, String>) -> Vec<Credentials> {
    let mut parts: BTreeMap<String, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for prefix in ["TRAINS__", "CLEARML__"] {
        for (name, value) in environment.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let lower = rest.to_ascii_lowercase();
            let Some(rest) = lower.strip_prefix("secure__credentials__") else { continue };
            match rest.split_once("__") {
                Some((who, "user_key")) => parts.entry(who.to_owned()).or_default().0 = Some(unquoted(value)),
                Some((who, "user_secret")) => parts.entry(who.to_owned()).or_default().1 = Some(unquoted(value)),
                _ => {}
            }
        }
    }
    let whole = parts.into_values().filter_map(|(user, secret)| Some((user?, secret?)));
    whole
        .map(|(user, secret)| Credentials { user: user.into(), secret: secret.into(), origin: Origin::Environment })
        .collect()
}

/// The server parses these values as HOCON, where quotes around a string are allowed.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[Credentials]) -> Vec<(&str, Origin)> {
        found.iter().map(|one| (one.user.as_str(), one.origin)).collect()
    }

    #[test]
    fn a_host_of_redis_in_the_configuration_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hosts.conf");
        let has = |text: &str| {
            std::fs::write(&file, text).unwrap();
            has_redis(&file).unwrap()
        };
        assert!(has("redis {\n  apiserver { host: \"cache.corp\", port: 6379, db: 0 }\n}\n"));
        assert!(has("hosts.redis.workers.host = cache.corp\n"));
        assert!(!has("redis { apiserver { port: 6380 } }\nmongo { backend { host: \"mongodb://m\" } }\n"));
        assert!(!has_redis(&dir.path().join("none.conf")).unwrap());
    }

    #[test]
    fn a_configuration_of_hosts_that_cannot_be_read_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hosts.conf");
        let refused = || {
            let error = has_redis(&file).unwrap_err();
            format!("{}\n{}", error.message(), error.hints().join("\n"))
                .replace(&dir.path().display().to_string(), "/opt/trains/config")
        };
        std::fs::write(&file, "redis {\n  apiserver { host: \"cache.corp\"\n").unwrap();
        insta::assert_snapshot!(refused(), @r"
        /opt/trains/config/hosts.conf is not written as the server's configuration is, so that it is not known whether it names the server's Redis.
        Put the file right. Or name the Redis in the environment of the API server, in the compose file: TRAINS_REDIS_SERVICE_HOST.
        Then run the same command again.
        ");
        std::fs::write(&file, b"redis { apiserver { host: \"\xff\" } }").unwrap();
        insta::assert_snapshot!(refused(), @r"
        /opt/trains/config/hosts.conf cannot be read, so that it is not known whether it names the server's Redis.
        Put the file right. Or name the Redis in the environment of the API server, in the compose file: TRAINS_REDIS_SERVICE_HOST.
        Then run the same command again.
        ");
    }

    #[test]
    fn fixed_users_come_first_and_the_defaults_last() {
        let dir = tempfile::tempdir().unwrap();
        let conf = "# who may log in\nauth {\n  fixed_users {\n    enabled: true\n    pass_hashed: false\n    users: [\n      \
                    { username: \"jane\", password: \"12345678\", name: \"Jane Doe\" }\n    ]\n  }\n}\n";
        std::fs::write(dir.path().join("apiserver.conf"), conf).unwrap();
        let secure = "credentials { apiserver { role: \"system\", user_key: \"K\", user_secret: \"S\" } }";
        std::fs::write(dir.path().join("secure.conf"), secure).unwrap();
        let environment = BTreeMap::from([
            ("CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY".to_owned(), "\"E\"".to_owned()),
            ("TRAINS__secure__credentials__tests__user_secret".to_owned(), "x".to_owned()),
        ]);
        let found = find_credentials(Some(dir.path()), &environment, &[("D", "d")]);
        let expected = [
            ("jane", Origin::FixedUsers),
            ("E", Origin::Environment),
            ("K", Origin::SecureConf),
            ("D", Origin::Default),
        ];
        assert_eq!(names(&found), expected);
        assert!(has_fixed_users(dir.path()) && !has_fixed_users(Path::new("/nonexistent")));
    }

    #[test]
    fn fixed_users_that_are_switched_off_are_not_tried() {
        let conf = serde_json::json!({"auth": {"fixed_users": {"enabled": false, "users": [{"username": "a", "password": "b"}]}}});
        assert_eq!(fixed_users(&conf), []);
    }

    #[test]
    fn a_secret_is_never_in_the_debug_output() {
        let one = Credentials { user: "u".into(), secret: "hush".into(), origin: Origin::Default };
        assert!(!format!("{one:?}").contains("hush"));
    }
}
