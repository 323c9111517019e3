"""The size of letters on pictures."""

# Points. In JupyterLab on a screen of 1024 pixels a picture has 572 of them, and a letter then 11.
FONT = 10.5
