"""Content-addressed stores: `store` says what each promises, `local` and `remote` keep it."""
