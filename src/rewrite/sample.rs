//! A request for tests: to take a stock Trains Server in `/opt/trains` to release 1.1 in `/opt/clearml`.

use super::{Request, Variables};
use crate::release;
use std::collections::BTreeMap;

pub(super) fn request() -> Request {
    Request {
        release: release::find("1.1").unwrap(),
        project_directory: "/opt/trains".into(),
        paths: vec![("/opt/trains/data/elastic".into(), "/opt/clearml/data/elastic_7".into())],
        home: Some(("/opt/trains".into(), "/opt/clearml".into())),
        volumes: vec![],
        pinned_volumes: vec![],
        mounts: vec![],
        variables: Variables::default(),
        fixed_users: false,
        redis: "/opt/clearml/data/redis".into(),
        redis_told: false,
        mentions: BTreeMap::new(),
    }
}
