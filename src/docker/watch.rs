//! The end of a container that was meant to run on: its exit code, its last words, and what they mean.

use super::daemon::{Daemon, failed, is_missing, shown};
use super::trouble::cut;
use crate::error::Result;
use crate::role::Role;
use bollard::errors::Error as ApiError;
use bollard::query_parameters::WaitContainerOptionsBuilder;
use futures_util::TryStreamExt;

/// How many last lines of a log are kept.
const LAST_LINES: usize = 40;

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Exit code; 128 and the number of the signal when a signal ended it.
    pub code: i64,
    /// Whether docker knows that the kernel killed it for want of memory.
    pub out_of_memory: bool,
    /// The last lines it wrote.
    pub last_lines: Vec<String>,
}

impl Exit {
    /// Returns what the container said last, without the frames of stack traces, which say nothing to its owner: at
    /// most `lines` lines, long ones cut.
    pub fn last_words(&self, lines: usize) -> String {
        let is_frame = |line: &&String| {
            let text = line.trim_start();
            text.starts_with("at ")
        };
        let words: Vec<String> = self.last_lines.iter().filter(|line| !is_frame(line)).map(|line| cut(line)).collect();
        words.get(words.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }
}

impl Daemon {
    /// Waits until a container does not run. Meant to stand beside another wait in `select!`; dropping it is safe.
    ///
    /// # Errors
    /// Failed when the daemon goes away or the container was removed.
    pub async fn watch_exit(&self, id: &str) -> Result<Exit> {
        let message = || format!("The end of the container {} cannot be waited for.", shown(id));
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let code = match Box::pin(self.api.wait_container(id, Some(options))).try_next().await {
            Ok(Some(response)) => response.status_code,
            // This is how the library reports any code but 0.
            Err(ApiError::DockerContainerWaitError { code, .. }) => code,
            Ok(None) => {
                return Err(crate::Error::failed(message())
                    .because(anyhow::anyhow!("docker closed the connection"))
                    .hint("Check that the docker daemon still runs, and run the same command again."));
            }
            Err(error) if is_missing(&error) => {
                return Err(failed(&format!("The container {} was removed by somebody else.", shown(id)), error)
                    .hint("Run the same command again."));
            }
            Err(error) => return Err(failed(&message(), error)),
        };
        let out_of_memory = self.container(id).await?.is_some_and(|container| container.state.out_of_memory);
        let last_lines = self.log_tail(id, LAST_LINES).await.unwrap_or_default();
        Ok(Exit { code, out_of_memory, last_lines })
    }
}

/// Returns the known cause of a container's end, as a sentence with its remedy, if its last words give it away.
pub fn explain_exit(role: Role, exit: &Exit) -> Option<String> {
    let said = |text: &str| exit.last_lines.iter().any(|line| line.contains(text));
    let known = KNOWN.iter().find(|cause| cause.roles.contains(&role) && cause.any_of.iter().any(|text| said(text)));
    if let Some(cause) = known {
        return Some(cause.explanation.to_owned());
    }
    if exit.out_of_memory || exit.code == 137 {
        return Some(
            "It was killed (SIGKILL), most likely for want of memory. Close other programs or give the migration less with --memory, and run the same command again."
                .to_owned(),
        );
    }
    (role == Role::Mongo && exit.code == 62).then(|| MONGO_VERSION.to_owned())
}

struct KnownCause {
    roles: &'static [Role],
    any_of: &'static [&'static str],
    explanation: &'static str,
}

const MONGO_VERSION: &str = "This version of MongoDB cannot open the data, because another version wrote them (exit code 62 and the feature compatibility version). Start the MongoDB version that wrote them.";
const DATABASES: &[Role] = &[Role::Elasticsearch, Role::Mongo, Role::Redis];

