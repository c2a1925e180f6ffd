//! Runs, continues and undoes a plan, with the journal ahead of every act.
