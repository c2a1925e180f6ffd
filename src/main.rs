//! The `docker-clearml-migrate` binary, also installed as the docker plugin `docker-clearml`.

#![deny(clippy::disallowed_methods)]

use clearml_migrate::app;
use clearml_migrate::environment::Environment;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    ExitCode::from(app::run(&program, args.collect(), &Environment::of_process()))
}
