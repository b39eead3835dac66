"""The simulated edge's side of Genesys Cloud's wire."""
