"""Pictures of a recording: functions that take a matplotlib axes and return what they drew."""

# The size of letters on pictures, in points. In JupyterLab on a screen of 1024 pixels a picture has
# 572 of them, and a letter then 11.
FONT = 10.5
