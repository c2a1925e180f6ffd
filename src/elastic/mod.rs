//! Elasticsearch over HTTP: mappings and templates, scroll in, bulk out, digests, copy and verification.
