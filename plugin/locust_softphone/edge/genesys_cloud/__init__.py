"""The simulated edge where it speaks Genesys Cloud's wire."""
