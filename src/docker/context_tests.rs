//! Tables of what docker would choose.

use super::*;

fn home_with(current: Option<&str>, contexts: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".docker");
    std::fs::create_dir_all(&config).unwrap();
    if let Some(name) = current {
        std::fs::write(config.join("config.json"), serde_json::json!({ "currentContext": name }).to_string()).unwrap();
    }
    for (name, host) in contexts {
        let digest: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let dir = config.join("contexts/meta").join(digest);
        std::fs::create_dir_all(&dir).unwrap();
        let meta = serde_json::json!({ "Name": name, "Metadata": {}, "Endpoints": { "docker": { "Host": host } } });
        std::fs::write(dir.join("meta.json"), meta.to_string()).unwrap();
    }
    home
}

fn environment(home: &tempfile::TempDir) -> DockerEnvironment {
    DockerEnvironment { home: Some(home.path().to_owned()), ..Default::default() }
}

#[test]
fn the_order_is_that_of_docker() {
    let home = home_with(
        Some("current"),
        &[("current", "unix:///current.sock"), ("flag", "unix:///flag.sock"), ("variable", "unix:///variable.sock")],
    );
    let flag = Globals { context: Some("flag".into()), ..Default::default() };
    let host = Globals { host: Some("unix:///host.sock".into()), ..Default::default() };
    let default = Globals { context: Some("default".into()), ..Default::default() };
    let none = Globals::default();
    let bare = environment(&home);
    let with_context = DockerEnvironment { context: Some("variable".into()), ..bare.clone() };
    let with_host = DockerEnvironment { host: Some("unix:///env.sock".into()), ..with_context.clone() };
    let table = [
        (&flag, &with_host, "unix:///flag.sock", "flag", "from --context"),
        (&host, &with_host, "unix:///host.sock", "default", "from --host"),
        (&none, &with_host, "unix:///env.sock", "default", "from DOCKER_HOST"),
        (&default, &with_host, "unix:///env.sock", "default", "from DOCKER_HOST"),
        (&none, &with_context, "unix:///variable.sock", "variable", "from DOCKER_CONTEXT"),
        (&default, &bare, DEFAULT_HOST, "default", "from --context"),
    ];
    for (globals, environment, url, context, why) in table {
        let endpoint = Endpoint::resolve(globals, environment).unwrap();
        assert_eq!(
            (endpoint.host.url().as_str(), endpoint.context.as_str(), endpoint.why.as_str()),
            (url, context, why)
        );
    }
    let current = Endpoint::resolve(&none, &bare).unwrap();
    assert_eq!((current.host.url().as_str(), current.context.as_str()), ("unix:///current.sock", "current"));
    assert!(current.why.contains("config.json"), "{}", current.why);
}

#[test]
fn without_any_setting_it_is_the_default_socket() {
    let home = home_with(None, &[]);
    let endpoint = Endpoint::resolve(&Globals::default(), &environment(&home)).unwrap();
    assert_eq!(endpoint.host.url(), DEFAULT_HOST);
    assert_eq!(endpoint.config_dir, home.path().join(".docker"));
    assert!(endpoint.require_local().is_ok());
}

#[test]
fn a_damaged_config_file_is_passed_over_as_docker_does() {
    let home = home_with(None, &[]);
    std::fs::write(home.path().join(".docker/config.json"), "{").unwrap();
    assert_eq!(Endpoint::resolve(&Globals::default(), &environment(&home)).unwrap().context, "default");
}

#[test]
fn the_config_option_goes_before_the_variable() {
    let first = home_with(Some("a"), &[("a", "unix:///a.sock")]);
    let second = home_with(Some("b"), &[("b", "unix:///b.sock")]);
    let environment = DockerEnvironment { config: Some(second.path().join(".docker")), ..environment(&second) };
    let globals = Globals { config: Some(first.path().join(".docker")), ..Default::default() };
    assert_eq!(Endpoint::resolve(&globals, &environment).unwrap().context, "a");
    assert_eq!(Endpoint::resolve(&Globals::default(), &environment).unwrap().context, "b");
}

#[test]
fn a_daemon_behind_a_network_is_refused_with_the_reason() {
    let home = home_with(None, &[("far", "ssh://user@far")]);
    let host = |text: &str| Globals { host: Some(text.into()), ..Default::default() };
    let remote = [
        host("tcp://10.0.0.7:2376"),
        host("127.0.0.1:2375"),
        host("ssh://far"),
        Globals { tls: true, ..Default::default() },
        Globals { context: Some("far".into()), ..Default::default() },
    ];
    for globals in remote {
        let error = Endpoint::resolve(&globals, &environment(&home)).unwrap().require_local().unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Refused);
        assert!(error.causes()[0].contains("not on this machine"), "{:?}", error.causes());
    }
    assert!(Endpoint::resolve(&host("npipe:////./pipe/docker_engine"), &environment(&home)).unwrap().is_local());
    assert_eq!(Host::parse("unix://"), Host::parse(DEFAULT_HOST));
}

#[test]
fn a_context_that_does_not_exist_or_conflicts_is_an_error() {
    let home = home_with(Some("gone"), &[("empty", "")]);
    let environment = environment(&home);
    let missing = Endpoint::resolve(&Globals::default(), &environment).unwrap_err();
    assert!(missing.message().contains("gone") && missing.hints()[0].contains("docker context ls"));
    let empty = Globals { context: Some("empty".into()), ..Default::default() };
    assert!(Endpoint::resolve(&empty, &environment).unwrap_err().message().contains("names no docker host"));
    let both = Globals { host: Some("unix:///x".into()), ..empty };
    assert_eq!(Endpoint::resolve(&both, &environment).unwrap_err().kind(), crate::error::Kind::Usage);
}
