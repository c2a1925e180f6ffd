//! Commands run inside a container, such as a database's own client.

use super::daemon::{Daemon, failed, shown};
use crate::error::{Error, Result};
use crate::failpoints;
use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::TryStreamExt;
use std::collections::BTreeMap;

/// What a command may write before it is taken to have gone wrong, in bytes, both streams together.
const OUTPUT_LIMIT: usize = 64 << 20;

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code.
    pub code: i64,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Daemon {
    /// Runs a command in a running container and waits for its end. Values of `environment` are not logged.
    ///
    /// # Errors
    /// Failed when the container does not run or the command cannot be started. A command that fails is no error:
    /// look at [`Output::code`].
    pub async fn exec(&self, id: &str, command: &[String], environment: &BTreeMap<String, String>) -> Result<Output> {
        failpoints::reach("docker.exec")?;
        let what = command.first().map_or("nothing", String::as_str);
        let message = format!("`{what}` cannot be run in the container {}.", shown(id));
        let config = ExecConfig {
            cmd: Some(command.to_vec()),
            env: Some(environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..Default::default()
        };
        let exec = self.api.create_exec(id, config).await.map_err(|cause| failed(&message, cause))?;
        let started = self.api.start_exec(&exec.id, None).await.map_err(|cause| failed(&message, cause))?;
        let StartExecResults::Attached { mut output, .. } = started else {
            return Err(Error::internal("Docker detached from a command that was to be waited for."));
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(part) = output.try_next().await.map_err(|cause| failed(&message, cause))? {
            match part {
                LogOutput::StdErr { message } => stderr.extend_from_slice(&message),
                other => stdout.extend_from_slice(&other.into_bytes()),
            }
            if stdout.len() + stderr.len() > OUTPUT_LIMIT {
                return Err(Error::failed(format!("`{what}` in the container {} writes without end.", shown(id))));
            }
        }
        let state = self.api.inspect_exec(&exec.id).await.map_err(|cause| failed(&message, cause))?;
        let Some(code) = state.exit_code else {
            return Err(Error::failed(format!(
                "`{what}` in the container {} closed its output and did not end.",
                shown(id)
            )));
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Output { code, stdout: text(stdout), stderr: text(stderr) })
    }
}
