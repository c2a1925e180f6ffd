//! What was typed: the command line as clap types.
