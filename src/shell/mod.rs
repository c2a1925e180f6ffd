//! What `shell-init` prints: the `docker` function for each shell, and the shim.

use crate::cli::Shell;

/// Returns the text for `shell`, to be evaluated, or for the shim to be saved as a file.
pub fn init(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash | Shell::Zsh => include_str!("function.sh"),
        Shell::Fish => include_str!("function.fish"),
        Shell::Shim => include_str!("shim.sh"),
    }
}
