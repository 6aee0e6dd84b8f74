"""What OpenLineage's readers learn of a run: its events, where they wait, and how they are sent."""
