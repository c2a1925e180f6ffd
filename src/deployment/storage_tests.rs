//! Each kind of storage, with and without a container.

use super::*;
use serde_json::json;

fn service(volumes: serde_json::Value) -> model::Service {
    let value = json!({ "services": { "s": { "image": "i", "volumes": volumes } } });
    model::Project::from_value(&value).unwrap().services.remove("s").unwrap()
}

fn with_data(
    service: &model::Service,
    role: Role,
    data_paths: &[String],
    container: Option<&Container>,
    image_volumes: Option<&[String]>,
    facts: &Facts,
) -> (Vec<Mount>, Vec<(String, Storage, Storage)>) {
    let (mut mounts, differences) = mounts(service, container, facts);
    let anonymous = if container.is_some() { Vec::new() } else { will_be_anonymous(role, image_volumes) };
    add_data(&mut mounts, data_paths, &anonymous);
    (mounts, differences)
}

fn mounts_of(
    service: &model::Service,
    role: Role,
    container: Option<&Container>,
    image_volumes: Option<&[String]>,
    facts: &Facts,
) -> (Vec<Mount>, Vec<(String, Storage, Storage)>) {
    let usual: Vec<String> = role.usual_data_paths().map(str::to_owned).collect();
    with_data(service, role, &usual, container, image_volumes, facts)
}

fn facts() -> Facts {
    let keys = [
        ("plain", model::Volume::default()),
        ("named", model::Volume { name: Some("given".into()), ..Default::default() }),
        ("outside", model::Volume { external: true, ..Default::default() }),
    ];
    Facts {
        project: "trains".into(),
        keys: keys.into_iter().map(|(key, volume)| (key.to_owned(), volume)).collect(),
        docker_root: "/var/lib/docker".into(),
        ..Default::default()
    }
}

fn container(mounts: &[(MountKind, &str, &str)]) -> Container {
    let mounts = mounts
        .iter()
        .map(|(kind, source, target)| ContainerMount {
            kind: kind.clone(),
            source: source.into(),
            target: (*target).to_owned(),
            read_only: false,
        })
        .collect();
    Container { mounts, ..Default::default() }
}

fn storage_at(mounts: &[Mount], target: &str) -> Storage {
    mounts.iter().find(|mount| mount.target == target).unwrap().storage.clone()
}

fn bind(path: &str) -> Storage {
    Storage::Bind { path: path.into() }
}

#[test]
fn without_a_container_the_model_says_where_the_data_are() {
    let volumes = json!(["/opt/trains/logs/:/log:ro", "plain:/p", "named:/n", "outside:/o", "/anonymous"]);
    let (mounts, differences) = mounts_of(&service(volumes), Role::Apiserver, None, None, &facts());
    assert!(differences.is_empty());
    assert_eq!(storage_at(&mounts, "/log"), bind("/opt/trains/logs"));
    assert!(mounts.iter().find(|mount| mount.target == "/log").unwrap().read_only);
    let volume = |name: &str, key: &str| Storage::Volume {
        name: name.into(),
        key: key.into(),
        mountpoint: format!("/var/lib/docker/volumes/{name}/_data").into(),
    };
    assert_eq!(storage_at(&mounts, "/p"), volume("trains_plain", "plain"));
    assert_eq!(storage_at(&mounts, "/n"), volume("given", "named"));
    assert_eq!(storage_at(&mounts, "/o"), volume("outside", "outside"));
    assert_eq!(storage_at(&mounts, "/anonymous"), Storage::Anonymous);
}

#[test]
fn data_that_nothing_is_mounted_at_are_named() {
    let none = service(json!([]));
    let at = |role, container: Option<&Container>, image: Option<&[String]>, path: &str| {
        storage_at(&mounts_of(&none, role, container, image, &facts()).0, path)
    };
    let elastic = "/usr/share/elasticsearch/data";
    let declared = [elastic.to_owned()];
    assert_eq!(at(Role::Elasticsearch, None, Some(&declared), elastic), Storage::Anonymous);
    assert_eq!(at(Role::Elasticsearch, None, Some(&[]), elastic), Storage::ContainerLayer);
    assert_eq!(at(Role::Elasticsearch, Some(&container(&[])), Some(&declared), elastic), Storage::ContainerLayer);
    assert_eq!(at(Role::Redis, None, None, "/data"), Storage::Anonymous);
    assert_eq!(at(Role::Fileserver, None, None, "/mnt/fileserver"), Storage::ContainerLayer);
}

