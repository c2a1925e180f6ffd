//! From the command line to the task: parse, resolve, set up display and signals, run, show the error, return the exit code.

use crate::cli;
use crate::cli::completion;
use crate::commands::{self, Context};
use crate::display::{self, Display};
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::invocation::{self, Call, Invocation};
use crate::settings::{self, Session, Task, Terminal};
use crate::{shell, signals};
use std::ffi::{OsStr, OsString};

/// Runs the program and returns its exit code.
pub fn run(program: &OsStr, args: Vec<OsString>, environment: &Environment) -> u8 {
    match invocation::understand(program, args, environment) {
        Ok(Invocation::Metadata) => {
            display::print(&invocation::metadata());
            0
        }
        Ok(Invocation::Complete { door, words, descriptions }) => {
            display::print(&completion::answer(&cli::command(door), &words, descriptions));
            0
        }
        Ok(Invocation::Run(call)) => run_call(*call, environment),
        Err(error) => fail(&error, environment),
    }
}

fn run_call(call: Call, environment: &Environment) -> u8 {
    let typed = match cli::parse(call.door, &call.words) {
        Ok(typed) => typed,
        Err(error) => {
            let help = display::usage(&error, Terminal::of(environment));
            return if help { 0 } else { Kind::Usage.exit_code() };
        }
    };
    match settings::resolve(typed, call, environment) {
        Ok(Task::ShellInit(shell)) => {
            display::print(shell::init(shell));
            0
        }
        Ok(Task::Version) => {
            display::print(concat!("clearml-migrate ", env!("CARGO_PKG_VERSION")));
            0
        }
        Ok(Task::Migrate(settings)) => {
            perform(settings.session.clone(), settings.command(), environment, async |context| {
                commands::migrate(settings, context).await
            })
        }
        Ok(Task::Check(settings)) => perform(settings.session.clone(), "check", environment, async |context| {
            commands::check(settings, context).await
        }),
        Ok(Task::Export(settings)) => perform(settings.session.clone(), "export", environment, async |context| {
            commands::export(settings, context).await
        }),
        Ok(Task::Import(settings)) => {
            let again = settings.again().to_owned();
            perform(settings.session.clone(), &again, environment, async |context| {
                commands::import(settings, context).await
            })
        }
        Ok(Task::Verify(settings)) => perform(settings.session.clone(), "verify", environment, async |context| {
            commands::verify(settings, context).await
        }),
        Ok(Task::Status(session)) => {
            perform(session.clone(), "status", environment, async |context| commands::status(session, context).await)
        }
        Ok(Task::Rollback(settings)) => perform(settings.session.clone(), "rollback", environment, async |context| {
            commands::rollback(settings, context).await
        }),
        Err(error) => fail(&error, environment),
    }
}

fn fail(error: &Error, environment: &Environment) -> u8 {
    display::error(error, Terminal::of(environment));
    error.kind().exit_code()
}

/// Runs a task with display, log and signals set up. `word` is the command's name, perhaps with its options, for
/// typing it again.
fn perform(
    session: Session,
    word: &str,
    environment: &Environment,
    task: impl AsyncFnOnce(&Context) -> Result<()>,
) -> u8 {
    let display = Display::new(session.terminal, session.assume_yes);
    display::trace_to(display.log());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Error::failed("The program cannot start its threads.").because(error), environment),
    };
    let result = runtime.block_on(async {
        let events = display.events();
        let how_to_go_on = format!("To go on, type: {}", session.command(word));
        let cancel = signals::watch(environment, &events, how_to_go_on, {
            let display = display.clone();
            move || display.is_asking()
        });
        task(&Context { display: display.clone(), events, cancel }).await
    });
    // Not waited for: a thread may be reading the terminal, or copying what nobody wants any more.
    runtime.shutdown_background();
    match result {
        Ok(()) => 0,
        Err(error) => {
            display.error(&error);
            error.kind().exit_code()
        }
    }
}
