//! The images that the plan needs.

use super::Subject;
use crate::error::Result;
use crate::findings::Finding;
use crate::message::{About, Code};
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Images that are missing must be ones that can be pulled. That is asked now, while the old server runs.
pub(super) async fn there(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut missing = BTreeSet::new();
    for image in &subject.plan.images {
        if subject.docker.image(image).await?.is_none() {
            missing.insert(image.as_str());
        }
    }
    let ask = async |image| match subject.docker.require_in_registry(image).await {
        // It does not know the question.
        _ if subject.docker.info().podman => (image, None),
        Ok(()) => (image, None),
        Err(error) => (image, Some(error.causes().pop().unwrap_or_else(|| error.to_string()))),
    };
    Ok(judge_images(&join_all(missing.into_iter().map(ask)).await))
}

/// Judges images that are not on this machine, each with why it cannot be pulled, if it cannot.
fn judge_images(missing: &[(&str, Option<String>)]) -> Vec<Finding> {
    let names = |with_reason: bool| -> Vec<&str> {
        missing.iter().filter(|(_, why)| why.is_some() == with_reason).map(|(image, _)| *image).collect()
    };
    let about = |images: &[&str]| images.iter().map(|image| About::Image((*image).to_owned())).collect::<Vec<_>>();
    let (pullable, lost) = (names(false), names(true));
    let mut findings = Vec::new();
    if let (Some(first), Some(why)) = (lost.first(), missing.iter().find_map(|(_, why)| why.as_ref())) {
        let finding = Finding::refusal(
            Code::ImagesUnavailable,
            format!("These images are not on this machine and cannot be pulled: {} ({why}).", lost.join(", ")),
            format!(
                "Try it by hand: docker pull {first}. On a machine without internet: docker save them elsewhere and docker load them here."
            ),
        );
        findings.push(finding.about(about(&lost)));
    }
    if !pullable.is_empty() {
        let finding = Finding::warning(
            Code::ImagesMissing,
            format!("These images are not on this machine yet: {}.", pullable.join(", ")),
            "Their registries have them, and they are pulled before anything is stopped.",
        );
        findings.push(finding.about(about(&pullable)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was found, each with its severity in front.
    fn shown(findings: impl IntoIterator<Item = Finding>) -> String {
        let line = |one: Finding| format!("{:?}: {}\n  {}\n", one.severity, one.what, one.remedy);
        findings.into_iter().map(line).collect()
    }

    #[test]
    fn images_that_no_registry_gives_are_refused_and_others_are_announced() {
        let lost = |image| (image, Some("no such host".to_owned()));
        assert_eq!(judge_images(&[]), []);
        insta::assert_snapshot!(shown(judge_images(&[("a:1", None), lost("b:1"), lost("c:1")])), @r"
        Refusal: These images are not on this machine and cannot be pulled: b:1, c:1 (no such host).
          Try it by hand: docker pull b:1. On a machine without internet: docker save them elsewhere and docker load them here.
        Warning: These images are not on this machine yet: a:1.
          Their registries have them, and they are pulled before anything is stopped.
        ");
    }
}
