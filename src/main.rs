//! The `docker-clearml-migrate` binary: parse, run, render the error, exit.

fn main() {}
