//! Elasticsearch data directories as files: what made them, and whether they are whole.
