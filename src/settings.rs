//! What was meant: the command line and the environment, fully resolved.
