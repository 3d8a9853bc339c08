"""Operations: diagnostics of an installation, and dead letters."""
