//! Data in memory: a `tmpfs`, which ends with its container's process, and which `docker cp` does not see.

use super::Finding;
use crate::message::{About, Code};

/// Refuses data that a service keeps in memory at a path of its container; `name` is the container's.
pub fn kept_in_memory(service: &str, path: &str, name: &str, is_running: bool) -> Finding {
    match is_running {
        true => Finding::refusal(
            Code::DataInMemory,
            format!("The service {service} keeps {path} in memory (tmpfs): they are gone as soon as it stops."),
            format!(
                "Copy them to a place that lasts while it runs, for example: docker exec {name} tar -C {path} -c . | tar -C DIRECTORY -x; then mount DIRECTORY at {path} in the compose file."
            ),
        )
        .about(About::service(service)),
        false => Finding::refusal(
            Code::DataInMemory,
            format!(
                "The service {service} kept {path} in memory (tmpfs), and {name} is stopped, so that what was there is gone."
            ),
            format!(
                "If there is a copy of it, put that into a directory and mount it at {path} in the compose file; else mount an empty one there, start the stack, see what is there, and run again."
            ),
        )
        .about(About::service(service)),
    }
}
