//! The report at the end of a run: what was done, where things are, how to go back.
