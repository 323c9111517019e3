"""Pictures of a recording: functions that take a matplotlib axes and return what they drew."""
