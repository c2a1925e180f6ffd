//! Options for the Java of the node that writes: it lives for one load only, and need not be good for anything else.
//!
//! Measured with `tests/bench/run.sh --fresh`, see tests/results/README.md.

use crate::docker::Exit;

/// Data of fewer bytes on disk are loaded before the optimising compiler has paid off.
const SHORT_LOAD: u64 = 128 << 20;
/// From so many bytes on, what the optimising compiler has to do is little beside what it saves later.
const LONG_LOAD: u64 = 512 << 20;

/// The collector with the least work for each byte that is allocated; its pauses do not matter here. The official images
/// choose another one, by the version of their Java, and of two Java takes neither.
const COLLECTOR: &str = "-XX:+IgnoreUnrecognizedVMOptions -XX:-UseConcMarkSweepGC -XX:-UseG1GC -XX:+UseParallelGC";
/// No optimising compiler: a node that has just started has it busy for the first minute of its work.
const COMPILE_QUICKLY: &str = "-XX:TieredStopAtLevel=1";
/// An optimising compiler that copies fewer called methods into their callers: it is done much sooner, with code that
/// needs a tenth more time.
const INLINE_LITTLE: &str = "-XX:InlineSmallCode=500 -XX:FreqInlineSize=75 -XX:MaxInlineLevel=5";

/// Returns the options for a load of so many bytes.
pub(super) fn options(bytes: u64) -> String {
    match bytes {
        ..SHORT_LOAD => format!("{COLLECTOR} {COMPILE_QUICKLY}"),
        SHORT_LOAD..LONG_LOAD => format!("{COLLECTOR} {INLINE_LITTLE}"),
        LONG_LOAD.. => COLLECTOR.to_owned(),
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
    fn the_shorter_a_load_the_less_is_spent_on_compiling() {
        let compiles_little = |bytes| options(bytes).contains("TieredStopAtLevel");
        let inlines_little = |bytes| options(bytes).contains("InlineSize");
        assert!(compiles_little(0) && compiles_little(SHORT_LOAD - 1) && !compiles_little(SHORT_LOAD));
        assert!(!inlines_little(0) && inlines_little(SHORT_LOAD));
        assert!(inlines_little(LONG_LOAD - 1) && !inlines_little(LONG_LOAD));
    }

    #[test]
    fn every_load_has_the_collector_with_the_least_work() {
        for bytes in [0, SHORT_LOAD, LONG_LOAD, u64::MAX] {
            assert!(options(bytes).contains("-XX:+UseParallelGC"));
        }
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
