//! The compose file as text: read and edited without losing a comment, then compared as a model.
