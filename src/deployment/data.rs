//! Where the server's services keep their data: the paths in their containers, and what is mounted there.

use super::{Mount, Role, Service, below};

impl Service {
    /// Returns the mounts that hold what the service's process keeps.
    pub fn data_mounts(&self) -> Vec<&Mount> {
        if !self.data_paths.is_empty() {
            return self.data_paths.iter().filter_map(|path| self.mount(path)).collect();
        }
        // A plan that an earlier version has stored. `/data` whole: the Windows files of 0.12.1 to 0.15.0.
        let whole = (self.role == Role::Mongo).then_some("/data");
        self.role.usual_data_paths().chain(whole).filter_map(|path| self.mount(path)).collect()
    }

    /// Returns whether something is lost if nothing outlives the container at this data path.
    pub fn is_precious(&self, path: &str) -> bool {
        // A configuration server has no other directory.
        self.role != Role::Mongo
            || path.trim_end_matches('/') != Role::MONGO_CONFIGDB
            || self.data_paths.iter().all(|path| path == Role::MONGO_CONFIGDB) && !self.data_paths.is_empty()
    }

    /// Returns the mount that a directory in the container is inside of, if no mount of its own is there.
    pub fn wider_mount(&self, mount: &Mount) -> Option<&Mount> {
        let path = mount.storage.path()?;
        self.mounts.iter().filter(|wider| wider.target != mount.target).find(|wider| {
            let rest = below(&mount.target, &wider.target);
            rest.zip(wider.storage.path()).is_some_and(|(rest, wider)| wider.join(rest) == path)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Storage;

    #[test]
    fn a_path_is_below_a_directory_and_not_below_one_of_a_similar_name() {
        let cases = [
            ("/data/db", "/data", Some("db")),
            ("/data/db/", "/data/", Some("db")),
            ("/data", "/data/", Some("")),
            ("/data", "/", Some("data")),
            ("/data2", "/data", None),
            ("/data", "/data/db", None),
        ];
        for (path, directory, expected) in cases {
            assert_eq!(below(path, directory), expected, "{path} in {directory}");
        }
    }

    fn mongo(data_paths: &[&str], mounts: &[(&str, &str)]) -> Service {
        let mount = |(target, path): &(&str, &str)| Mount {
            target: (*target).to_owned(),
            storage: Storage::Bind { path: path.into() },
            read_only: false,
        };
        Service {
            mounts: mounts.iter().map(mount).collect(),
            data_paths: data_paths.iter().map(|path| (*path).to_owned()).collect(),
            ..crate::deployment::sample::service("mongo", Role::Mongo, &[])
        }
    }

    #[test]
    fn a_stored_plan_without_data_paths_means_the_stock_ones_and_the_whole_volume_at_data() {
        let old = mongo(&[], &[("/data", "/srv/mongo"), ("/var/log", "/srv/logs")]);
        let targets: Vec<&str> = old.data_mounts().iter().map(|mount| mount.target.as_str()).collect();
        assert_eq!(targets, ["/data"]);
    }

    #[test]
    fn only_a_server_that_keeps_its_data_in_configdb_would_lose_something_with_it() {
        assert!(!mongo(&[], &[]).is_precious("/data/configdb"));
        assert!(!mongo(&["/data/db", "/data/configdb"], &[]).is_precious("/data/configdb/"));
        assert!(mongo(&["/data/db", "/data/configdb"], &[]).is_precious("/data/db"));
        assert!(mongo(&["/data/configdb"], &[]).is_precious("/data/configdb"));
    }

    #[test]
    fn a_mount_of_its_own_is_told_from_a_directory_of_a_wider_one() {
        let wide = mongo(&["/data/db"], &[("/data", "/srv/mongo"), ("/data/db", "/srv/mongo/db")]);
        assert_eq!(wide.wider_mount(&wide.mounts[1]), Some(&wide.mounts[0]));
        let own = mongo(&["/data/db"], &[("/data", "/srv/mongo"), ("/data/db", "/srv/db")]);
        assert_eq!(own.wider_mount(&own.mounts[1]), None);
    }
}
