"""What a run tells while it goes on, for those who watch; nothing here steers a run."""
