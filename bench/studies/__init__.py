"""Further questions put to a finished run, one package each."""
