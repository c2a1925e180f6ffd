//! What the user sees: the only place that prints.
