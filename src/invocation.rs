//! How docker called us: as a plugin, on PATH, for metadata, completion or help. Pure.
