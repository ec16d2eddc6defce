"""Every chart as Vega-Lite, one description for page, PDF and PNG."""