/// The Windows files of 0.12.1 to 0.15.0: the volume is at `/data`, but the image declares `/data/db`, so docker puts
/// an anonymous volume over it, and that is where the data are.
#[test]
fn a_volume_at_data_does_not_hold_what_the_mongo_image_declares_below_it() {
    let windows = service(json!(["plain:/data"]));
    let (mounts, _) = mounts_of(&windows, Role::Mongo, None, None, &facts());
    assert_eq!(storage_at(&mounts, "/data/db"), Storage::Anonymous);
    let (mounts, _) = mounts_of(&windows, Role::Mongo, None, Some(&[]), &facts());
    let Storage::Volume { mountpoint, .. } = storage_at(&mounts, "/data/db") else { panic!("{mounts:?}") };
    assert_eq!(
        mountpoint,
        Path::new("/var/lib/docker/volumes/trains_plain/_data/db"),
        "no declaration, no other volume"
    );
}

#[test]
fn the_mounts_of_a_container_are_the_truth_and_the_difference_is_told() {
    let edited = service(json!(["/new/elastic:/usr/share/elasticsearch/data", "/same:/same"]));
    let real = container(&[
        (MountKind::Bind, "/opt/trains/data/elastic", "/usr/share/elasticsearch/data"),
        (MountKind::Bind, "/same/", "/same"),
        (MountKind::Volume("f".repeat(64)), "/var/lib/docker/volumes/ff/_data", "/usr/share/elasticsearch/logs"),
        (MountKind::Volume("given".into()), "/elsewhere/given/_data", "/v"),
    ]);
    let (mounts, differences) = mounts_of(&edited, Role::Elasticsearch, Some(&real), None, &facts());
    assert_eq!(storage_at(&mounts, "/usr/share/elasticsearch/data"), bind("/opt/trains/data/elastic"));
    assert_eq!(storage_at(&mounts, "/usr/share/elasticsearch/logs"), Storage::Anonymous);
    assert!(matches!(storage_at(&mounts, "/v"), Storage::Volume { key, .. } if key == "named"));
    let told: Vec<String> = disagreements("elasticsearch", differences).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "The container of elasticsearch has /opt/trains/data/elastic at /usr/share/elasticsearch/data; the compose file now says /new/elastic.",
            "The container of elasticsearch has the volume given at /v; the compose file now says nothing.",
        ]
    );
}

#[test]
fn paths_of_docker_desktop_are_those_of_the_host() {
    let mut facts = facts();
    facts.in_virtual_machine = true;
    let real = container(&[(MountKind::Bind, "/host_mnt/Users/a/trains/data/redis", "/data")]);
    let model = service(json!(["/Users/a/trains/data/redis:/data"]));
    let (mounts, differences) = mounts_of(&model, Role::Redis, Some(&real), None, &facts);
    assert_eq!(storage_at(&mounts, "/data"), bind("/Users/a/trains/data/redis"));
    assert!(differences.is_empty());
}

#[test]
fn a_bind_in_the_guise_of_a_volume_is_where_its_device_is() {
    let mut facts = facts();
    let options = [("type", "none"), ("o", "bind"), ("device", "/srv/es")];
    let volume = Volume {
        name: "given".into(),
        mountpoint: "/var/lib/docker/volumes/given/_data".into(),
        driver: "local".into(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        labels: BTreeMap::new(),
    };
    facts.volumes.insert("given".into(), volume);
    let (mounts, _) = mounts_of(&service(json!(["named:/n"])), Role::Other, None, None, &facts);
    assert_eq!(storage_at(&mounts, "/n").path(), Some(Path::new("/srv/es")));
}

/// `/opt/trains/data` is mounted whole; the process has its directory below it.
#[test]
fn data_below_a_wider_mount_are_where_that_mount_leads() {
    let wide = service(json!(["/opt/trains:/host", "/opt/trains/data:/host/data", "plain:/volume"]));
    let at = |path: &str| {
        let paths = [path.to_owned()];
        storage_at(&with_data(&wide, Role::Elasticsearch, &paths, None, Some(&[]), &facts()).0, path)
    };
    assert_eq!(at("/host/data/es"), bind("/opt/trains/data/es"));
    assert_eq!(at("/host/es"), bind("/opt/trains/es"));
    assert_eq!(at("/volume/es").path(), Some(Path::new("/var/lib/docker/volumes/trains_plain/_data/es")));
    assert_eq!(at("/volume2/es"), Storage::ContainerLayer);
}
