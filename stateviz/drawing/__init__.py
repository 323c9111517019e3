"""Pictures of a recording: functions that take a matplotlib axes and return what they drew."""

# The size of letters on pictures, in points: 14 pixels of CSS where a picture has its own width,
# and 13 where the page shows it as small as it may.
FONT = 10.5
HEAD = 12.75
POINTS = 0.75  # in a pixel of CSS


def written(value: float, form: str = "+.2f") -> str:
    """A number with a minus sign that is as wide as a plus."""
    return f"{value:{form}}".replace("-", "−")
