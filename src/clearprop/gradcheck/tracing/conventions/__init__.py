"""The conventions in which programs lay out their derivatives, a file for each: how it is recognised, and how it is called."""
