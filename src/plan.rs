//! The plan: ordered steps from a deployment to a release.
