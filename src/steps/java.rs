//! Options for the Java of the node that writes: it lives for one load only, and need not be good for anything else.
//!
//! Measured with `tests/bench/run.sh --fresh`, see tests/results/README.md.

use crate::docker::Exit;

/// Data of fewer bytes on disk are loaded before the optimising compiler has paid off.
const SHORT_LOAD: u64 = 192 << 20;

/// The collector with the least work for each byte that is allocated; its pauses do not matter here. The official images
/// choose another one, by the version of their Java, and of two Java takes neither.
const COLLECTOR: &str = "-XX:+IgnoreUnrecognizedVMOptions -XX:-UseConcMarkSweepGC -XX:-UseG1GC -XX:+UseParallelGC";
/// No optimising compiler: a node that has just started has it busy for its first half million documents.
const COMPILE_QUICKLY: &str = "-XX:TieredStopAtLevel=1";

/// Returns the options for a load of so many bytes.
pub(super) fn options(bytes: u64) -> String {
    match bytes < SHORT_LOAD {
        true => format!("{COLLECTOR} {COMPILE_QUICKLY}"),
        false => COLLECTOR.to_owned(),
    }
}

/// Returns whether Java did not even begin, because of its options.
pub(super) fn is_refused(exit: &Exit) -> bool {
    let said = |text: &str| exit.last_lines.iter().any(|line| line.contains(text));
    exit.code != 0 && (said("Could not create the Java Virtual Machine") || said("Unrecognized VM option"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_load_is_not_compiled_twice() {
        assert!(options(1 << 20).contains("TieredStopAtLevel"));
        assert!(!options(1 << 30).contains("TieredStopAtLevel"));
    }

    #[test]
    fn a_java_that_does_not_know_its_options_is_told_from_a_node_that_fails() {
        let exit = |code, line: &str| Exit { code, out_of_memory: false, last_lines: vec![line.to_owned()] };
        assert!(is_refused(&exit(1, "Error: Could not create the Java Virtual Machine.")));
        assert!(is_refused(&exit(1, "Unrecognized VM option 'UseParallelGC'")));
        assert!(!is_refused(&exit(78, "ERROR: [1] bootstrap checks failed")));
        assert!(!is_refused(&exit(0, "Unrecognized VM option")));
    }
}