/// In order: the first that matches is the cause, since a full disk or wrong owner makes other things fail as well.
const KNOWN: &[KnownCause] = &[
    KnownCause {
        roles: DATABASES,
        any_of: &["No space left on device", "Disk quota exceeded"],
        explanation: "The disk is full. Free some space and run the same command again.",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &["AccessDeniedException", "failed to obtain node locks, tried", "Failed to create node environment"],
        explanation: "Elasticsearch may not write to its data directory. It runs as user 1000 (group 0 or 1000): check the owner and mode of the directory, and whether another node has it open.",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &["max virtual memory areas vm.max_map_count"],
        explanation: "The kernel's limit vm.max_map_count is too low for Elasticsearch. Raise it: sudo sysctl -w vm.max_map_count=262144",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &["memory locking requested for elasticsearch process but memory is not locked"],
        explanation: "Elasticsearch was told to lock its memory (bootstrap.memory_lock) and may not. Allow it with `ulimits: memlock: -1` on the service, or switch bootstrap.memory_lock off.",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &[
            "was created with version",
            "created in version",
            "cannot upgrade a node from version",
            "Unknown NodeMetaData",
            "IndexFormatTooOldException",
            "IndexFormatTooNewException",
        ],
        explanation: "The data were written by another version of Elasticsearch than the one that was started on them.",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &["jdk.internal.platform.Cgroup", "jdk.internal.platform.cgroup"],
        explanation: "The Java in this image fails on this kernel's cgroups (v2), a known bug of old Java versions. Boot with systemd.unified_cgroup_hierarchy=0, or run docker in a virtual machine with cgroups v1.",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &[
            "There is insufficient memory for the Java Runtime",
            "Could not reserve enough space",
            "java.lang.OutOfMemoryError",
        ],
        explanation: "There was not enough memory for Java. Close other programs, or change what the migration may use with --memory.",
    },
    KnownCause {
        roles: &[Role::Elasticsearch],
        any_of: &["unknown setting ["],
        explanation: "This version of Elasticsearch does not know one of the settings it was given; its last lines name it.",
    },
    KnownCause {
        roles: &[Role::Mongo],
        any_of: &[
            "UPGRADE PROBLEM",
            "Invalid featureCompatibilityVersion document",
            "must be started with",
            "incompatible with version",
        ],
        explanation: MONGO_VERSION,
    },
    KnownCause {
        roles: &[Role::Mongo],
        any_of: &["Unable to lock file", "DBPathInUse"],
        explanation: "Another MongoDB has the data open. Stop it and run the same command again.",
    },
    KnownCause {
        roles: &[Role::Mongo],
        any_of: &[
            "Attempted to create a lock file on a read-only directory",
            "Permission denied",
            "Operation not permitted",
        ],
        explanation: "MongoDB may not write to its data directory. It runs as user 999: check the owner and mode of the directory.",
    },
    KnownCause {
        roles: &[Role::Redis],
        any_of: &["Can't handle RDB format version"],
        explanation: "A newer Redis wrote the data; this version cannot read them.",
    },
    KnownCause {
        roles: &[Role::Redis],
        any_of: &["Permission denied"],
        explanation: "Redis may not write to its data directory. It runs as user 999: check the owner and mode of the directory.",
    },
    KnownCause {
        roles: &[Role::Apiserver, Role::Webserver, Role::Fileserver, Role::Elasticsearch, Role::Mongo, Role::Redis],
        any_of: &["Address already in use", "address already in use", "port is already allocated"],
        explanation: "A port that it needs is taken by another program. `ss -ltnp` shows which.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: i64, line: &str) -> Exit {
        Exit { code, out_of_memory: false, last_lines: vec!["starting".to_owned(), line.to_owned()] }
    }

    #[test]
    fn known_last_words_are_explained() {
        let table = [
            (
                Role::Elasticsearch,
                1,
                "java.nio.file.AccessDeniedException: /usr/share/elasticsearch/data/nodes",
                "user 1000",
            ),
            (Role::Elasticsearch, 78, "[1]: max virtual memory areas vm.max_map_count [65530] is too low", "sysctl -w"),
            (
                Role::Elasticsearch,
                1,
                "memory locking requested for elasticsearch process but memory is not locked",
                "memlock",
            ),
            (
                Role::Elasticsearch,
                1,
                "The index [[a/b]] was created with version [5.6.16] but the minimum",
                "another version",
            ),
            (Role::Elasticsearch, 1, "java.io.IOException: No space left on device", "disk is full"),
            (Role::Elasticsearch, 137, "started", "--memory"),
            (Role::Mongo, 62, "exiting", "feature compatibility"),
            (Role::Mongo, 100, "Unable to lock file: /data/db/mongod.lock", "Another MongoDB"),
            (Role::Redis, 1, "Can't handle RDB format version 10", "newer Redis"),
            (Role::Apiserver, 1, "OSError: [Errno 98] Address already in use", "ss -ltnp"),
        ];
        for (role, code, line, expected) in table {
            let explanation = explain_exit(role, &exit(code, line)).unwrap_or_default();
            assert!(explanation.contains(expected), "{line}: {explanation}");
        }
    }

    #[test]
    fn unknown_last_words_are_left_to_the_reader() {
        assert_eq!(explain_exit(Role::Elasticsearch, &exit(1, "boom")), None);
        assert_eq!(explain_exit(Role::Redis, &exit(62, "bye")), None);
    }
}
