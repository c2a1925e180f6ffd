//! The catalogue of target releases: images, databases, templates, names.
