"""The node API of the SustainML framework, on Tutti's SDK."""
