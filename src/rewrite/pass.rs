//! Rewrites all files of a project, and once more to see that this changes nothing.

use super::request::{Request, Rewritten, RewrittenFile, SourceFile};
use super::rules::{self, Problem};
use crate::compose::edit::{MARK, body, edit, line_of, read};
use crate::error::{Error, Result};
use crate::role::Role;
use std::collections::BTreeMap;

/// Rewrites the files of a project for a release.
///
/// `roles` are those of all services (see [`super::roles::assign`]). Nothing is written to disk.
///
/// # Errors
/// A refusal that names file, line and remedy: for what is not YAML, what no rule can carry over, and every edit whose
/// result is not exactly the wanted one.
pub fn rewrite(files: &[SourceFile], roles: &BTreeMap<String, Role>, request: &Request) -> Result<Rewritten> {
    let Pass { texts, notes, added } = pass(files, roles, request)?;
    let again: Vec<SourceFile> = files
        .iter()
        .zip(&texts)
        .map(|(file, text)| SourceFile { path: file.path.clone(), text: text.clone() })
        .collect();
    let second = pass(&again, roles, &request.after())?.texts;
    if let Some((file, _)) =
        files.iter().zip(second.iter().zip(&texts)).find_map(|(file, (a, b))| (a != b).then_some((file, a)))
    {
        return Err(Error::internal(format!("The rewriting of {} does not come to an end.", file.path.display())));
    }
    let files = files.iter().zip(texts).map(|(file, new)| RewrittenFile {
        path: file.path.clone(),
        old: file.text.clone(),
        new,
    });
    Ok(Rewritten { files: files.collect(), notes, added })
}

/// What one rewriting comes to.
struct Pass {
    texts: Vec<String>,
    notes: Vec<String>,
    added: Vec<String>,
}

/// Rewrites all files once; every result is checked against its model.
fn pass(files: &[SourceFile], roles: &BTreeMap<String, Role>, request: &Request) -> Result<Pass> {
    let mut models = Vec::with_capacity(files.len());
    for file in files {
        models.push(read(&file.path, body(&file.text))?);
    }
    let stack = request.release.stack()?;
    let decision = rules::decide(models.clone(), roles, request, &stack).map_err(|problem| refused(files, &problem))?;
    let mut texts = Vec::with_capacity(files.len());
    for ((file, model), changes) in files.iter().zip(models).zip(&decision.changes) {
        let old = body(&file.text);
        let new = edit(&file.path, old, model, changes)?;
        texts.push(format!("{}{new}", if old.len() < file.text.len() { MARK.to_string() } else { String::new() }));
    }
    Ok(Pass { texts, notes: decision.notes, added: decision.added })
}

fn refused(files: &[SourceFile], problem: &Problem) -> Error {
    let file = files.get(problem.file);
    let place = file.map(|file| format!("{}, line {}", file.path.display(), line_of(&file.text, &problem.at)));
    Error::refused(format!("{}: {}.", place.unwrap_or_default(), problem.message)).hint(problem.hint.clone())
}

#[cfg(test)]
mod tests;
