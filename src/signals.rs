//! The ways to be told to stop, as one cancellation: SIGINT, SIGTERM, SIGHUP, and docker's plugin socket.
//!
//! Docker gives its plugins the address of a socket on which it sends nothing; its end means "stop now" (docker/cli
//! `cli-plugins/socket`). On Linux it is an abstract one, `@docker_cli_…`, elsewhere a file.

use crate::display;
use crate::environment::Environment;
use crate::error::{Error, Kind};
use crate::events::Events;
use crate::message::{Code, Message};
use std::ffi::OsStr;
use tokio_util::sync::CancellationToken;

/// Set by docker (since 25.0) to the address of the socket.
const PLUGIN_SOCKET: &str = "DOCKER_CLI_PLUGIN_SOCKET";

/// Starts to watch, and returns the token that is cancelled on the first wish to stop. On the second SIGINT the process
/// exits at once, saying `how_to_go_on`. `is_asking` tells whether only an answer is awaited, so that there is nothing to
/// be brought to a safe point. Must be called within a runtime.
pub fn watch(
    environment: &Environment,
    events: &Events,
    how_to_go_on: String,
    is_asking: impl Fn() -> bool + Send + 'static,
) -> CancellationToken {
    let cancel = CancellationToken::new();
    if let Some(address) = environment.variable(PLUGIN_SOCKET) {
        watch_socket(address, cancel.clone());
    }
    watch_signals(cancel.clone(), events, how_to_go_on);
    let (announced, events) = (cancel.clone(), events.clone());
    tokio::spawn(async move {
        announced.cancelled().await;
        if is_asking() {
            return;
        }
        events.info(Message::new(Code::Stopping, "Stopping at the next safe point. Press Ctrl-C to stop at once."));
    });
    cancel
}

#[cfg(unix)]
fn watch_signals(cancel: CancellationToken, events: &Events, how_to_go_on: String) {
    use tokio::signal::unix::{SignalKind, signal};
    // Caught from here on, not from when the task first runs.
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
        events.detail("Signals cannot be caught; one will end the program at once.");
        return;
    };
    tokio::spawn(async move {
        // Not the token: docker closes its socket on the same Ctrl-C that the terminal sends to all of us.
        let mut signalled = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {
                    if signalled {
                        exit_now(&how_to_go_on);
                    }
                }
                _ = terminate.recv() => {}
                // The terminal is gone; what still runs is brought to a safe point.
                _ = hangup.recv() => {}
            }
            signalled = true;
            cancel.cancel();
        }
    });
}

#[cfg(not(unix))]
fn watch_signals(cancel: CancellationToken, _: &Events, how_to_go_on: String) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if cancel.is_cancelled() {
                exit_now(&how_to_go_on);
            }
            cancel.cancel();
        }
    });
}

/// Ends the process like SIGKILL would, which the journal is made for.
fn exit_now(how_to_go_on: &str) -> ! {
    display::error(&Error::cancelled().hint(how_to_go_on), crate::settings::Terminal::default());
    std::process::exit(Kind::Cancelled.exit_code().into())
}

/// Waits for the end of docker's socket on a thread of its own. A socket that cannot be reached is ignored, as docker's own
/// plugins do.
#[cfg(unix)]
fn watch_socket(address: &OsStr, cancel: CancellationToken) {
    use std::io::Read;
    let Ok(mut socket) = connect(address) else { return };
    std::thread::spawn(move || {
        let mut byte = [0];
        // Nothing is ever sent: whatever comes back, the other end is gone or wants us to stop.
        let _ = socket.read(&mut byte);
        cancel.cancel();
    });
}

#[cfg(not(unix))]
fn watch_socket(_: &OsStr, _: CancellationToken) {}

#[cfg(target_os = "linux")]
fn connect(address: &OsStr) -> std::io::Result<std::os::unix::net::UnixStream> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    match address.as_bytes().strip_prefix(b"@") {
        Some(name) => UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?),
        None => UnixStream::connect(address),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn connect(address: &OsStr) -> std::io::Result<std::os::unix::net::UnixStream> {
    std::os::unix::net::UnixStream::connect(address)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    use std::time::Duration;

    async fn is_cancelled_soon(cancel: &CancellationToken) -> bool {
        tokio::time::timeout(Duration::from_secs(5), cancel.cancelled()).await.is_ok()
    }

    #[tokio::test]
    async fn the_end_of_an_abstract_socket_cancels() {
        let name = format!("docker_cli_test_{}", std::process::id());
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let environment = Environment::default().with(PLUGIN_SOCKET, &format!("@{name}"));
        let cancel = watch(&environment, &Events::silent(), String::new(), || false);
        let (docker, _) = listener.accept().unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!cancel.is_cancelled());
        drop(docker);
        assert!(is_cancelled_soon(&cancel).await);
    }

    /// Set in the process that [`a_signal_cancels_and_a_second_interrupt_ends`] starts.
    const CHILD: &str = "CLEARML_MIGRATE_TEST_SIGNALS";

    /// The other side of the test below: signals reach a whole process, so they need one of their own.
    #[tokio::test]
    async fn child() {
        if crate::environment::variable(CHILD).is_none() {
            return;
        }
        let cancel = watch(&Environment::default(), &Events::silent(), "Type it again.".to_owned(), || false);
        println!("\nwatching");
        cancel.cancelled().await;
        println!("\ncancelled");
        std::future::pending::<()>().await;
    }

    #[test]
    fn a_signal_cancels_and_a_second_interrupt_ends() {
        use rustix::process::{Pid, Signal, kill_process};
        use std::io::{BufRead, BufReader, Read};
        use std::process::{Command, Stdio};
        for first in [Signal::INT, Signal::TERM, Signal::HUP] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "signals::tests::child", "--nocapture"])
                .env(CHILD, "1")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
            let pid = Pid::from_child(&child);
            assert!(lines.any(|line| line == "watching"));
            kill_process(pid, first).unwrap();
            assert!(lines.any(|line| line == "cancelled"), "{first:?}");
            kill_process(pid, Signal::INT).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(130));
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            assert!(said.contains("Stopped on request.\nHint: Type it again.\n"), "{said}");
        }
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_ignored() {
        let environment = Environment::default().with(PLUGIN_SOCKET, "@docker_cli_nobody");
        let cancel = watch(&environment, &Events::silent(), String::new(), || false);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!cancel.is_cancelled());
    }
}
