"""One outside system each, thin, speaking the models of the ports."""
