//! What `import` was asked for.

use super::paths::absolute;
use super::{ComposeArgs, NodeAddress, Session};
use crate::cli::{ImportArgs, ImportVerifyArg};
use crate::environment::Environment;
use crate::error::Result;
use crate::export::Names;
use crate::import::{Chosen, Proof};
use crate::text::quote;
use std::path::PathBuf;

/// An import that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Where and how.
    pub session: Session,
    /// Absolute path of the export.
    pub input: PathBuf,
    /// The Elasticsearch that takes it.
    pub target: NodeAddress,
    /// Which indices.
    pub wanted: Chosen,
    /// How what was written is compared.
    pub verify: Proof,
    /// Absolute path of the rejects file that the user has read and given back.
    pub accept_rejects: Option<PathBuf>,
    /// Stop after the checks; nothing is written.
    pub dry_run: bool,
    /// The same as it was typed, without the password, for going on.
    again: String,
}

impl Import {
    /// Returns the words that go on with this import, behind the program's name.
    pub fn again(&self) -> &str {
        &self.again
    }
}

pub(super) fn resolve(arguments: &ImportArgs, session: Session, environment: &Environment) -> Result<Import> {
    let absolute = |path: &PathBuf| absolute(path, &session.current_dir);
    let input = arguments.input.as_ref().map_or_else(|| session.current_dir.join(super::export::OUTPUT), absolute);
    let password = environment.variable(NodeAddress::PASSWORD).and_then(|password| password.to_str());
    let target = NodeAddress::parse(&arguments.target, password)?;
    let wanted = match &arguments.index {
        None => Chosen::Servers,
        Some(glob) => Chosen::Matching(Names::new(glob)?),
    };
    let verify = match arguments.verify {
        ImportVerifyArg::Api => Proof::Documents,
        ImportVerifyArg::Counts => Proof::Counts,
    };
    let accept_rejects = arguments.accept_rejects.as_ref().map(absolute);
    let mut again =
        format!("import --input {} --target {}", quote(&input.to_string_lossy()), quote(&target.to_string()));
    let mut option = |option: &str, value: &str| again.push_str(&format!(" {option} {}", quote(value)));
    if let Some(glob) = &arguments.index {
        option("--index", glob);
    }
    if verify == Proof::Counts {
        option("--verify", "counts");
    }
    if let Some(file) = &accept_rejects {
        option("--accept-rejects", &file.to_string_lossy());
    }
    // What says where a server is may be in the environment, and has no meaning here.
    let session = Session { home: None, compose: ComposeArgs::default(), ..session };
    let dry_run = arguments.dry_run;
    Ok(Import { session, input, target, wanted, verify, accept_rejects, dry_run, again })
}
